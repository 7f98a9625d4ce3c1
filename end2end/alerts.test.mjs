// An admin works an alert in the browser while the demo runs: it is seen, acknowledged, snoozed and resolved; a rule is switched, a
// channel is tested; with and without JavaScript, on a wide screen and on a phone.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

const SKIP = missing("browser tests of alerts");
const WAIT_MS = 90_000;

describe("alerts", { skip: SKIP, concurrency: false }, () => {
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
      assert.deepEqual(problems.filter((problem) => !/status of (409|403)/.test(problem)), [], "the console is clean");
    } finally {
      await browser.close();
    }
  }

  const go = async (page, path, javaScript = true) => {
    const answer = await page.goto(demo.base + path);
    assert.equal(answer.status(), 200, path);
    if (javaScript) await hydrated(page);
  };
  const rule = (page, kind) => page.locator(`[data-testid=rule][data-kind=${kind}]`);

  /** The demo has unmapped codes: with a low number they make an alert at the next look. */
  const provoke = async (page) => {
    await go(page, "/alerts");
    if ((await page.getByTestId("alert").count()) > 0) return;
    await rule(page, "unmapped_codes").locator("summary").click();
    await rule(page, "unmapped_codes").locator("input[name=threshold]:visible").fill("1");
    await rule(page, "unmapped_codes").getByTestId("set-threshold").click();
    await until("an alert", async () => {
      await page.goto(`${demo.base}/alerts`);
      return (await page.getByTestId("alert").count()) > 0;
    }, WAIT_MS, 1_000);
    await hydrated(page);
  };

  test("an alert is acknowledged, snoozed and resolved", async () => {
    await visiting({}, async (page) => {
      await provoke(page);
      const alert = page.getByTestId("alert").first();
      const title = await alert.locator("th a").innerText();
      assert.ok(title.length > 5);
      await until("it went out over the channel", async () => {
        await page.goto(`${demo.base}/alerts`);
        return (await page.getByTestId("alert").first().locator(".sent").count()) > 0;
      }, WAIT_MS, 1_000);
      await hydrated(page);
      if ((await alert.getByTestId("acknowledge").count()) > 0) await alert.getByTestId("acknowledge").click();
      await until("it is acknowledged", async () => /^acknowledged/.test(await alert.getByTestId("standing").innerText()));
      await alert.getByTestId("quieten").click();
      const side = alert.locator(".pop__in label").first();
      assert.equal(await side.evaluate((label) => getComputedStyle(label).textAlign), "start", "a label stands above its field");
      await alert.getByTestId("snooze").click();
      await until("it is snoozed", async () => (await page.getByTestId("quiet").innerText()).includes(title));
      await go(page, "/alerts?view=snoozed");
      const snoozed = page.getByTestId("alert").filter({ hasText: title });
      await snoozed.getByTestId("quieten").click();
      await snoozed.locator("input[name=why]").last().fill("mapped");
      await snoozed.getByTestId("resolve").click();
      await go(page, "/alerts?view=resolved");
      await until("it is resolved", async () => (await page.getByTestId("quiet").innerText()).includes("mapped"));
    });
  });

  test("a rule is switched, and a channel tested", async () => {
    await visiting({}, async (page) => {
      await go(page, "/alerts");
      const button = rule(page, "disk_space").getByRole("switch");
      assert.equal(await button.getAttribute("aria-checked"), "true");
      await button.click();
      await until("it is off", async () => (await button.getAttribute("aria-checked")) === "false");
      await page.getByTestId("test-channels").click();
      await page.getByTestId("tested").waitFor();
      assert.match(await page.getByTestId("tested").innerText(), /1 of 1 channels/);
    });
  });

  test("without JavaScript the page does the same", async () => {
    await visiting({ javaScript: false }, async (page) => {
      await go(page, "/alerts", false);
      const button = rule(page, "database_size").getByRole("switch");
      const before = await button.getAttribute("aria-checked");
      await button.click();
      assert.match(page.url(), /\/alerts/);
      assert.notEqual(await rule(page, "database_size").getByRole("switch").getAttribute("aria-checked"), before);
    });
  });

  const maintained = async (page, javaScript) => {
    await go(page, "/alerts", javaScript);
    await page.getByTestId("maintenance").click();
    const form = page.locator("form").filter({ has: page.getByTestId("begin-maintenance") });
    const value = await form.locator("select[name='form[connection]'] option").nth(1).getAttribute("value");
    await form.locator("select[name='form[connection]']").selectOption(value);
    await form.locator("input[name='form[why]']").fill("new certificate");
    await page.getByTestId("begin-maintenance").click();
    await until("it is under maintenance", async () => (await page.getByTestId("under-maintenance").innerText()).includes("new certificate"));
    await page.getByTestId("end-maintenance").click();
    await until("it is over", async () => (await page.getByTestId("under-maintenance").count()) === 0);
  };

  test("a connection is put under maintenance, and that ends", async () => {
    await visiting({}, (page) => maintained(page, true));
  });

  test("the same without JavaScript", async () => {
    await visiting({ javaScript: false }, (page) => maintained(page, false));
  });

  test("the list is narrowed by connection, and each tab has its number", async () => {
    await visiting({}, async (page) => {
      await go(page, "/alerts?connection=nothing");
      assert.ok((await page.locator("body").innerText()).includes("No alerts match these filters"));
      const tabs = await page.locator("nav.tabs a").allInnerTexts();
      assert.ok(tabs.length >= 6 && tabs.every((tab) => /\d$/.test(tab.trim())), tabs.join(", "));
    });
  });

  test("an agent does not see it", async () => {
    await visiting({}, async (page) => {
      assert.equal(await page.locator('nav a[href="/alerts"]').count(), 0);
      const answer = await page.goto(`${demo.base}/alerts`);
      assert.equal(answer.status(), 403);
    }, "agent");
  });

  test("it is readable for everybody, in both themes, wide and narrow", async () => {
    for (const options of [{ width: 1440, height: 1000 }, { width: 390, height: 844, dark: true }]) {
      await visiting(options, async (page) => {
        await go(page, "/alerts");
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.target.join(" ")}`), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${options.width}: nothing scrolls sideways`);
      });
    }
  });
});
