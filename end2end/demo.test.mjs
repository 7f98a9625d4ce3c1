// The demo in a real browser: every role signs in, every page has data, finds, lives, reads well and works
// without JavaScript.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

// The issue promises data on every page within this time of the start.
const FURNISHED_MS = 20_000;
const LIVE_MS = 45_000;
const PAGES = {
  agent: ["/shipments", "/exceptions"],
  executive: ["/overview", "/shipments"],
  admin: ["/shipments", "/exceptions", "/overview", "/sync"],
};
const SHIPMENT = /\/shipments\/[0-9a-f-]{36}$/;
const searchBox = (page) => page.getByTestId("search-box").or(page.getByRole("searchbox")).first();
const shipmentLinks = (page) => page.locator('main a[href^="/shipments/"]');

const skip = missing("browser tests of the demo");

describe("the demo", { skip, concurrency: false }, () => {
  let demo;
  before(async () => {
    demo = await startDemo();
  });
  after(async () => {
    await demo?.stop();
  });
  const login = (role) => demo.logins.find((one) => one.role === role);

  /** Runs `visit` in a browser of its own, signed in; nothing may be wrong on the console. */
  async function visiting(role, options, visit) {
    const browser = await launch(options);
    try {
      const problems = watchConsole(browser.page);
      await signIn(browser.page, demo.base, login(role));
      await visit(browser.page);
      assert.deepEqual(problems, [], "the console is clean");
    } finally {
      await browser.close();
    }
  }

  const furnished = (page) =>
    until(
      "shipments in the list",
      async () => {
        await page.goto(`${demo.base}/shipments`);
        return (await shipmentLinks(page).count()) > 0;
      },
      FURNISHED_MS,
      500,
    );

  for (const role of Object.keys(PAGES)) {
    test(`the ${role} signs in and every page has data`, async () => {
      assert.ok(login(role), `the demo prints a log-in for the ${role}`);
      await visiting(role, {}, async (page) => {
        await furnished(page);
        for (const path of PAGES[role]) {
          const answer = await page.goto(demo.base + path);
          assert.equal(answer.status(), 200, path);
          await hydrated(page);
          const main = page.getByRole("main");
          assert.match(await main.innerText(), /\d/, `${path} shows numbers`);
          assert.match(await page.locator("body").innerText(), /demo/i, `${path} says that it is a demo`);
        }
      });
    });
  }

  test("nobody gets in with a wrong password, nor without signing in", async () => {
    const { page, close } = await launch();
    try {
      await page.goto(`${demo.base}/shipments`);
      assert.match(page.url(), /\/sign-in/, "a page asks to sign in first");
      await assert.rejects(async () => {
        page.setDefaultTimeout(3_000);
        await signIn(page, demo.base, { email: login("agent").email, password: "not the password" });
      });
      assert.match(page.url(), /\/sign-in/);
    } finally {
      await close();
    }
  });

  test("a tracking number typed into the search leads to its shipment", async () => {
    await visiting("agent", {}, async (page) => {
      await furnished(page);
      await shipmentLinks(page).first().click();
      await page.waitForURL(SHIPMENT);
      const wanted = page.url();
      const number = await trackingNumber(page);
      await page.goto(`${demo.base}/shipments`);
      await hydrated(page);
      const box = searchBox(page);
      await box.fill(number);
      await box.press("Enter");
      await page.waitForURL(wanted);
    });
  });

  test("a new event shows up without reloading", async () => {
    await visiting("agent", {}, async (page) => {
      await furnished(page);
      await hydrated(page);
      await page.evaluate(() => (window.sameDocument = true));
      const now = () => page.getByRole("main").innerText();
      const first = await now();
      await until("a change of the list", async () => (await now()) !== first, LIVE_MS, 500);
      assert.equal(await page.evaluate(() => window.sameDocument), true, "the page was not loaded anew");
    });
  });

  test("the number beside the navigation follows what is done", async () => {
    await visiting("agent", {}, async (page) => {
      const take = page.getByRole("button", { name: "Assign to me" }).first();
      await until(
        "an exception in the queue",
        async () => {
          await page.goto(`${demo.base}/exceptions`);
          return (await take.count()) > 0;
        },
        LIVE_MS,
        500,
      );
      await hydrated(page);
      await page.evaluate(() => (window.sameDocument = true));
      const beside = () => page.locator('nav a[href="/exceptions"]').innerText();
      const first = await beside();
      await take.click();
      const row = page.getByTestId("exception-row").filter({ has: page.getByRole("button", { name: "Unassign" }) }).first();
      await row.locator("summary").click();
      await row.getByRole("button", { name: "Snooze for a day" }).click();
      await until("another number", async () => (await beside()) !== first, LIVE_MS, 200);
      assert.equal(await page.evaluate(() => window.sameDocument), true, "the page was not loaded anew");
    });
  });

  for (const [name, options] of [
    ["light", {}],
    ["dark", { dark: true }],
    ["a phone", { width: 390, height: 844 }],
  ]) {
    test(`pages are accessible and fit (${name})`, async () => {
      await visiting("admin", options, async (page) => {
        await furnished(page);
        const shipment = await shipmentLinks(page).first().getAttribute("href");
        const linkOf = async (path, link) => {
          await page.goto(demo.base + path);
          return page.locator(link).first().getAttribute("href");
        };
        const job = await linkOf("/sync?view=done", '[data-testid="job-row"] a[href^="/sync/jobs/"]');
        const message = await linkOf("/sync?view=messages", '[data-testid="message-row"] a[href^="/sync/messages/"]');
        for (const path of [...PAGES.admin, shipment, "/mappings/unmapped", job, message]) {
          await page.goto(demo.base + path);
          await hydrated(page);
          const { violations } = await new AxeBuilder({ page }).analyze();
          const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
          assert.deepEqual(serious.map(describeViolation), [], path);
          const sideways = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          assert.ok(sideways <= 0, `${path} scrolls sideways by ${sideways} px`);
        }
      });
    });
  }

  test("pages are complete without JavaScript", async () => {
    await visiting("admin", { javaScript: false }, async (page) => {
      await furnished(page);
      for (const path of PAGES.admin) {
        assert.equal((await page.goto(demo.base + path)).status(), 200, path);
        assert.match(await page.getByRole("main").innerText(), /\d/, `${path} shows numbers`);
      }
      await page.goto(`${demo.base}/shipments`);
      await shipmentLinks(page).first().click();
      await page.waitForURL(SHIPMENT);
      const wanted = page.url();
      assert.ok((await page.getByTestId("timeline-entry").count()) > 0, "the timeline is there");
      const number = await trackingNumber(page);
      const box = searchBox(page);
      await box.fill(number);
      await box.press("Enter");
      await page.waitForURL(wanted);
    });
  });
});

/** The tracking number that a shipment's page shows. */
async function trackingNumber(page) {
  const shown = page.getByTestId("tracking-number").first();
  const text = (await shown.innerText()).trim();
  assert.match(text, /^[A-Z0-9 -]{6,40}$/i, "the page shows the tracking number");
  return text;
}

function describeViolation({ id, help, nodes }) {
  return `${id}: ${help} (${nodes.length} times, first ${nodes[0]?.target.join(" ")})`;
}
