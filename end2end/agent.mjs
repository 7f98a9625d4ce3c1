// The agent's part of the main job: node agent.mjs BASE LOGIN PASSWORD NUMBER TEXT
// Signs in, finds the shipment by its number, prints `watching`, and waits for an event with TEXT to arrive without
// reloading. Exits 0 when it did and the console stayed clean.
import { hydrated, launch, signIn, watchConsole } from "./lib.mjs";

const [base, email, password, number, text] = process.argv.slice(2);
const { page, close } = await launch();
let failed = "";
try {
  const problems = watchConsole(page);
  await signIn(page, base, { email, password });
  const search = page.getByTestId("search-box");
  await search.fill(number);
  // answered once the stream knows from which change on: what comes later arrives
  const stream = page.waitForResponse((answer) => /\/live\/shipments\/[0-9a-f-]{36}/.test(answer.url()));
  await search.press("Enter");
  await page.waitForURL(/\/shipments\/[0-9a-f-]{36}/);
  await hydrated(page);
  await page.evaluate(() => (window.sameDocument = true));
  const entries = page.getByTestId("timeline-entry");
  const before = await entries.count();
  if (await entries.filter({ hasText: text }).count()) throw new Error(`"${text}" is there before it was sent`);
  if (!(await stream).ok()) throw new Error(`the stream was refused: ${(await stream).status()}`);
  console.log("watching");
  const arrived = entries.filter({ hasText: text });
  await arrived.first().waitFor({ timeout: 30_000 });
  if (!(await page.evaluate(() => window.sameDocument === true))) failed = "the page was loaded anew";
  if ((await entries.count()) <= before) failed = "no entry was added";
  if (problems.length) failed = `console: ${problems.join(" | ")}`;
  console.log(failed ? `failed: ${failed}` : `an event arrived (${text})`);
} catch (error) {
  failed = String(error);
  console.log(`failed: ${failed}\n${await page.content().catch(() => "")}`.slice(0, 4000));
} finally {
  await close();
}
process.exit(failed ? 1 : 0);
