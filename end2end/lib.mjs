// What the browser tests share: a demo on a free port, Debian's Chromium with a profile of its own, signing in,
// and an eye on the console. Everything that is started here is stopped by its own handle.
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const READY_MS = 60_000;
const STOP_MS = 10_000;
const OUTPUT_LINES_KEPT = 500;

/** The folder of the workspace. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const cache = process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? "/root", ".cache");
const target = process.env.CARGO_TARGET_DIR ?? join(cache, "milepost", "target");
/** The server. */
export const binary = process.env.MILEPOST_TEST_BIN ?? join(target, "debug", "milepost");
const site = process.env.MILEPOST_TEST_SITE ?? join(root, "target", "site");
const chromiumPath = process.env.MILEPOST_TEST_CHROMIUM ?? "/usr/bin/chromium";

/** Why browser tests cannot run here, or false. Noted for the closing summary. */
export function missing(name) {
  const why = [
    [binary, "the server is not built"],
    [join(site, "manifest.json"), "the site folder is not built"],
    [chromiumPath, "no Chromium here"],
  ].find(([path]) => !existsSync(path))?.[1];
  if (why && process.env.CI === "1") throw new Error(`${name}: ${why}, and with CI=1 nothing is skipped`);
  if (why && process.env.MILEPOST_TEST_SKIPPED) {
    appendFileSync(process.env.MILEPOST_TEST_SKIPPED, `${name} (${why})\n`);
  }
  return why ?? false;
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `probe` returns something true; fails with `what` after the limit. */
export async function until(what, probe, limitMs = 20_000, everyMs = 100) {
  const end = Date.now() + limitMs;
  let last;
  while (Date.now() < end) {
    try {
      const found = await probe();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  }
  throw new Error(`waited ${limitMs} ms for ${what}`, { cause: last });
}

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/**
 * Starts `milepost demo` with a database of its own and waits until it is ready.
 * `logins` is what it prints: one {role, email, password} for each role.
 */
export async function startDemo(historyDays = 0) {
  // its own orders are enough for most tests
  return start("demo", (lines) => logins(lines).length > 0, () => {}, ["--history-days", String(historyDays)]);
}

/** Starts `milepost serve` on an empty database; `setUp` is the address that makes the first admin. */
export async function startServer() {
  const link = (lines) => lines.map((line) => /\/set-up\?token=\S+/.exec(line)?.[0]).find(Boolean);
  const server = await start("serve", link, (data) => {
    const made = spawnSync(binary, ["key", "new", join(data, "master.key")]);
    if (made.status !== 0) throw new Error(`no master key: ${made.stderr}`);
  });
  return { ...server, setUp: `${server.base}${link(server.lines)}` };
}

async function start(command, isReady, prepare = () => {}, options = []) {
  const data = mkdtempSync(join(tmpdir(), `milepost-${command}-`));
  prepare(data);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const args = [command, "--data", data, "--addr", `127.0.0.1:${port}`, "--site", site, ...options];
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  const lines = [];
  const keep = (chunk) => {
    lines.push(...String(chunk).split("\n").filter(Boolean));
    // the log-ins come first; of the rest the end is worth keeping
    if (lines.length > OUTPUT_LINES_KEPT) lines.splice(100, lines.length - OUTPUT_LINES_KEPT);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise((done) => child.once("exit", (code, signal) => done(code ?? signal)));
  let over;
  ended.then((how) => (over = how));

  const stop = async () => {
    child.kill("SIGINT");
    const insist = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    const how = await ended;
    clearTimeout(insist);
    rmSync(data, { recursive: true, force: true });
    return how;
  };
  try {
    await until(`${base}/readyz`, async () => {
      if (over !== undefined) throw new Error(`${command} ended with ${over}`);
      return (await fetch(`${base}/readyz`)).ok && isReady(lines);
    }, READY_MS);
  } catch (error) {
    await stop();
    throw new Error(`${command} did not get ready:\n${lines.slice(-40).join("\n")}`, { cause: error });
  }
  return { base, data, lines, logins: logins(lines), stop };
}

/** Reads the log-ins from what the demo prints: lines with a role, an e-mail address and a password. */
export function logins(lines) {
  const found = [];
  for (const line of lines) {
    const match = /\b(agent|executive|admin)\b\W+(\S+@[^\s,]+)\W+(?:password\W+)?(\S+)\s*$/i.exec(line);
    if (match) found.push({ role: match[1].toLowerCase(), email: match[2], password: match[3] });
  }
  return found;
}

/** Starts Chromium with an empty profile. Close with `close()`. */
export async function launch({ width = 1440, height = 900, dark = false, javaScript = true, timezoneId } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "milepost-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath,
    headless: true,
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    reducedMotion: "reduce",
    javaScriptEnabled: javaScript,
    ...(timezoneId && { timezoneId }),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  context.setDefaultTimeout(15_000);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, page: context.pages()[0] ?? (await context.newPage()), close };
}

// A page that is left before its program has come drops it, and says so in the words of where it was. A request that failed
// for any other reason is collected as a failed request.
const DROPPED = /Response body loading was aborted|TypeError: Failed to fetch/;

/** Collects what a person with the console open would frown at. */
export function watchConsole(page) {
  const problems = [];
  const collect = (text) => DROPPED.test(text) || problems.push(`${page.url()}: ${text}`);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) collect(message.text());
  });
  page.on("pageerror", (error) => collect(String(error)));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText ?? "";
    // a page that is left behind drops its live stream; without JavaScript scripts are refused as if by policy
    // (a real violation of the policy is an error on the console)
    if (!["net::ERR_ABORTED", "csp"].includes(why)) problems.push(`${request.url()}: ${why}`);
  });
  return problems;
}

/** Signs in through the form, as a person does; works without JavaScript. */
export async function signIn(page, base, { email, password }) {
  await page.goto(`${base}/sign-in`);
  await page.locator('input[autocomplete="username"], input[type="email"], input[name="email"]').first().fill(email);
  await page.locator('input[type="password"]').first().fill(password);
  await page.locator('form:has(input[type="password"]) button[type="submit"], form:has(input[type="password"]) button').first().click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
}

/** What stands beyond the edge of its box, where it is cut off: a column, a button. */
export function cutOff(page) {
  return page.evaluate(() => {
    const outside = (box) =>
      [...box.querySelectorAll("th, td, button, a, input, select")].filter((one) => {
        const at = one.getBoundingClientRect();
        const hidden = at.width < 3 || one.closest(".pop__in, .sr, .scroll, .scroll-x");
        return !hidden && at.right > box.getBoundingClientRect().right + 1;
      });
    const named = (one) => `${one.tagName} ${one.className} "${one.innerText.trim().slice(0, 30)}"`;
    return [...document.querySelectorAll(".table-box, .panel, .card")].flatMap(outside).map(named);
  });
}

/** Waits until the browser's half has taken the page over. */
export async function hydrated(page) {
  await page.waitForFunction(() => document.documentElement.dataset.hydrated === "yes" || document.body.dataset.hydrated === "yes");
}
