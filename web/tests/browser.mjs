// What every browser test needs: a Chromium, a server of ours on a free port, a page that reports its own faults.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** Pictures of pages, for people to look at; not part of the repository. */
export const shots = join(root, "var/shots");

/** Path of the browser, or `null`: tests then say that they were skipped. */
export function browserPath() {
  const places = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return places.find((path) => path && existsSync(path)) || null;
}

/** Option for `test(...)`: the reason to skip, or `false`. */
export const skip = browserPath() === null ? "no Chromium here: install it or set CHROMIUM_PATH" : false;

export async function launch() {
  return chromium.launch({
    executablePath: browserPath(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** A page that collects errors of scripts, of the console (refusals of the CSP among them) and of requests. */
export async function openPage(browser, size = { width: 1366, height: 768 }) {
  const context = await browser.newContext({ viewport: size, locale: "zh-CN", timezoneId: "Asia/Shanghai" });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of [45]\d\d/.test(message.text())) page.faults.push(`console: ${message.text()}`);
  });
  return page;
}

/** Clicks, and counts it in `page.presses`: journeys have a budget of clicks. */
export async function press(page, selector) {
  page.presses = (page.presses || 0) + 1;
  await page.click(selector);
}

/** Saves what the page shows, or the whole page. */
export async function shoot(page, name, fullPage = false) {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage });
}

/** Findings of axe-core, as one line each; serious and critical ones only. */
export async function axe(page) {
  await page.evaluate(readFileSync(join(root, "web/node_modules/axe-core/axe.min.js"), "utf8"));
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${one.id} (${one.impact}): ${one.nodes.map((node) => node.target.join(" ")).slice(0, 5).join(" | ")}`);
}

/** Starts a program that prints its address as the first `http://…` on stdout; `stop()` ends it. */
export async function start(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"], ...options });
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const found = line.match(/http:\/\/[0-9a-z.:]+/i);
      if (found) resolve(found[0]);
    });
    child.on("exit", (code) => reject(new Error(`${command} ended with ${code} before it listened`)));
    child.on("error", reject);
  });
  return { url, stop: () => stopped(child) };
}

function stopped(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.on("exit", resolve);
    child.kill("SIGTERM");
  });
}

/** The kit's test pages. */
export function startKit() {
  const example = join(root, "target/debug/examples/kit");
  if (!existsSync(example)) throw new Error(`${example} is not built: cargo build --workspace --examples`);
  return start(example, []);
}

/**
 * The product with its demo city in a folder of its own, on free ports: `{ url, accounts, stop }`.
 * `HUFU_BIN` names another binary; without it the debug build is taken.
 */
export async function startDemo(extra = []) {
  const binary = process.env.HUFU_BIN || join(root, "target/debug/hufu");
  if (!existsSync(binary)) throw new Error(`${binary} is not built: cargo build -p hufu`);
  const dir = mkdtempSync(join(tmpdir(), "hufu-demo-"));
  const [web, sql] = [await freePort(), await freePort()];
  const args = ["demo", "--dir", dir, "--listen", `127.0.0.1:${web}`, "--sql", `127.0.0.1:${sql}`, ...extra];
  const child = spawn(binary, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const url = `http://127.0.0.1:${web}`;
  await ready(`${url}/healthz`, child);
  const accounts = JSON.parse(readFileSync(join(dir, "accounts.json"), "utf8"));
  const stop = async () => {
    await stopped(child);
    rmSync(dir, { recursive: true, force: true });
  };
  return { url, sqlPort: sql, dir, accounts, stop };
}

const START_MS_MAX = 180000;

async function ready(url, child) {
  const end = Date.now() + START_MS_MAX;
  while (Date.now() < end) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    const answer = await fetch(url).catch(() => null);
    if (answer && answer.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${url} did not answer within ${START_MS_MAX / 1000} s`);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
