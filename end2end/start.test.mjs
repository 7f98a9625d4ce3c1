// The first page of an empty installation: an admin is led from the set-up link to the first connection, with and without
// JavaScript.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { hydrated, launch, missing, startServer, watchConsole } from "./lib.mjs";

const skip = missing("browser tests of the first steps");
const ADMIN = { email: "admin@example.test", password: "a password of the test" };

describe("an empty installation", { skip, concurrency: false }, () => {
  let server;
  before(async () => {
    server = await startServer();
  });
  after(async () => {
    await server?.stop();
  });

  async function visiting(options, visit) {
    const browser = await launch(options);
    try {
      const problems = watchConsole(browser.page);
      await visit(browser.page);
      assert.deepEqual(problems, [], "the console is clean");
    } finally {
      await browser.close();
    }
  }

  async function signIn(page) {
    await page.goto(`${server.base}/sign-in`);
    await page.getByLabel("Email").fill(ADMIN.email);
    await page.getByLabel("Password").fill(ADMIN.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  }

  const standings = (page) => page.getByTestId("step").evaluateAll((steps) => steps.map((step) => step.dataset.standing));

  test("the first admin is led to the steps", async () => {
    await visiting({}, async (page) => {
      await page.goto(server.setUp);
      await page.getByLabel("Name").fill("Anna Lind");
      await page.getByLabel("Email").fill(ADMIN.email);
      await page.getByLabel("Password").fill(ADMIN.password);
      await page.getByRole("button", { name: "Create administrator" }).click();
      await page.waitForURL((url) => url.pathname === "/sign-in");
      await signIn(page);
      assert.equal(new URL(page.url()).pathname, "/start");
      await hydrated(page);
      await page.getByTestId("step").first().waitFor();
      assert.deepEqual(await standings(page), ["Next", "To do", "To do", "Optional"]);
      const found = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(found.violations.map((one) => [one.id, one.nodes[0]?.html]), []);
      await page.getByLabel("Company name").fill("Northwind Parts GmbH");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("1 of 4 done").waitFor();
      assert.deepEqual(await standings(page), ["Done", "Next", "To do", "Optional"]);
    });
  });

  test("every step leads on, and empty pages lead back", async () => {
    await visiting({ width: 390, height: 844 }, async (page) => {
      await signIn(page);
      for (const [name, query] of [
        ["Add a source", "kind=carrier"],
        ["Connect Odoo", "connector=odoo"],
        ["Connect a service desk", "kind=desk"],
      ]) {
        const href = await page.getByTestId("step").getByRole("link", { name }).getAttribute("href");
        assert.equal(href, `/connections/new?${query}`);
      }
      await page.goto(`${server.base}/shipments`);
      await page.getByText("Nothing is connected yet").waitFor();
      await page.locator("main").getByRole("link", { name: "Getting started" }).click();
      await page.waitForURL((url) => url.pathname === "/start");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `nothing is cut off: ${wide} px`);
    });
  });

  test("without JavaScript the company is renamed, and the steps are skipped", async () => {
    await visiting({ javaScript: false }, async (page) => {
      await signIn(page);
      await page.getByLabel("Company name").fill("");
      // the browser itself asks for a name; what gets past it is refused with a reason
      await page.getByLabel("Company name").evaluate((input) => input.removeAttribute("required"));
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Enter the company's name, 1 to 100 characters.").waitFor();
      await page.getByLabel("Company name").fill("Northwind Benelux");
      await page.getByRole("button", { name: "Save" }).click();
      await page.locator("nav").getByText("Northwind Benelux").waitFor();
      await page.getByTestId("skip").click();
      await page.waitForURL((url) => url.pathname === "/shipments");
      assert.equal(await page.locator("nav").getByRole("link", { name: "Getting started" }).count(), 0);
      await page.goto(`${server.base}/`);
      assert.equal(new URL(page.url()).pathname, "/shipments");
    });
  });
});
