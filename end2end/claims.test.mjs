// An agent raises a claim on a shipment, adds a photo, files it, records what the carrier pays, and takes the bundle along: with
// JavaScript and without.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { hydrated, launch, missing, signIn, startDemo, until, watchConsole } from "./lib.mjs";

const SKIP = missing("browser tests of claims");
const WAIT_MS = 60_000;
const PHOTO = { name: "box.png", mimeType: "image/png", buffer: Buffer.from("89504e470d0a1a0a", "hex") };

describe("claims", { skip: SKIP, concurrency: false }, () => {
  let demo;
  before(async () => {
    demo = await startDemo();
  });
  after(async () => {
    await demo?.stop();
  });

  /** Runs `visit` in a browser of its own, signed in; nothing may be wrong on the console. */
  async function visiting(options, visit, role = "agent") {
    const browser = await launch(options);
    try {
      const problems = watchConsole(browser.page);
      await signIn(browser.page, demo.base, demo.logins.find((one) => one.role === role));
      await visit(browser.page);
      // a file that is refused is answered so
      assert.deepEqual(problems.filter((problem) => !/status of 422/.test(problem)), [], "the console is clean");
    } finally {
      await browser.close();
    }
  }

  /** The address of some shipment of an order. */
  const shipment = (page, place) =>
    until("shipments in the list", async () => {
      await page.goto(`${demo.base}/shipments?tab=all`);
      const ordered = page.getByTestId("shipment-row").filter({ hasText: /S\d{5}/ });
      const links = await ordered.locator("a[href^='/shipments/']").evaluateAll((all) => all.map((a) => a.href));
      return [...new Set(links)][place];
    }, WAIT_MS, 500);

  const status = (page) => page.getByTestId("claim-status").first().innerText();

  async function journey(page, place, javaScript) {
    const ready = async () => {
      if (javaScript) await hydrated(page);
    };
    await page.goto(await shipment(page, place));
    await ready();
    await page.getByTestId("raise-claim").first().click();
    await page.waitForURL(/\/claims\/new\?shipment=/);
    await ready();
    await page.locator('select[name="new[reason]"]').selectOption("damaged");
    await page.getByLabel(/^Amount \(empty: /).fill("1140,50");
    await page.getByLabel("What happened").fill("The box is crushed.");
    await page.getByRole("button", { name: "Raise claim" }).click();
    await page.waitForURL(/\/claims\/CL-\d+$/);
    await ready();
    const number = /CL-\d+/.exec(page.url())[0];
    await until("a draft", async () => (await status(page)) === "Draft", WAIT_MS);
    // what is missing leads to the form that adds it
    await page.locator('[data-testid="evidence"][data-there="false"]').filter({ hasText: "Photos" }).getByTestId("add-evidence").click();
    await page.waitForURL(/kind=photos/);
    await until("the kind is chosen", async () => (await page.getByLabel("What it shows").inputValue()) === "photos", WAIT_MS);
    await page.getByLabel("File, up to 10 MB").setInputFiles(PHOTO);
    await page.getByRole("button", { name: "Upload" }).click();
    await page.getByTestId("claim-file").waitFor();
    await ready();
    const text = { ...PHOTO, name: "notes.txt", buffer: Buffer.from("no photo") };
    await page.getByLabel("File, up to 10 MB").setInputFiles(text);
    await page.getByRole("button", { name: "Upload" }).click();
    await page.getByText("Only PDF, PNG").waitFor();
    await ready();
    await page.getByLabel("The carrier’s claim number").fill("D-77");
    await page.getByRole("button", { name: "Mark as filed" }).click();
    await until("a claim that is filed", async () => (await status(page)) === "Filed", WAIT_MS);
    await ready();
    await page.getByTestId("step-pay").locator("summary").click();
    await page.getByTestId("step-pay").getByLabel("Amount, EUR").fill("900");
    await page.getByRole("button", { name: "Record payment" }).click();
    await until("a claim that is paid", async () => (await status(page)) === "Paid", WAIT_MS);
    const done = await page.getByTestId("claim-event").locator("b").allInnerTexts();
    assert.deepEqual(done.slice(-4), ["Payment recorded", "Filed", "File added", "Raised"]);
    const bundle = await page.request.get(`${demo.base}/claims/${number}/bundle.zip`);
    assert.equal(bundle.headers()["content-type"], "application/zip");
    assert.equal((await bundle.body()).subarray(0, 2).toString(), "PK");
    await page.goto(`${demo.base}/claims?tab=paid`);
    assert.ok((await page.getByTestId("claim-row").filter({ hasText: number }).innerText()).includes("€ 900.00"));
  }

  test("a claim goes from the shipment to the payment", async () => {
    await visiting({}, (page) => journey(page, 0, true));
  });

  test("the same without JavaScript", async () => {
    await visiting({ javaScript: false }, (page) => journey(page, 1, false));
  });

  test("the pages are accessible, wide and narrow", async () => {
    await visiting({}, async (page) => {
      for (const width of [1440, 390]) {
        await page.setViewportSize({ width, height: 900 });
        for (const path of ["/claims", "/claims/new", "/claims/deadlines", "/claims/CL-0001"]) {
          await page.goto(demo.base + path);
          await hydrated(page);
          const { violations } = await new AxeBuilder({ page }).analyze();
          assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes[0].target}`), [], `${path} at ${width}`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.ok(wide <= 0, `${path} at ${width} scrolls sideways`);
        }
      }
    });
  });
});
