// An executive compares carriers, goes from a number to its rows and back, reads the review of one and prints it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

const SKIP = missing("browser tests of carriers");
const HISTORY_MS = 240_000;
const A_MONTH = "period=days&from=";

describe("carriers", { skip: SKIP, concurrency: false }, () => {
  let demo, period;
  before(async () => {
    demo = await startDemo(30);
    const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
    period = `${A_MONTH}${day(29)}&until=${day(1)}`;
    await visiting({}, (page) =>
      until("six carriers in the history", async () => {
        await page.goto(`${demo.base}/carriers?${period}`);
        const cards = await page.getByTestId("scorecard").count();
        return cards + (await page.getByTestId("unranked").count()) >= 6;
      }, HISTORY_MS, 3_000));
  });
  after(async () => {
    await demo?.stop();
  });

  /** Runs `visit` in a browser of its own, signed in as an executive; nothing may be wrong on the console. */
  async function visiting(options, visit) {
    const browser = await launch(options);
    try {
      const problems = watchConsole(browser.page);
      await signIn(browser.page, demo.base, demo.logins.find((one) => one.role === "executive"));
      await visit(browser.page);
      assert.deepEqual(problems, [], "the console is clean");
    } finally {
      await browser.close();
    }
  }

  const codes = (page) => page.getByTestId("scorecard").evaluateAll((cards) => cards.map((card) => card.dataset.code));
  const ranks = (page) => page.getByTestId("rank").evaluateAll((all) => all.map((one) => Number(one.lastChild.textContent)));

  async function journey(page, javaScript) {
    const ready = async () => {
      if (javaScript) await hydrated(page);
    };
    await page.goto(`${demo.base}/carriers?${period}&country=DE`);
    await ready();
    const places = await ranks(page);
    assert.deepEqual(places, [...places].sort((a, b) => a - b), "in the order of their rank");
    await page.getByTestId("sort").selectOption("volume");
    if (!javaScript) await page.getByRole("button", { name: "Sort" }).click();
    await page.waitForURL(/sort=volume/);
    await ready();
    await until("the one with the most shipments first", async () => (await codes(page))[0] === "dhl");
    assert.match(page.url(), /country=DE/, "the filter stays");

    // from a number to its rows, and back
    await page.getByTestId("scorecard").first().getByTestId("on-time").click();
    await page.waitForURL(/\/figures\/on_time\?/);
    for (const kept of ["carrier=dhl", "country=DE", "period=days"]) assert.ok(page.url().includes(kept), page.url());
    await ready();
    assert.ok((await page.getByTestId("figure-row").count()) > 0, "it has rows");
    await page.goBack();
    await page.waitForURL(/\/carriers\?.*sort=volume/);
    await ready();

    await page.getByTestId("scorecard").first().locator("h2 a").click();
    await page.waitForURL(/\/carriers\/dhl\?/);
    await ready();
    assert.match(page.url(), /country=DE/, "period and filters stay");
    assert.match(await page.getByTestId("period").innerText(), /Carrier review · .* rank \d of \d/);
    await page.getByRole("link", { name: "Warehouse", exact: true }).click();
    await page.waitForURL(/by=warehouse/);
    await ready();
    assert.ok((await page.getByTestId("lane").count()) > 0);
    // a number of a lane is the number of its rows
    await page.goto(`${demo.base}/carriers/hermes?${period}`);
    await ready();
    const late = page.getByTestId("lane").first().locator("td a").first();
    const n = Number((await late.innerText()).replace(",", ""));
    await late.click();
    await page.waitForURL(/\/figures\/on_time\?/);
    await ready();
    const counted = await page.locator("a[data-count][aria-current], [role=tab][aria-selected=true], nav.tabs a[aria-current]").first().innerText();
    assert.ok(counted.replace(",", "").includes(String(n)), `${counted} against ${n}`);
  }

  test("an executive compares carriers and reviews one", () => visiting({}, (page) => journey(page, true)));

  test("the same without JavaScript", () => visiting({ javaScript: false }, (page) => journey(page, false)));

  test("the bad one is told apart, and its review says what to settle", async () => {
    await visiting({}, async (page) => {
      await page.goto(`${demo.base}/carriers/hermes?${period}`);
      await hydrated(page);
      assert.ok((await page.getByTestId("finding").count()) > 0, "something to settle");
    });
  });

  test("the pages are accessible, wide and narrow, light and dark", async () => {
    for (const dark of [false, true]) {
      await visiting({ dark }, async (page) => {
        for (const width of [1440, 390]) {
          await page.setViewportSize({ width, height: 900 });
          for (const path of ["/carriers", "/carriers/hermes"]) {
            await page.goto(`${demo.base}${path}?${period}`);
            await hydrated(page);
            const { violations } = await new AxeBuilder({ page }).analyze();
            assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes[0].target}`), [], `${path} at ${width}, dark ${dark}`);
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            assert.ok(wide <= 0, `${path} at ${width} scrolls sideways`);
          }
        }
      });
    }
  });

  test("the review is one page of paper", async () => {
    await visiting({}, async (page) => {
      await page.goto(`${demo.base}/carriers/hermes?${period}`);
      await hydrated(page);
      const paper = await page.pdf({ preferCSSPageSize: true });
      const pages = paper.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length;
      assert.equal(pages, 1, "one page");
    });
  });
});
