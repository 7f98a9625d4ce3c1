// Lists that change while a person works on them: a row stays the same row, and what is pressed is what was seen.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

const LIVE_MS = 60_000;
const skip = missing("browser tests of live lists");

// Every live list: its rows, and what names a row. A row's name must never change while its element lives.
const LISTS = {
  "/shipments?tab=all": ['[data-testid="shipment-row"]', "a[data-row]", "href"],
  "/exceptions": ['[data-testid="exception-row"]', 'input[name="id"]', "value"],
  "/sync?view=done": ['[data-testid="job-row"]', 'a[href^="/sync/jobs/"]', "href"],
  "/sync?view=messages": ['[data-testid="message-row"]', 'input[type="checkbox"]', "value"],
};

describe("live lists", { skip, concurrency: false }, () => {
  let demo;
  before(async () => {
    demo = await startDemo();
  });
  after(async () => {
    await demo?.stop();
  });

  async function visiting(path, ready, visit, options = {}) {
    const browser = await launch(options);
    const { page } = browser;
    try {
      const problems = watchConsole(page);
      await signIn(page, demo.base, demo.logins.find((one) => one.role === "admin"));
      await until(`rows on ${path}`, async () => {
        await page.goto(demo.base + path);
        return ready(page);
      }, LIVE_MS, 500);
      if (options.javaScript !== false) await hydrated(page);
      await visit(page);
      assert.deepEqual(problems, [], "the console is clean");
    } finally {
      await browser.close();
    }
  }

  const boxes = (page) => page.locator('[data-testid="message-row"] input[type="checkbox"]');
  const ids = (page) => boxes(page).evaluateAll((all) => all.map((box) => box.value));
  const ticked = (page) => boxes(page).evaluateAll((all) => all.filter((box) => box.checked).map((box) => box.value));
  const chosen = (request) => [...new URLSearchParams(request.postData())].filter(([name]) => name.startsWith("chosen[ids]")).map(([, id]) => id).sort();
  const someMessages = async (page) => (await boxes(page).count()) >= 4;

  for (const [path, [row, name, attribute]] of Object.entries(LISTS)) {
    test(`rows of ${path} stay what they are`, async () => {
      const names = (page) =>
        page.locator(row).evaluateAll(
          (all, [name, attribute]) => all.map((row) => row.querySelector(name).getAttribute(attribute)),
          [name, attribute],
        );
      await visiting(path, async (page) => (await page.locator(row).count()) >= 3, async (page) => {
        const first = await names(page);
        assert.equal(new Set(first).size, first.length, "each row is named once");
        await page.locator(row).evaluateAll(
          (all, [name, attribute]) => all.forEach((row) => (row.seen = row.querySelector(name).getAttribute(attribute))),
          [name, attribute],
        );
        await until("another order of rows", async () => (await names(page)).join() !== first.join(), LIVE_MS, 200);
        const wrong = await page.locator(row).evaluateAll(
          (all, [name, attribute]) =>
            all
              .filter((row) => row.seen !== undefined)
              .map((row) => [row.seen, row.querySelector(name).getAttribute(attribute)])
              .filter(([seen, now]) => seen !== now),
          [name, attribute],
        );
        assert.deepEqual(wrong, [], "elements became other rows");
      });
    });
  }

  test("two ticked messages are the two that are reprocessed", async () => {
    await visiting("/sync?view=messages", someMessages, async (page) => {
      const before = await ids(page);
      const two = [before[1], before[2]].sort();
      for (const id of two) await page.locator(`input[type="checkbox"][value="${id}"]`).check();
      await until("two new messages", async () => (await ids(page)).indexOf(before[0]) >= 2, LIVE_MS, 200);
      assert.deepEqual((await ticked(page)).sort(), two, "the same two are ticked");
      assert.match(await page.getByTestId("selected").innerText(), /^2 selected$/);
      const [request] = await Promise.all([
        page.waitForRequest((request) => request.url().endsWith("/api/sync/start-replay")),
        page.getByTestId("take-some").click(),
      ]);
      assert.deepEqual(chosen(request), two, "exactly these go out");
      await page.locator('[data-testid="replay-row"]', { hasText: "2 of 2" }).first().waitFor();
      assert.deepEqual(await ticked(page), [], "nothing stays ticked");
    });
  });

  test("what is ticked goes along to another page, is counted, and can be cleared", async () => {
    await visiting("/sync?view=messages", async (page) => (await page.locator('a[rel="next"]').count()) > 0 && someMessages(page), async (page) => {
      const [first] = await ids(page);
      await boxes(page).first().check();
      await page.locator('a[rel="next"]').click();
      await until("the next page", async () => !(await ids(page)).includes(first));
      assert.match(await page.getByTestId("selected").innerText(), /^1 selected, 1 not on this page$/);
      const [second] = await ids(page);
      await boxes(page).first().check();
      const form = await page.locator("form#chosen").evaluate((form) => new FormData(form).getAll("chosen[ids][]"));
      assert.deepEqual(form.sort(), [first, second].sort(), "both would go out, each once");
      await page.getByTestId("clear-selection").click();
      assert.deepEqual(await ticked(page), []);
      assert.equal(await page.getByTestId("selected").count(), 0);
    });
  });

  test("what is opened, typed and focused stays while the list changes", async () => {
    await visiting("/sync?view=done", async (page) => (await page.getByTestId("pause").count()) > 0, async (page) => {
      await page.getByTestId("pause").first().click();
      const why = page.locator('details.pause input[name="why"]').first();
      await why.fill("they move their ware");
      const rows = () => page.locator('[data-testid="job-row"]').first().innerText();
      const first = await rows();
      await until("another list", async () => (await rows()) !== first, LIVE_MS, 200);
      await why.pressSequentially("house");
      assert.equal(await why.inputValue(), "they move their warehouse");
      assert.equal(await why.evaluate((input) => document.activeElement === input), true);
    });
  });

  test("what is pressed is what was seen, although the list changes before the button is up", async () => {
    await visiting("/exceptions", async (page) => (await page.locator('[data-testid="exception-row"] button').count()) > 0, async (page) => {
      const rows = page.locator('[data-testid="exception-row"]');
      const form = rows.last().locator("form").first();
      const seen = await form.locator('input[name="id"]').inputValue();
      const act = await form.locator('input[name="act"]').inputValue();
      await form.locator("button").scrollIntoViewIfNeeded();
      const box = await form.locator("button").boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      // somebody else closes the exceptions above it meanwhile
      const others = await rows.evaluateAll((all) => all.slice(0, -1).map((row) => row.querySelector('input[name="id"]').value));
      for (const id of others.slice(0, 3)) {
        const done = await page.context().request.post(`${demo.base}/api/exceptions/act`, { form: { id, act: "resolve" } });
        assert.ok(done.ok(), await done.text());
      }
      await page.waitForResponse((response) => response.url().includes("/api/exceptions?"), { timeout: LIVE_MS });
      const [request] = await Promise.all([
        page.waitForRequest((request) => request.url().endsWith("/api/exceptions/act")),
        page.mouse.up(),
      ]);
      const sent = new URLSearchParams(request.postData());
      assert.deepEqual([sent.get("id"), sent.get("act")], [seen, act]);
      await until("the list goes on", async () => !(await rows.evaluateAll((all) => all.map((row) => row.querySelector('input[name="id"]').value))).includes(others[0]));
    });
  });

  test("a double click acts once, whatever button is under the pointer by then", async () => {
    await visiting("/exceptions", async (page) => (await page.locator('[data-testid="exception-row"] button').count()) > 0, async (page) => {
      const button = page.locator('[data-testid="exception-row"] form button').first();
      const sent = [];
      page.on("request", (request) => request.url().endsWith("/api/exceptions/act") && sent.push(request.postData()));
      await Promise.all([page.waitForResponse((response) => response.url().endsWith("/api/exceptions/act")), button.dblclick({ delay: 40 })]);
      await page.waitForResponse((response) => response.url().includes("/api/exceptions?"), { timeout: LIVE_MS });
      assert.equal(sent.length, 1, sent.join());
    });
  });

  test("without JavaScript ticked messages are reprocessed", async () => {
    await visiting("/sync?view=messages", someMessages, async (page) => {
      const two = (await ids(page)).slice(1, 3).sort();
      for (const id of two) await page.locator(`input[type="checkbox"][value="${id}"]`).check();
      const [request] = await Promise.all([
        page.waitForRequest((request) => request.url().endsWith("/api/sync/start-replay")),
        page.getByTestId("take-some").click(),
      ]);
      assert.deepEqual(chosen(request), two);
      await page.waitForLoadState();
      assert.match(page.url(), /\/sync/);
    }, { javaScript: false });
  });

  // the last one: nothing is served after it
  test("a page whose server is gone does not say that it is live", async () => {
    const browser = await launch();
    const { page } = browser;
    try {
      await signIn(page, demo.base, demo.logins.find((one) => one.role === "agent"));
      await page.goto(`${demo.base}/shipments?tab=all`);
      await hydrated(page);
      await page.getByTestId("live").waitFor();
      assert.equal(await page.getByTestId("cut-off").count(), 0);
      await demo.stop();
      await page.getByTestId("cut-off").waitFor();
      assert.equal(await page.getByTestId("live").count(), 0);
    } finally {
      await browser.close();
    }
  });
});
