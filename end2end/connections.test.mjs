// An admin connects a second Odoo and a second desk in the browser, while the demo runs: each fault has its clear message, and
// everything that can be done to a connection is done, with and without JavaScript and with the keyboard alone.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

const SKIP = missing("browser tests of connections");
const WAIT_MS = 30_000;

/** What the demo prints of the systems that run and are not connected. */
function second(lines) {
  const value = (label, from = "") => {
    const begin = from ? lines.findIndex((line) => line.trim().startsWith(from)) : 0;
    const line = lines.slice(Math.max(begin, 0)).find((one) => one.trim().startsWith(label));
    assert.ok(line, `the demo prints ${label}`);
    return line.trim().slice(label.length).trim().split(/\s+/)[0];
  };
  return {
    odoo: { url: value("Odoo  "), database: value("database"), key: value("API key"), limited: value("limited key") },
    desk: { url: value("Service desk"), queue: value("queue"), token: value("token", "Service desk") },
  };
}

describe("connections", { skip: SKIP, concurrency: false }, () => {
  let demo;
  let systems;
  before(async () => {
    demo = await startDemo();
    systems = second(demo.lines);
  });
  after(async () => {
    await demo?.stop();
  });

  /** Runs `visit` in a browser of its own, signed in as admin; nothing may be wrong on the console. */
  async function visiting(options, visit, role = "admin") {
    const browser = await launch(options);
    try {
      const problems = watchConsole(browser.page);
      await signIn(browser.page, demo.base, demo.logins.find((one) => one.role === role));
      await visit(browser.page);
      // a form that is refused is an answer that the browser notes
      const wrong = problems.filter((problem) => !problem.includes("status of 422"));
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
  const field = (page, name) => page.locator(`#c-${name}`);
  const fill = async (page, values) => {
    for (const [name, value] of Object.entries(values)) await field(page, name).fill(value);
  };
  const failedChecks = async (page) => {
    await page.getByTestId("report").first().waitFor();
    return (await page.locator('[data-testid="check"][data-result="failed"]').allInnerTexts()).join("\n");
  };
  const health = (page) => page.getByTestId("health").first();

  test("the list shows every connection with its health", async () => {
    await visiting({}, async (page) => {
      await go(page, "/connections");
      const rows = page.getByTestId("connection-row");
      await until("the demo's connections", async () => (await rows.count()) >= 5, WAIT_MS);
      for (const name of ["odoo", "desk", "aftership"]) {
        const row = page.locator(`[data-testid="connection-row"][data-name="${name}"]`);
        await until(`${name} is healthy`, async () => /Healthy/.test(await row.innerText()), WAIT_MS);
      }
      await page.getByLabel("Connector").selectOption("odoo");
      await page.waitForURL(/connector=odoo/);
      await until("one Odoo", async () => (await rows.count()) === 1, WAIT_MS);
      await page.getByRole("link", { name: "Clear filters" }).click();
      await until("all again", async () => (await rows.count()) >= 5, WAIT_MS);
    });
  });

  test("a second Odoo: wrong address, wrong key, missing right, then in use", async () => {
    await visiting({}, async (page) => {
      await go(page, "/connections");
      await page.getByTestId("add").click();
      await page.waitForURL(/\/connections\/new$/);
      await page.getByLabel("Search connectors").fill("odo");
      await page.getByTestId("pick").first().click();
      await page.waitForURL(/connector=odoo/);
      await field(page, "label").waitFor();
      // what is missing stands beside its field, and what was typed stays
      await fill(page, { label: "Odoo Benelux", name: "odoo-benelux", database: systems.odoo.database, secret: systems.odoo.key });
      await page.getByTestId("save-and-test").click();
      await page.getByTestId("fault").filter({ hasText: "URL is missing" }).waitFor();
      assert.equal(await field(page, "url").getAttribute("aria-invalid"), "true");
      assert.equal(await field(page, "label").inputValue(), "Odoo Benelux");
      assert.equal(await page.evaluate(() => document.activeElement?.id), "c-url", "the wrong field has the focus");
      // a wrong address
      await fill(page, { url: "http://127.0.0.1:9" });
      await page.getByTestId("save-and-test").click();
      await page.waitForURL(/connection=odoo-benelux/);
      assert.match(await failedChecks(page), /Cannot reach http:\/\/127\.0\.0\.1:9/);
      assert.equal(await field(page, "secret").inputValue(), "", "the page keeps no secret");
      // a wrong key
      const again = async (values, says) => {
        const version = () => page.locator('input[name="connection[version]"]').inputValue();
        const before = await version();
        await fill(page, values);
        await page.getByTestId("save-and-test").click();
        await until("it is saved", async () => (await version()) !== before, WAIT_MS);
        await until(says, async () => says.test(await failedChecks(page)), WAIT_MS);
      };
      await again({ url: systems.odoo.url, secret: "a-wrong-key" }, /API key not accepted/);
      // a right that is missing
      await again({ secret: systems.odoo.limited }, /right|Missing in Odoo/);
      await again({ secret: systems.odoo.key }, /Missing in Odoo/);
      await page.getByTestId("turn-on").click();
      await page.waitForURL(/\/connections\/odoo-benelux$/);
      await until("it is in use, and what its test found is not forgotten", async () => /Failing|Suspended/.test(await health(page).innerText()), WAIT_MS);
      assert.match(await page.getByTestId("change").first().innerText(), /Turned on[\s\S]*Tomasz Lis/);
    });
  });

  test("a second desk with routing, paused with a reason, resumed, rotated, disabled", async () => {
    await visiting({}, async (page) => {
      await go(page, "/connections/new?connector=request_tracker");
      const { url, queue, token } = systems.desk;
      await fill(page, { label: "Urgent desk", name: "desk-urgent", url, secret: token });
      await page.getByLabel("Critical").check();
      await page.locator("details.more-asks summary").click();
      await fill(page, { queue, owner: "Ines Morel" });
      await page.getByTestId("save-and-test").click();
      await page.waitForURL(/connection=desk-urgent/);
      assert.equal(await failedChecks(page), "", "every check passed");
      await page.getByTestId("turn-on").click();
      await page.waitForURL(/\/connections\/desk-urgent$/);
      await page.getByTestId("pause").click();
      await page.locator("#pause-why").fill("an upgrade of the desk");
      await page.getByTestId("pause-now").click();
      await page.getByTestId("why").filter({ hasText: "an upgrade of the desk" }).waitFor();
      assert.equal(await health(page).innerText(), "Paused");
      await page.getByTestId("resume").click();
      await until("it goes on", async () => (await health(page).innerText()) !== "Paused", WAIT_MS);
      // the new token is not accepted yet: the old one stays valid beside it
      await page.getByRole("link", { name: "Rotate secret" }).click();
      await page.waitForURL(/tab=secrets/);
      await page.locator("#new-secret").fill("a-token-to-come");
      await page.getByTestId("rotate").click();
      await page.getByTestId("secrets").filter({ hasText: "The one before" }).waitFor();
      await until("the page keeps no secret", async () => (await page.locator("#new-secret").inputValue()) === "", WAIT_MS);
      await page.locator("#new-secret").fill(token);
      await page.getByTestId("rotate").click();
      await until("the page keeps no secret", async () => (await page.locator("#new-secret").inputValue()) === "", WAIT_MS);
      await page.getByTestId("retire").click();
      await until("one secret", async () => !/The one before/.test(await page.getByTestId("secrets").innerText()), WAIT_MS);
      await page.getByTestId("disable").click();
      await page.locator("#disable-why").fill("replaced by another desk");
      await page.getByTestId("disable-now").click();
      await until("it is disabled", async () => /Disabled|Draft/.test(await health(page).innerText()), WAIT_MS);
      await go(page, "/connections/desk-urgent?tab=log");
      const log = (await page.getByTestId("change").allInnerTexts()).join("\n");
      for (const line of [/Disabled[\s\S]*replaced by another desk/, /Resumed/, /Paused[\s\S]*an upgrade/, /Old secret retired/, /New secret set/, /Connection created/]) {
        assert.match(log, line);
      }
      assert.doesNotMatch(await page.content(), new RegExp(token), "no page has a secret");
    });
  });

  test("without JavaScript the same forms work", async () => {
    await visiting({ javaScript: false }, async (page) => {
      await go(page, "/connections/new?connector=odoo", false);
      await fill(page, { label: "Odoo Iberia", name: "odoo-iberia", url: "odoo", database: "d", secret: "k-e-y" });
      await page.getByTestId("save-and-test").click();
      const fault = page.getByTestId("fault").first();
      await fault.waitFor();
      assert.match(await fault.innerText(), /URL must/);
      assert.equal(await field(page, "label").inputValue(), "Odoo Iberia", "what was typed stays");
      assert.equal(await field(page, "secret").inputValue(), "");
      await fill(page, { url: "http://127.0.0.1:9", secret: "k-e-y" });
      await page.getByTestId("save").click();
      await page.waitForURL(/\/connections\/odoo-iberia$/);
      assert.equal(await health(page).innerText(), "Draft");
      await page.getByTestId("test").first().click();
      assert.match(await failedChecks(page), /Cannot reach/);
      await page.getByTestId("enable").click();
      assert.notEqual(await health(page).innerText(), "Draft");
      await page.getByTestId("pause").click();
      await page.locator("#pause-why").fill("not there yet");
      await page.getByTestId("pause-now").click();
      assert.equal(await health(page).innerText(), "Paused");
    });
  });

  test("a connection is added with the keyboard alone", async () => {
    await visiting({}, async (page) => {
      await go(page, "/connections/new?connector=request_tracker");
      const at = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute("data-testid"));
      const tabTo = async (what) => {
        for (let presses = 0; (await at()) !== what && presses < 60; presses += 1) await page.keyboard.press("Tab");
        assert.equal(await at(), what, "it is reached by Tab");
      };
      const { url, token } = systems.desk;
      for (const [name, text] of [["label", "Keyboard desk"], ["name", "desk-keyboard"], ["url", url], ["secret", token]]) {
        await tabTo(`c-${name}`);
        await page.keyboard.press("ControlOrMeta+A");
        await page.keyboard.type(text);
      }
      await tabTo("save");
      await page.keyboard.press("Enter");
      // it leads to the second desk already where that one is kept: then the form says so
      await until(
        "an answer",
        async () => /\/connections\/desk-keyboard$/.test(page.url()) || (await page.getByTestId("fault").count()) > 0,
        WAIT_MS,
      );
    });
  });

  for (const [name, options] of [
    ["light", {}],
    ["dark", { dark: true }],
    ["a phone", { width: 390, height: 844 }],
  ]) {
    test(`pages are accessible and fit (${name})`, async () => {
      await visiting(options, async (page) => {
        const one = ["", "?tab=traffic", "?tab=settings", "?tab=secrets", "?tab=log"].map((tab) => `/connections/odoo${tab}`);
        for (const path of ["/connections", "/connections/new", "/connections/new?connector=odoo", ...one, "/connections/desk?tab=routing", "/connections/aftership"]) {
          await go(page, path);
          const { violations } = await new AxeBuilder({ page }).analyze();
          const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
          assert.deepEqual(serious.map(({ id, nodes }) => `${id} ${nodes[0]?.target.join(" ")}`), [], path);
          const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.ok(sideways <= 0, `${path} scrolls sideways by ${sideways} px`);
        }
      });
    });
  }

  test("who may not look after connections is not led to them", async () => {
    await visiting(
      {},
      async (page) => {
        await page.goto(`${demo.base}/shipments`);
        await hydrated(page);
        assert.equal(await page.locator('nav a[href="/connections"]').count(), 0);
      },
      "agent",
    );
  });
});
