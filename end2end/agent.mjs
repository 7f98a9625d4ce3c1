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
  await search.press("Enter");
  await page.waitForURL(/\/shipments\/[0-9a-f-]{36}/);
  await hydrated(page);
  await page.evaluate(() => (window.sameDocument = true));
  const entries = page.getByTestId("timeline-entry");
  const before = await entries.count();
  await page.waitForTimeout(500); // the stream is open before the event is sent
  console.log("watching");
  const arrived = entries.filter({ hasText: /return/i });
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
