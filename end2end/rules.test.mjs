// Rules in a browser: written by form beside the text that it comes to, tried, published, watched while it acts, rolled back;
// and one that cannot be run is stopped, shown and alarmed.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

const WAIT_MS = 90_000;

describe("rules", { skip: missing("rules in a browser"), timeout: 600_000 }, () => {
  let demo;
  before(async () => {
    demo = await startDemo();
  });
  after(async () => {
    await demo?.stop();
  });

  const visiting = async ({ viewport = { width: 1440, height: 1000 }, colorScheme = "light", javaScriptEnabled = true }, work, role = "admin") => {
    const browser = await launch({ ...viewport, dark: colorScheme === "dark", javaScript: javaScriptEnabled });
    const problems = watchConsole(browser.page);
    try {
      await signIn(browser.page, demo.base, demo.logins.find((one) => one.role === role));
      await work(browser.page);
      assert.deepEqual(problems, []);
    } finally {
      await browser.close();
    }
  };
  const go = async (page, path, script = true) => {
    const answer = await page.goto(`${demo.base}${path}`);
    if (script) await hydrated(page);
    return answer;
  };
  const text = (page) => page.locator("#when");
  const condition = (page, n) => page.getByTestId("condition").nth(n);
  /** What the step came to is on the page. */
  const says = (page, words) => until(`the text says ${words}`, async () => (await text(page).inputValue()) === words);

  test("a rule is written by form, seen as text, tried, published, watched and rolled back", async () => {
    await visiting({}, async (page) => {
      await go(page, "/rules");
      assert.ok((await page.getByTestId("rule-row").count()) >= 9, "the policy that shipped is there");
      await page.getByTestId("new-rule").click();
      await page.waitForURL(/\/rules\/new$/);
      assert.equal(await page.getByTestId("fault").count(), 0, "an empty form is not wrong yet");
      await page.locator("#rule-name").fill("Every event");
      await page.locator("#rule-trigger").selectOption("event");
      await condition(page, 0).locator("select").first().selectOption("shipment.attempts");
      await condition(page, 0).locator("select").nth(1).selectOption("at_least");
      await condition(page, 0).locator("input").fill("0");
      await condition(page, 0).locator("input").press("Enter");
      await says(page, "shipment.attempts >= 0");
      await page.getByTestId("new-action").selectOption("alert");
      await page.getByTestId("add-action").click();
      const action = page.getByTestId("action");
      await action.locator("textarea").fill("{number} is {status}");
      await page.getByTestId("save").click();
      await page.waitForURL(/\/rules\/every-event$/);
      // the demo fills itself: an early dry run finds nothing
      await until("a dry run over what is there", async () => {
        await page.getByTestId("try").click();
        await until("the dry run is through", async () => (await page.getByTestId("trial-figures").count()) > 0
          && (await page.getByTestId("trial-running").count()) === 0, WAIT_MS);
        return page.getByTestId("trial-csv").isVisible();
      }, WAIT_MS, 2_000);
      assert.match(await page.getByTestId("trial-figures").innerText(), /would have acted/);
      assert.doesNotMatch(await page.getByTestId("dry-run").innerText(), /version that runs/, "there is none to compare with");
      assert.match(await page.getByTestId("dry-run").innerText(), /nothing was sent/);
      await page.getByTestId("publish").click();
      await until("it runs", async () => /v1 runs since/.test(await page.getByTestId("summary").innerText()));
      assert.equal(await page.getByTestId("publish").getAttribute("aria-disabled"), "true", "what runs already is no new version");
      await until("it acts", async () => {
        await page.goto(`${demo.base}/alerts`);
        return (await page.getByTestId("alert").filter({ hasText: "Every event" }).count()) > 0;
      }, WAIT_MS, 1_000);
      const alert = page.getByTestId("alert").filter({ hasText: "Every event" });
      assert.ok((await alert.locator('a[href="/rules/every-event"]').count()) > 0, "its alert leads to it");
      await go(page, "/rules/every-event");
      await text(page).fill("shipment.attempts >= 3");
      await until("the form follows", async () => (await condition(page, 0).locator("input").inputValue()) === "3");
      await page.getByTestId("publish").click();
      await until("it runs", async () => /v2 runs since/.test(await page.getByTestId("summary").innerText()));
      await page.locator('[data-testid="version"][data-version="1"]').getByTestId("roll-back").click();
      await until("it is rolled back", async () => /v3 runs since/.test(await page.getByTestId("summary").innerText()));
      await says(page, "shipment.attempts >= 0");
      await page.getByTestId("pausing").click();
      await page.getByTestId("pause").click();
      await page.getByTestId("resume").waitFor();
      assert.match(await page.getByTestId("halted").innerText(), /Paused by/);
    });
  });

  test("errors are shown by line and column, corrected by a button, and words are completed by keyboard", async () => {
    await visiting({}, async (page) => {
      await go(page, "/rules/cases");
      const before = await text(page).inputValue();
      await text(page).fill(`${before}\n&& order.delivry != "x"`);
      const error = page.getByTestId("cel-error");
      await error.waitFor();
      assert.match(await error.innerText(), /Line 2, column 4: Unknown field order\.delivry\. Did you mean order\.delivery\?/);
      await page.getByTestId("replace").click();
      await says(page, `${before}\n&& order.delivery != "x"`);
      await text(page).fill("shipment.sta");
      await page.locator('[role="option"]').first().waitFor();
      await text(page).press("Enter");
      await says(page, "shipment.status");
      await page.keyboard.type(' == "DELIV');
      await page.locator('[role="option"]').filter({ hasText: "DELIVERED" }).first().waitFor();
      await text(page).press("Escape");
      assert.equal(await page.locator('[role="option"]').count(), 0);
      assert.equal(await text(page).inputValue(), 'shipment.status == "DELIV', "nothing is taken unasked");
    });
  });

  test("a rule that cannot be run is stopped, shown and alarmed", async () => {
    await visiting({}, async (page) => {
      await go(page, "/rules/new");
      await page.locator("#rule-name").fill("Divides by nothing");
      await page.locator("#rule-trigger").selectOption("change");
      await text(page).fill("1 / size(shipment.exceptions) == 1");
      await page.getByTestId("text-row").waitFor();
      await page.getByTestId("new-action").selectOption("note");
      await page.getByTestId("add-action").click();
      await page.getByTestId("action").locator("textarea").fill("{order}");
      await page.keyboard.press("Tab");
      await page.locator('[data-testid="publish"]:not([aria-disabled])').click();
      await page.waitForURL(/\/rules\/divides-by-nothing$/);
      await until("it is stopped", async () => {
        await page.goto(`${demo.base}/rules/divides-by-nothing`);
        return /divides by 0/.test((await page.getByTestId("halted").count()) ? await page.getByTestId("halted").innerText() : "");
      }, WAIT_MS, 1_000);
      await go(page, "/rules?view=paused");
      assert.match(await page.locator('[data-rule="divides-by-nothing"]').innerText(), /Stopped/);
      await go(page, "/alerts");
      const alert = page.getByTestId("alert").filter({ hasText: "Rule divides-by-nothing is stopped" });
      await alert.first().waitFor();
      assert.ok((await alert.locator('a[href="/rules/divides-by-nothing"]').count()) > 0);
    });
  });

  test("without JavaScript the editor does the same, and nothing typed is lost", async () => {
    await visiting({ javaScriptEnabled: false }, async (page) => {
      await go(page, "/rules/new", false);
      await page.locator("#rule-name").fill("By forms");
      await page.getByTestId("add-row").click();
      assert.equal(await page.locator("#rule-name").inputValue(), "By forms");
      assert.equal(await page.getByTestId("condition").count(), 2);
      await page.getByTestId("new-action").selectOption("raise_claim");
      await page.getByTestId("add-action").click();
      await page.locator("#rule-rate").fill("many");
      await page.getByTestId("save").click();
      assert.match(await page.locator("#limits").innerText(), /whole number/);
      assert.equal(await page.locator("#rule-rate").inputValue(), "many");
      await page.locator("#rule-rate").fill("20");
      await page.getByTestId("save").click();
      assert.match(page.url(), /\/rules\/by-forms$/);
      await page.getByTestId("discard").click();
      assert.match(page.url(), /\/rules$/);
    });
  });

  test("a condition without a value is not filled in yet", async () => {
    await visiting({}, async (page) => {
      await go(page, "/rules/new");
      await condition(page, 0).locator("select").first().selectOption("lane.to");
      await until("it asks for the value", async () => /Enter a value/.test(await condition(page, 0).innerText()));
      await condition(page, 0).locator("input").fill("AT");
      await condition(page, 0).locator("input").press("Enter");
      await says(page, 'lane.to in ["AT"]');
    });
  });

  test("on a phone the bar makes room for what is offered while a condition is typed", async () => {
    await visiting({ viewport: { width: 390, height: 844 } }, async (page) => {
      await go(page, "/rules/cases");
      const place = () => page.getByRole("region", { name: "Publish" }).evaluate((bar) => getComputedStyle(bar).position);
      assert.equal(await place(), "sticky");
      await text(page).click();
      await page.keyboard.press("Control+End");
      await page.keyboard.type("\n&& shipment.");
      await page.locator("#when-offers [role=option]").first().waitFor();
      assert.equal(await place(), "static");
    });
  });

  test("two people edit one rule: the second one learns of it, and replaces nothing unseen", async () => {
    await visiting({ javaScriptEnabled: false }, async (page) => {
      await go(page, "/rules/cases", false);
      const other = await page.context().newPage();
      await go(other, "/rules/cases", false);
      await page.locator("#rule-rate").fill("40");
      await page.getByTestId("save").click();
      assert.match(await page.getByTestId("stands").innerText(), /Saved, runs nowhere yet/);
      await other.locator("#rule-rate").fill("50");
      await other.getByTestId("save").click();
      assert.match(await other.locator("#when-panel").innerText(), /Another person saved this rule meanwhile/);
      assert.equal(await other.locator("#rule-rate").inputValue(), "50", "nothing typed is lost");
      await page.reload();
      assert.equal(await page.locator("#rule-rate").inputValue(), "40", "nothing was replaced");
      await page.getByTestId("discard").click();
    });
  });

  test("an agent sees rules and changes none", async () => {
    await visiting({}, async (page) => {
      await go(page, "/rules/cases");
      assert.equal(await page.getByTestId("publish").count(), 0);
      assert.equal(await page.locator("#rule-name").isDisabled(), true);
    }, "agent");
  });

  test("it is readable for everybody, in both themes, wide and narrow", async () => {
    for (const [viewport, colorScheme] of [[{ width: 1440, height: 1000 }, "light"], [{ width: 390, height: 844 }, "dark"]]) {
      await visiting({ viewport, colorScheme }, async (page) => {
        for (const path of ["/rules", "/rules/cases", "/rules/new", "/rules?view=history"]) {
          await go(page, path);
          const { violations } = await new AxeBuilder({ page }).analyze();
          assert.deepEqual(violations.map(({ id, nodes }) => `${path} ${id}: ${nodes[0]?.target.join(" ")}`), []);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.ok(wide <= 0, `${path} ${viewport.width}: nothing scrolls sideways`);
        }
      });
    }
  });
});
