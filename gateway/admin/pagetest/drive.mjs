// Drives Chromium for a test: a JSON command a line on stdin, an answer a line
// on stdout, {"value": …} or {"error": …}. What waits, waits for a condition.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const patience = 30000;
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
const browser = await chromium.launch({ executablePath: process.argv[2], headless: true, args });
let page, complaints;

// watch keeps what the page should not do: errors, and requests elsewhere.
function watch(origin) {
  complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && complaints.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => complaints.push(`exception: ${e.stack}`));
  page.on("dialog", (d) => { complaints.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => { const u = new URL(r.url()); if (u.protocol !== "data:" && u.origin !== origin) complaints.push(`request: ${r.url()}`); });
}

const reported = "document.addEventListener('securitypolicyviolation', (e) => console.error('violation of ' + e.violatedDirective + ' by ' + e.blockedURI))";
const find = (c) => page.locator(c.selector, c.text === undefined ? {} : { hasText: c.text }).first();

const commands = {
  async open({ url, user, password, width, height, scheme, touch, axe, clock }) {
    await page?.context().close();
    const context = await browser.newContext({
      viewport: { width, height }, colorScheme: scheme, hasTouch: touch, isMobile: touch, reducedMotion: "reduce",
      httpCredentials: user ? { username: user, password } : undefined, locale: "en-GB", timezoneId: "UTC",
    });
    page = await context.newPage();
    page.setDefaultTimeout(patience);
    watch(new URL(url).origin);
    await page.addInitScript(reported);
    if (axe) await page.addInitScript(axeSource);
    if (clock) await page.clock.install();
    await page.goto(url);
  },
  sees: (c) => find(c).waitFor({ state: "visible" }),
  misses: (c) => find(c).waitFor({ state: "hidden" }),
  click: (c) => find(c).click(),
  fill: (c) => find({ selector: c.selector }).fill(c.text),
  choose: (c) => find({ selector: c.selector }).selectOption(c.text).then(() => undefined),
  press: (c) => page.keyboard.press(c.text),
  resize: (c) => page.setViewportSize({ width: c.width, height: c.height }),
  evaluate: (c) => page.evaluate(c.text),
  scheme: (c) => page.emulateMedia({ colorScheme: c.scheme }),
  shoot: (c) => page.screenshot({ path: c.path, fullPage: page.viewportSize().width > 400 }).then(() => undefined),
  pass: (c) => page.clock.runFor(c.text), // of a clock that the test holds
  complaints: () => complaints,
  async axe() {
    const { violations } = await page.evaluate(() => axe.run(document, { preload: false }));
    return violations.filter((v) => v.impact !== "minor").map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join(" | ")}`);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    console.log(JSON.stringify({ value: (await commands[command.do](command)) ?? null }));
  } catch (e) {
    const shown = await page?.evaluate(() => document.body.innerText).catch(() => "nothing");
    console.log(JSON.stringify({ error: `${e.message}\nthe page shows:\n${shown}` }));
  }
}
await browser.close();
