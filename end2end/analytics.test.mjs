// Exception analysis, saved reports, targets and remarks: each number leads to its rows; what a person saves is there, also without JavaScript.
import assert from "node:assert/strict";
import AxeBuilder from "@axe-core/playwright";
import { after, before, describe, test } from "node:test";
import { hydrated, launch, missing, signIn, startDemo, until } from "./lib.mjs";

const ROWS_MS = 45_000;
const skip = missing("browser tests of analysis and reports");

describe("analysis and reports", { skip, concurrency: false }, () => {
  let demo, browser;
  before(async () => {
    demo = await startDemo();
    browser = await launch();
    await signIn(browser.page, demo.base, demo.logins.find(({ role }) => role === "admin"));
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  test("the numbers of the analysis lead to their rows and back", async () => {
    const { page } = browser;
    const opened = await until("exceptions in the period", async () => {
      await page.goto(`${demo.base}/analytics?period=month`);
      const link = page.getByTestId("opened");
      return (await link.count()) > 0 && Number(await link.getAttribute("data-count"));
    }, ROWS_MS, 1_000);
    const links = await page.$$eval("main a[data-count][href^='/analytics/exceptions']", (all) =>
      all.map((a) => ({ href: a.getAttribute("href"), count: Number(a.dataset.count) })));
    assert.ok(links.length > 3, `there are numbers with rows: ${links.length}`);
    for (const { href, count } of links) {
      await page.goto(demo.base + href);
      assert.equal(Number(await page.getByTestId("total").getAttribute("data-count")), count, href);
    }
    await page.goto(`${demo.base}/analytics/exceptions?period=month`);
    assert.equal(Number(await page.getByTestId("total").getAttribute("data-count")), opened);
    await page.getByRole("link", { name: "Exception analysis" }).last().click();
    await page.waitForURL(/\/analytics\?period=month/);
  });

  test("a report is saved, shown for print, and deleted", async () => {
    const { page } = browser;
    await page.goto(`${demo.base}/reports/new?figures=on_time,return_rate&period=month`);
    await hydrated(page);
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Carrier review");
    await page.getByLabel("Split by").selectOption("carrier");
    await page.getByTestId("save-report").click();
    await page.waitForURL(/\/reports\/[0-9a-f-]{36}$/);
    const id = page.url().split("/").at(-1);
    for (const [file, type] of [["report.html", "text/html"], ["report.csv", "text/csv"], ["report.xlsx", "application/vnd.openxmlformats"]]) {
      const answer = await browser.context.request.get(`${demo.base}/reports/${id}/${file}`);
      assert.equal(answer.status(), 200, file);
      assert.ok(answer.headers()["content-type"].startsWith(type), file);
    }
    await page.getByTestId("delete-report").click();
    await page.waitForURL(/\/reports$/);
    assert.equal(await page.getByText("Carrier review").count(), 0);
  });

  test("targets, remarks and reports work without JavaScript", async () => {
    const plain = await launch({ javaScript: false });
    try {
      const { page } = plain;
      await signIn(page, demo.base, demo.logins.find(({ role }) => role === "admin"));
      await page.goto(`${demo.base}/targets`);
      await page.getByLabel("In a few words").fill("Depot strike, north");
      await page.getByTestId("add-remark").click();
      assert.ok((await page.getByTestId("remark").allInnerTexts()).some((text) => text.includes("Depot strike, north")));
      await page.getByLabel("Target of On time against promise").fill("96.5");
      await page.getByTestId("set-on_time").click();
      assert.equal(await page.getByLabel("Target of On time against promise").inputValue(), "96.5");
      await page.goto(`${demo.base}/reports/new`);
      await page.getByRole("textbox", { name: "Name", exact: true }).fill("Plain");
      await page.getByTestId("save-report").click();
      await page.waitForURL(/\/reports\/[0-9a-f-]{36}/);
      await page.goto(`${demo.base}/reports/new`);
      await page.getByRole("textbox", { name: "Name", exact: true }).fill("Wrong");
      await page.getByLabel("How often").selectOption("day");
      await page.getByTestId("save-report").click();
      assert.ok((await page.locator("main").innerText()).includes("mail addresses"), "what is wrong is said");
    } finally {
      await plain.close();
    }
  });

  for (const path of ["/analytics", "/analytics?show=impact", "/analytics?show=sync", "/analytics/exceptions", "/reports", "/reports/new", "/targets"]) {
    test(`${path} is accessible and fits a phone`, async () => {
      const { page } = browser;
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(demo.base + path);
      await hydrated(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), [], path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 390, `${path} is ${wide} px wide`);
      await page.setViewportSize({ width: 1440, height: 900 });
    });
  }
});
