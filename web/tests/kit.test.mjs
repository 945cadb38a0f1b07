// Every macro in every state, in a real browser: readable, reachable, within the window, without a fault.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, openPage, shoot, skip, startKit } from "./browser.mjs";

const SIZES = [{ width: 1366, height: 768 }, { width: 1920, height: 1080 }];
const PAGES = [
  ["kit", "/kit"],
  ["list", "/catalog?sort=-asked&page=3"],
  ["list-no-match", "/catalog?q=%E6%B2%A1%E6%9C%89"],
  ["error-403", "/fail/403"],
  ["error-404", "/no-such-page"],
  ["error-bare", "/no-such-page?anonymous"],
];

let kit;
let browser;

before(async () => {
  if (skip) return;
  kit = await startKit();
  browser = await launch();
});

after(async () => {
  if (browser) await browser.close();
  if (kit) await kit.stop();
});

for (const [name, path] of PAGES) {
  for (const size of SIZES) {
    test(`${name} at ${size.width}`, { skip }, async () => {
      const page = await openPage(browser, size);
      await page.goto(kit.url + path);
      await shoot(page, `${name}-${size.width}`, name === "kit");
      assert.deepEqual(await axe(page), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} px wider than its window`);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  }
}

test("large type keeps everything within the window", { skip }, async () => {
  const page = await openPage(browser);
  await page.goto(`${kit.url}/catalog`);
  await page.click("button[aria-label=大字版]");
  await page.waitForSelector("html.is-large");
  assert.equal(new URL(page.url()).pathname, "/catalog");
  await shoot(page, "list-large");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} px wider than its window`);
});

test("a tree shows its branches, open or not", { skip }, async () => {
  const page = await openPage(browser);
  await page.goto(`${kit.url}/catalog`);
  assert.equal(await page.isVisible(".hf-tree a:has-text(\"临江区\")"), true);
  assert.equal(await page.isVisible(".hf-tree a:has-text(\"市民政局\")"), true);
  assert.equal(await page.isVisible(".hf-tree a:has-text(\"区民政局\")"), false);
  await page.click("summary[aria-label=\"展开 临江区\"]");
  assert.equal(await page.isVisible(".hf-tree a:has-text(\"区民政局\")"), true);
});

test("ticks feed the bulk bar without moving the page", { skip }, async () => {
  const page = await openPage(browser);
  await page.goto(`${kit.url}/catalog`);
  const table = () => page.evaluate(() => document.querySelector(".hf-table").getBoundingClientRect().top);
  const before = await table();
  assert.equal(await page.isVisible(".hf-bulk"), false);
  await page.check("tbody tr:nth-child(2) [data-pick]");
  assert.equal(await page.textContent("[data-picked]"), "1");
  await page.check("[data-pick-all]");
  assert.equal(await page.textContent("[data-picked]"), "20");
  assert.equal(await table(), before);
  await shoot(page, "list-bulk");
});

test("columns are chosen and remembered", { skip }, async () => {
  const page = await openPage(browser);
  await page.goto(`${kit.url}/catalog?q=%E5%A9%9A%E5%A7%BB`);
  await page.click("summary[aria-label=列设置]");
  await shoot(page, "list-columns");
  await page.uncheck("input[name=cols][value=level]");
  await page.click("button:has-text(\"应用\")");
  assert.ok(page.url().includes("q=%E5%A9%9A%E5%A7%BB"));
  assert.equal(await page.locator("th:has-text(\"级别\")").count(), 0);
  await page.goto(`${kit.url}/catalog`);
  assert.equal(await page.locator("th:has-text(\"级别\")").count(), 0);
});

test("an irreversible act asks for a reason and the number", { skip }, async () => {
  const page = await openPage(browser);
  await page.goto(`${kit.url}/kit`);
  await page.click("summary:has-text(\"撤销授权\")");
  const danger = page.locator("button.btn-danger");
  assert.equal(await danger.isDisabled(), true);
  await page.fill("input[name=retype]", "SQ-20261123-0019");
  assert.equal(await danger.isDisabled(), false);
  await shoot(page, "confirm");
  assert.deepEqual(await axe(page), []);
  await page.click("[data-close]");
  assert.equal(await danger.isVisible(), false);
});

test("the menu and the search are reached by keys", { skip }, async () => {
  const page = await openPage(browser);
  await page.goto(`${kit.url}/catalog`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "hf-skip");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.name), "q");
  await page.click("summary.hf-user");
  await shoot(page, "user-menu");
  assert.deepEqual(await axe(page), []);
});

test("a list is read without script", { skip }, async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${kit.url}/catalog`);
  await page.fill("#q-q", "婚姻");
  await page.click("button:has-text(\"查询\")");
  assert.ok((await page.textContent(".hf-pager")).includes("共 105 条"));
  await page.click("a[aria-label=下一页]");
  assert.ok(page.url().includes("page=2"));
  await context.close();
});

test("a page prints on A4 without its menu", { skip }, async () => {
  const page = await openPage(browser);
  await page.goto(`${kit.url}/catalog`);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.isVisible(".hf-side"), false);
  assert.equal(await page.isVisible(".hf-print:not(.is-foot)"), true);
  const pdf = await page.pdf({ format: "A4" });
  assert.ok(pdf.length > 10000);
});

const RUNNING = "#job-1 .hf-tag:has-text(\"执行中\")";
const DONE = "#job-1 .hf-tag:has-text(\"已完成\")";

test("a job's card follows its events", { skip }, async () => {
  const page = await openPage(browser);
  const streaming = page.waitForResponse((response) => response.url().includes("/events?topics=job"));
  await page.goto(`${kit.url}/kit`);
  await page.waitForSelector(RUNNING);
  assert.equal((await streaming).status(), 200);
  await fetch(`${kit.url}/emit/2`);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(await page.locator(RUNNING).count(), 1, "an event of another job changes nothing");
  await fetch(`${kit.url}/emit/1`);
  await page.waitForSelector(DONE, { timeout: 5000 });
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a page without its stream of events still finishes", { skip }, async () => {
  const page = await openPage(browser);
  await page.route("**/events?*", (route) => route.fulfill({ status: 503, body: "" }));
  await page.goto(`${kit.url}/kit`);
  await page.waitForSelector(DONE, { timeout: 15000 });
  await page.context().close();
});
