// An admin compares the systems in the browser while the demo runs: a run with its progress, the figure, the list with its filters,
// a decision, the file, with and without JavaScript.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

const SKIP = missing("browser tests of reconciliation");
const WAIT_MS = 60_000;

describe("reconciliation", { skip: SKIP, concurrency: false }, () => {
  let demo;
  before(async () => {
    demo = await startDemo();
  });
  after(async () => {
    await demo?.stop();
  });

  /** Runs `visit` in a browser of its own, signed in; nothing may be wrong on the console. */
  async function visiting(options, visit, role = "admin") {
    const browser = await launch(options);
    try {
      const problems = watchConsole(browser.page);
      await signIn(browser.page, demo.base, demo.logins.find((one) => one.role === role));
      await visit(browser.page);
      const wrong = problems.filter((problem) => !/status of (409|403)/.test(problem));
      assert.deepEqual(wrong, [], "the console is clean");
    } finally {
      await browser.close();
    }
  }

  const go = async (page, path, javaScript = true) => {
    const answer = await page.goto(demo.base + path);
    assert.equal(answer.status(), 200, path);
    if (javaScript) await hydrated(page);
  };
  /** Waits until no run goes on and one has ended. */
  const compared = (page) =>
    until("a run that ended", async () => {
      await page.goto(`${demo.base}/reconciliation`);
      return (await page.getByTestId("share").count()) === 1 && (await page.getByTestId("running").count()) === 0;
    }, WAIT_MS, 1_000);

  test("a run compares every shipment and shows how far the systems agree", async () => {
    await visiting({}, async (page) => {
      await go(page, "/reconciliation");
      await page.getByRole("heading", { level: 1, name: "Reconciliation" }).waitFor();
      await compared(page);
      assert.match(await page.getByTestId("share").innerText(), /^\d{1,3}(\.\d\d)?\s*%$/);
      await hydrated(page);
      await page.getByTestId("run-now").click();
      await until("another run in the list", async () => {
        await page.goto(`${demo.base}/reconciliation?view=runs`);
        return (await page.getByTestId("run-row").count()) >= 2;
      }, WAIT_MS, 500);
      await compared(page);
      await hydrated(page);
      // a demo is new: one day is said in words, and there is a second one where it runs over midnight
      const days = page.locator("[data-testid=first-day], [data-testid=days]");
      assert.match(await days.textContent(), /\d{1,3}(\.\d+)? %/);
      assert.match(await page.getByTestId("goal").innerText(), /Target met|below target/);
    });
  });

  test("the list is narrowed by its address, a decision holds, and the file has the same rows", async () => {
    await visiting({}, async (page) => {
      await compared(page);
      await hydrated(page);
      const rows = page.getByTestId("difference");
      const all = await rows.count();
      await page.getByLabel("Field", { exact: true }).selectOption("no_order");
      await page.waitForURL(/field=no_order/);
      await until("only numbers without an order", async () => {
        const topics = await rows.evaluateAll((found) => found.map((row) => row.dataset.topic));
        return topics.every((topic) => topic === "no_order");
      }, WAIT_MS);
      const narrowed = await rows.count();
      assert.ok(narrowed <= all);
      const file = await page.request.get(`${demo.base}/reconciliation/export.csv?field=no_order`);
      assert.equal(file.status(), 200);
      assert.match(file.headers()["content-type"], /^text\/csv/);
      assert.ok((await file.text()).trim().split("\r\n").length >= narrowed + 1, "a head and a line for each");
      await go(page, "/reconciliation?view=decision");
      const decide = page.getByTestId("decide");
      if ((await decide.count()) > 0) {
        const before = await rows.count();
        const first = await rows.first().innerText();
        await decide.first().click();
        await page.getByTestId("choose-keep").first().click();
        await until("it is decided", async () => (await rows.count()) < before || (await rows.first().innerText()) !== first, WAIT_MS);
      }
    });
  });

  test("without JavaScript everything is there", async () => {
    await visiting({ javaScript: false }, async (page) => {
      await compared(page);
      await go(page, "/reconciliation?view=safe&owner=unassigned", false);
      await page.getByRole("heading", { level: 1, name: "Reconciliation" }).waitFor();
      await go(page, "/reconciliation", false);
      const assign = page.getByTestId("assign");
      if ((await assign.count()) > 0) {
        await assign.first().click();
        await until("it is assigned", async () => (await page.getByRole("button", { name: "Unassign" }).count()) > 0, WAIT_MS);
      }
      await page.getByTestId("run-now").click();
      await page.waitForLoadState();
      assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "Reconciliation");
    });
  });

  test("who owns which field stands on a page, and agents see neither", async () => {
    await visiting({}, async (page) => {
      await go(page, "/reconciliation/fields");
      assert.equal(await page.getByTestId("ownership").count(), 3, "shipment, order, case");
      assert.match(await page.getByTestId("ownership").first().innerText(), /Tracking numbers[\s\S]*newer physical event/);
    });
    await visiting({}, async (page) => {
      await page.goto(`${demo.base}/reconciliation`);
      assert.match(await page.getByRole("alert").innerText(), /Not allowed/);
      const file = await page.request.get(`${demo.base}/reconciliation/export.csv`);
      assert.equal(file.status(), 403);
    }, "agent");
  });

  for (const [width, dark] of [[1440, false], [1440, true], [390, false]]) {
    test(`accessible and nothing cut off at ${width} ${dark ? "dark" : "light"}`, async () => {
      await visiting({ width, dark }, async (page) => {
        await compared(page);
        await hydrated(page);
        for (const path of ["/reconciliation", "/reconciliation?view=runs", "/reconciliation/fields"]) {
          await go(page, path);
          const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
          const wrong = found.violations.map((one) => `${path}: ${one.id} ${one.nodes.map((node) => node.html).slice(0, 2).join(" ")}`);
          assert.deepEqual(wrong, []);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
        }
      });
    });
  }
});
