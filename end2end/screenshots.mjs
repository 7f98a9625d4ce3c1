// node screenshots.mjs BASE OUTDIR [EMAIL PASSWORD]: photographs each page of a running installation in four ways: 1440 and 390 px, light and
// dark. Without BASE (or with `demo`) it starts a demo of its own.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch, signIn, startDemo } from "./lib.mjs";

const PAGES = ["/shipments", "shipment", "/exceptions", "/overview", "/carriers", "/sync", "/mappings/unmapped", "/connections", "/connections/new?connector=odoo", "/connections/odoo", "/connections/odoo?tab=setup", "/reconciliation", "/reconciliation/fields", "/booking-rules", "/booking-rules?add=1", "/rules", "/rules/new", "/rules/cases"];
const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

const [base = "demo", outdir = "shots", email, password] = process.argv.slice(2);
mkdirSync(outdir, { recursive: true });
const demo = base === "demo" ? await startDemo() : null;
const at = demo?.base ?? base;
const login = email ? { email, password } : demo?.logins.find(({ role }) => role === "admin");
if (!login) throw new Error("a running installation needs the e-mail address and password to sign in with");

async function shoot(page, name) {
  await page.waitForTimeout(600);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await page.screenshot({ path: join(outdir, `${name}.png`), fullPage: true });
  console.log(`${name}.png${wide > 0 ? `  (scrolls sideways by ${wide} px)` : ""}`);
}

try {
  for (const size of SIZES) {
    for (const dark of [false, true]) {
      const browser = await launch({ ...size, dark });
      const suffix = `${size.width}-${dark ? "dark" : "light"}`;
      try {
        await browser.page.goto(`${at}/sign-in`);
        await shoot(browser.page, `sign-in-${suffix}`);
        await signIn(browser.page, at, login);
        for (const path of PAGES) {
          if (path === "shipment") {
            await browser.page.goto(`${at}/shipments`);
            const first = await browser.page.locator('a[href^="/shipments/"]').first().getAttribute("href");
            await browser.page.goto(at + first);
          } else {
            await browser.page.goto(at + path);
          }
          await shoot(browser.page, `${path.replace("/", "").replaceAll(/[/?=]/g, "-")}-${suffix}`);
        }
      } finally {
        await browser.close();
      }
    }
  }
} finally {
  await demo?.stop();
}
