// What an executive does with figures: from each number to its rows and back, with period and filters kept; without JavaScript too; on
// paper; nothing that axe finds.
import assert from "node:assert/strict";
import AxeBuilder from "@axe-core/playwright";
import { after, before, describe, test } from "node:test";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

const ROWS_MS = 90_000;
const HISTORY_DAYS = 30;
const skip = missing("browser tests of pages of figures");
const PAGES = ["/overview?period=quarter", "/sla?period=quarter", "/figures/on_time?period=quarter", "/figures/status_current", "/calibration?period=quarter"];

describe("pages of figures", { skip, concurrency: false }, () => {
  let demo, executive;
  before(async () => {
    demo = await startDemo(HISTORY_DAYS);
    executive = demo.logins.find(({ role }) => role === "executive") ?? demo.logins.find(({ role }) => role === "admin");
  });
  after(async () => {
    await demo?.stop();
  });

  async function visiting(options, visit) {
    const browser = await launch(options);
    try {
      const problems = watchConsole(browser.page);
      await signIn(browser.page, demo.base, executive);
      await visit(browser.page, options.javaScript ?? true);
      assert.deepEqual(problems, [], "the console is clean");
    } finally {
      await browser.close();
    }
  }

  const go = async (page, path, javaScript = true) => {
    const answer = await page.goto(new URL(path, demo.base).href);
    assert.equal(answer.status(), 200, path);
    if (javaScript) await hydrated(page);
  };

  /** Late shipments of this quarter: the demo has them some seconds after it started. */
  const counted = (page, javaScript) =>
    until("figures that are counted", async () => {
      await go(page, `/overview?period=quarter&from=${new Date().toISOString().slice(0, 10)}`, javaScript);
      return (await page.locator('.insight__hero a[data-count][href^="/figures/on_time"]').count()) > 0;
    }, ROWS_MS, 1_000);

  for (const javaScript of [true, false]) {
    test(`from a number to its rows and back, ${javaScript ? "with" : "without"} JavaScript`, async () => {
      await visiting({ javaScript }, async (page) => {
        await counted(page, javaScript);
        const link = page.locator('.insight__hero a[data-count][href*="tab=for"]').first();
        const count = Number(await link.getAttribute("data-count"));
        await link.click();
        await page.waitForURL(/\/figures\/on_time\?.*period=quarter/);
        assert.match(decodeURIComponent(page.url()), /from=\d{4}-\d\d-\d\d/, "the period stays");
        const tab = page.locator('[data-testid="figure-tab"][aria-current="page"]');
        assert.equal(Number(await tab.getAttribute("data-count")), count);
        assert.ok((await page.getByTestId("figure-row").count()) > 0);
        await page.locator('[data-testid="figure-row"] a').first().click();
        await page.waitForURL(/\/shipments\/[0-9a-f-]{36}/);
        await page.goBack();
        await page.waitForURL(/\/figures\/on_time/);
        await page.goBack();
        await page.waitForURL(/\/overview\?.*period=quarter/);
      });
    });
  }

  test("what narrows stays from page to page, and can be taken off", async () => {
    await visiting({}, async (page) => {
      await counted(page);
      const by = page.getByTestId("by-carrier");
      const carrier = await by.locator("option").nth(1).getAttribute("value");
      await by.selectOption(carrier);
      await page.waitForURL(new RegExp(`carrier=${carrier}`));
      // the links follow the address
      await page.locator(`[data-testid="figure-link"][href*="carrier=${carrier}"]`).first().click();
      await page.waitForURL(new RegExp(`/figures/on_time\\?.*carrier=${carrier}`));
      assert.equal(await page.getByTestId("by-carrier").inputValue(), carrier);
      await page.getByTestId("clear-filters").click();
      await page.waitForURL((url) => url.pathname === "/figures/on_time" && !url.search.includes("carrier"));
      assert.match(page.url(), /period=quarter/, "the period stays");
    });
  });

  test("the filters are a form without JavaScript", async () => {
    await visiting({ javaScript: false }, async (page) => {
      await counted(page, false);
      const by = page.getByTestId("by-carrier");
      const carrier = await by.locator("option").nth(1).getAttribute("value");
      await by.selectOption(carrier);
      await page.getByRole("button", { name: "Filter" }).click();
      await page.waitForURL(new RegExp(`/overview\\?.*carrier=${carrier}`));
      assert.match(page.url(), /period=quarter/);
      await page.getByRole("link", { name: "Month" }).click();
      await page.waitForURL(/period=month/);
      assert.match(page.url(), new RegExp(`carrier=${carrier}`));
    });
  });

  for (const [width, height, dark] of [[1440, 900, false], [1440, 900, true], [390, 844, false], [390, 844, true]]) {
    test(`axe finds nothing at ${width} px, ${dark ? "dark" : "light"}`, async () => {
      await visiting({ width, height, dark }, async (page) => {
        await counted(page);
        for (const path of PAGES) {
          await go(page, path);
          const { violations } = await new AxeBuilder({ page }).analyze();
          assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3)}`), [], path);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.equal(wide, 0, `${path} does not scroll sideways`);
        }
      });
    });
  }

  test("on paper the overview is a page of what counts", async () => {
    await visiting({}, async (page) => {
      await counted(page);
      await page.emulateMedia({ media: "print" });
      assert.ok(await page.locator(".insight__hero").isVisible());
      assert.ok(!(await page.locator(".figbar").isVisible()), "nothing to press");
      assert.ok(!(await page.locator(".now").isVisible()), "what is so now is for the screen");
    });
  });
});
