// What pages say is so: every figure leads to exactly the rows that it counts, and every time on a page is in one zone.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hydrated, launch, missing, signIn, startDemo, until } from "./lib.mjs";

const ROWS_MS = 45_000;
const AGREE_MS = 60_000;
// more pages than any list of the demo has
const PAGES_MAX = 60;
const ROW = /data-testid="(?:(?:shipment|exception|job|unmapped|message|claim)-row|alert|difference)"/g;
// a row of a figure counts as often as it says
const FIGURE_ROW = /data-testid="figure-row" data-n="(\d+)"/g;
const NEXT = /<a[^>]*rel="next"[^>]*>/;

const skip = missing("browser tests of what pages say");

describe("what the pages say", { skip, concurrency: false }, () => {
  let demo, browser;
  before(async () => {
    demo = await startDemo();
    browser = await launch({ timezoneId: "America/New_York" });
    await signIn(browser.page, demo.base, demo.logins.find(({ role }) => role === "admin"));
    await until("an exception", async () => (await rows("/exceptions")) > 0, ROWS_MS, 1_000);
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  /** The HTML of a page as the server makes it, with the browser's session and zone. */
  async function html(path) {
    const answer = await browser.context.request.get(demo.base + path);
    assert.equal(answer.status(), 200, path);
    return answer.text();
  }

  /** The rows of a list, page by page, as a person would walk them. */
  async function rows(path) {
    let count = 0;
    for (let page = 0; path; page += 1) {
      assert.ok(page < PAGES_MAX, `${path} has an end`);
      const text = await html(path);
      count += text.match(ROW)?.length ?? 0;
      for (const [, n] of text.matchAll(FIGURE_ROW)) count += Number(n);
      path = NEXT.exec(text)?.[0].match(/href="([^"]+)"/)?.[1].replaceAll("&amp;", "&");
    }
    return count;
  }

  /** Every figure of a page that leads to rows: address and count. */
  async function figures(path) {
    await browser.page.goto(demo.base + path);
    return browser.page.$$eval("a[data-count]", (links) =>
      links.map((a) => ({ href: a.getAttribute("href"), count: Number(a.dataset.count), label: a.getAttribute("aria-label") ?? a.textContent })),
    );
  }

  for (const [path, least] of [["/overview", 20], ["/sla", 1], ["/figures/on_time?period=quarter", 1], ["/shipments", 6], ["/exceptions", 3], ["/sync", 2], ["/shipments?tab=all&linked=order", 2]]) {
    test(`every figure of ${path} is the number of its rows`, async () => {
      // the demo's orders come after its history
      const seen = await until(`${least} figures with a link on ${path}`, async () => {
        const shown = await figures(path);
        return shown.length >= least && shown;
      }, ROWS_MS, 500);
      for (const { href, label } of seen) {
        let last;
        // the demo goes on meanwhile: both are asked for until they were asked for in the same moment
        await until(
          `${label.trim()} (${href}) to be the number of its rows`,
          async () => {
            const again = (await figures(path)).find((figure) => figure.href === href && figure.label === label)
              ?? (await figures(path)).find((figure) => figure.href === href);
            if (!again) return true;
            const found = await rows(href);
            last = `${again.count} against ${found} rows`;
            return again.count === found;
          },
          AGREE_MS,
          200,
        ).catch((error) => assert.fail(`${error.message}: ${last}`));
      }
    });
  }

  test("a filter is shown and can be taken off", async () => {
    await browser.page.goto(`${demo.base}/shipments?tab=all&linked=order&fresh=outdated`);
    const chips = browser.page.getByTestId("filter");
    assert.equal(await chips.count(), 2);
    await chips.first().click();
    await browser.page.waitForURL((url) => !url.search.includes("linked"));
    assert.match(browser.page.url(), /fresh=outdated/);
  });

  test("every time of a page is in the viewer's zone", async () => {
    const shipments = await figures("/shipments").then(() =>
      browser.page.$$eval("a[data-row]", (links) => links.slice(0, 8).map((a) => a.getAttribute("href"))),
    );
    for (const path of ["/shipments?tab=all", "/exceptions", "/exceptions?view=closed", "/overview", "/sync", "/sync?view=messages", ...shipments]) {
      await browser.page.goto(demo.base + path);
      await hydrated(browser.page);
      const zone = browser.page.getByTestId("zone");
      assert.equal(await zone.getAttribute("data-zone"), "America/New_York", path);
      const wrong = await browser.page.evaluate(() => {
        const options = { timeZone: "America/New_York", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
        const clock = new Intl.DateTimeFormat("en-GB", options);
        const shown = (time) => [...time.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("");
        return [...document.querySelectorAll("time")].flatMap((time) => {
          const said = /\b\d\d:\d\d\b/.exec(shown(time))?.[0];
          const instant = time.dateTime.endsWith("Z");
          if (!said) return [];
          if (!instant) return /local time/.test(shown(time) + time.parentElement.textContent) ? [] : [`${shown(time)} says no zone`];
          const right = clock.format(new Date(time.dateTime));
          return said === right ? [] : [`${shown(time)} and not ${right} (${time.dateTime})`];
        });
      });
      assert.deepEqual(wrong, [], path);
      const text = await browser.page.getByRole("main").evaluate((main) => {
        const copy = main.cloneNode(true);
        copy.querySelectorAll('[data-testid="zone"], .sr, pre, table.map').forEach((node) => node.remove());
        return copy.textContent;
      });
      assert.doesNotMatch(text, /\bUTC\b|\d\d:\d\d ?[+-]\d\d:?\d\d/, `${path} shows one zone`);
    }
  });

  test("an event's own clock is shown on focus", async () => {
    await browser.page.goto(`${demo.base}/shipments?tab=all`);
    const first = await browser.page.locator("a[data-row]").first().getAttribute("href");
    await browser.page.goto(demo.base + first);
    await hydrated(browser.page);
    const own = browser.page.locator("time.own").first();
    await own.focus();
    const tip = await own.evaluate((time) => getComputedStyle(time, "::after").content);
    assert.match(tip, /At the event/);
  });

  // the demo has these; every state is tested where the rows are made (server/src/views/shipments/list.rs)
  for (const state of ["RETURNED", "FAILED"]) {
    test(`no arrival is estimated of a shipment that is ${state}`, async () => {
      await browser.page.goto(`${demo.base}/shipments?tab=all&state=${state}`);
      const rows = await browser.page.$$eval('[data-testid="shipment-row"]', (all) => all.map((row) => row.children[4].innerText));
      const links = await browser.page.$$eval("a[data-row]", (all) => all.slice(0, 5).map((a) => a.getAttribute("href")));
      assert.ok(rows.length > 0, `the demo has ${state}`);
      for (const shown of rows) assert.match(shown, /^(No ETA|Delivered )/, "the list");
      for (const link of links) {
        await browser.page.goto(demo.base + link);
        const shown = await browser.page.$$eval(".facts--across dt", (all) => all.map((dt) => `${dt.textContent}: ${dt.nextElementSibling.textContent}`));
        assert.ok(shown.some((fact) => /^(ETA: No ETA|Delivered: )/.test(fact)), `${link}: ${shown}`);
      }
    });
  }

  test("as of a past moment later things are hidden, and the moment stays chosen", async () => {
    const { page } = browser;
    await page.goto(`${demo.base}/exceptions?view=all&ticket=opened`);
    const link = await page.locator("a[data-row]").first().getAttribute("href");
    await page.goto(demo.base + link);
    assert.equal(await page.getByRole("heading", { name: "Cases" }).count(), 1, "a ticket now");
    const moments = await page.locator("#at option").evaluateAll((all) => all.map((option) => option.value));
    const first = moments.at(-1);
    await page.goto(`${demo.base}${link}?at=${encodeURIComponent(first)}`);
    await hydrated(page);
    assert.equal(await page.locator("#at").inputValue(), first);
    assert.equal(await page.getByRole("heading", { name: "Cases" }).count(), 0, "no ticket then");
  });

  test("no step of the progress bar is reached that the timeline does not have", async () => {
    await browser.page.goto(`${demo.base}/shipments?tab=all`);
    const links = await browser.page.$$eval("a[data-row]", (all) => all.slice(0, 25).map((a) => a.getAttribute("href")));
    for (const link of links) {
      await browser.page.goto(demo.base + link);
      const steps = await browser.page.$$eval(".rail li", (items) =>
        items.map((li) => ({ standing: li.className, label: li.querySelector("b").firstChild.data, note: li.querySelector("b + span").textContent })),
      );
      for (const { standing, label, note } of steps) {
        if (standing === "skip") assert.equal(note, "no event", `${link}: ${label}`);
        if (standing === "done") assert.match(note, /\d|not known/, `${link}: ${label} says when`);
      }
      assert.ok(steps.filter(({ standing }) => standing.startsWith("here")).length <= 1, link);
    }
  });
});
