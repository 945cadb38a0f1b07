// Journeys of people through the running product: real pages, real grants, real rows. A click too many fails.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import { axe, launch, openPage, press, root, shoot, skip, startDemo } from "./browser.mjs";

const PASSWORD = "Tally#7402-demo";
let demo;
let browser;

before(async () => {
  if (skip) return;
  demo = await startDemo(["--scale", "small"]);
  browser = await launch();
});

after(async () => {
  if (browser) await browser.close();
  if (demo) await demo.stop();
});

/** A signed-in person; `page.presses` counts from here. */
async function signIn(login, javaScriptEnabled = true) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: "zh-CN", javaScriptEnabled });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  await page.goto(`${demo.url}/login`);
  await page.fill("input[name=login]", login);
  await page.fill("input[name=password]", PASSWORD);
  await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
  page.presses = 0;
  return page;
}

const step = (page, selector) => Promise.all([page.waitForNavigation(), press(page, selector)]);

async function tick(page, selector) {
  if (!(await page.isChecked(selector))) await press(page, selector);
}

/** Search, choose all fields, say what for, promise, hand in. Gives the application's number. */
async function apply(page, words) {
  await page.goto(`${demo.url}/catalog`);
  await page.fill("main input[name=q]", words);
  page.presses += 1;
  await Promise.all([page.waitForNavigation(), page.press("main input[name=q]", "Enter")]);
  await step(page, 'td >> a:text-is("申请")');
  await step(page, "button[name=all]");
  await step(page, 'main button:text-is("下一步")');
  await page.fill("input[name=scenario_other]", "疫情输入病例流行病学调查");
  await page.fill("textarea[name=basis]", "本部门职责规定；《政务数据共享条例》第二十条");
  await page.fill("textarea[name=scope_of_use]", "疾控处流调人员");
  for (const box of ["input[name=persons]", "input[name=ways][value=page]", "input[name=ways][value=sql]"]) await tick(page, box);
  await step(page, 'main button:text-is("下一步")');
  await press(page, "input[name=bound]");
  await step(page, 'main button:has-text("提交")');
  return page.url().match(/YS-\d{8}-\d{4}/)[0];
}

/** Opens the row in 待办 and agrees. */
async function agree(login, no, javaScriptEnabled) {
  const page = await signIn(login, javaScriptEnabled);
  await page.goto(`${demo.url}/`);
  await step(page, `tr:has-text("${no}") a`);
  await step(page, '.hf-decide button[value="approve"]');
  assert.deepEqual(page.faults, []);
  const presses = page.presses;
  await page.context().close();
  return presses;
}

async function journeyOne(login, words, provider, javaScriptEnabled) {
  const user = await signIn(login, javaScriptEnabled);
  const no = await apply(user, words);
  const applicant = user.presses;
  const approvers = (await agree("anquan01", no, javaScriptEnabled)) + (await agree(provider, no, javaScriptEnabled));
  await user.goto(`${demo.url}/apply/${no}`);
  await step(user, 'a:text-is("去查询")');
  await press(user, 'button:has-text("运行")');
  await user.waitForSelector("td:has-text('4418')");
  const cells = await user.locator("main table td").allInnerTexts();
  assert.ok(cells.some((cell) => /^4418\d\d\*{12}$/.test(cell.replace(/\s/g, ""))), "the page shows masked identity numbers");
  assert.ok(!cells.some((cell) => /\d{17}[\dX]/.test(cell)), "and no whole one");
  assert.deepEqual(user.faults, []);
  return { user, no, applicant, all: user.presses + approvers };
}

const token = (login) => demo.accounts.find((one) => one.account === login).token;

function psql(login, sql) {
  const port = String(demo.sqlPort);
  const env = { ...process.env, PGPASSWORD: token(login) };
  return execFileSync("psql", ["-h", "127.0.0.1", "-p", port, "-U", login, "-At", "-v", "ON_ERROR_STOP=1", "hufu", "-c", sql], { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test("SHA-1 journey 1: apply, approve, query within 11 and 17 clicks, then the same by psql", { skip }, async () => {
  const { user, applicant, all } = await journeyOne("xuwen", "入境来云", "fangyuan", true);
  assert.ok(applicant <= 11, `the applicant pressed ${applicant} times`);
  assert.ok(all <= 17, `all together pressed ${all} times`);
  await shoot(user, "journey-1-query");
  const rows = psql("xuwen", "SELECT id_card FROM sgaj.yq_rjry WHERE id_card LIKE '4418%' LIMIT 5").trim().split("\n");
  assert.equal(rows.length, 5);
  for (const row of rows) assert.match(row, /^4418\d\d\*{12}$/);
});

test("SHA-1 journey 1 with JavaScript off", { skip }, async () => {
  const { user } = await journeyOne("xuwen", "重点地区来云", "fangyuan", false);
  await user.context().close();
});

test("SHA-3 the bureau suspends a grant, and psql has nothing left", { skip }, async () => {
  const page = await signIn("anquan01");
  const before = psql("sunyue", "SELECT count(*) FROM swjj.yq_qzbl");
  assert.ok(Number(before) > 0);
  await page.goto(`${demo.url}/grants`);
  const href = await page.getAttribute('tr:has-text("市公安局"):has-text("确诊") a', "href");
  await page.goto(demo.url + href);
  const no = page.url().match(/SQ-\d{8}-\d{4}/)[0];
  const csrf = await page.getAttribute("input[name=_csrf]", "value");
  assert.ok(csrf, "forms carry the token");
  const answer = await fetch(`${demo.url}/api/v1/sharing/grants/${no}/suspend`, {
    method: "POST",
    headers: { authorization: `Bearer ${token("anquan01")}`, "content-type": "application/json" },
    body: JSON.stringify({ reason: "用途核查期间暂停" }),
  });
  assert.equal(answer.status, 200, await answer.text());
  assert.throws(() => psql("sunyue", "SELECT count(*) FROM swjj.yq_qzbl"), /ERROR/);
});

test("LED-2 an auditor proves with one command that the record was not touched", { skip }, async () => {
  const binary = process.env.HUFU_BIN || `${root}/target/debug/hufu`;
  const verify = () => spawnSync(binary, ["ledger", "verify", "--ledger", `${demo.dir}/ledger`], { encoding: "utf8" });
  // The city goes on writing while its files are read; a reading that met a half-renewed tile is repeated.
  let said = verify();
  for (let again = 0; said.status !== 0 && again < 5; again += 1) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    said = verify();
  }
  assert.match(said.stdout, /账本完整，未被改动/, said.stdout + said.stderr);
});

const PAGES = {
  xuwen: ["/", "/messages", "/me", "/catalog", "/apply", "/apply/new", "/query", "/grants"],
  anquan01: ["/", "/review", "/grants", "/audit", "/audit/queries", "/sys/roles"],
  xitong01: ["/sys/users", "/sys/orgs", "/sys/roles"],
  shenjing: ["/supply", "/catalog/edit", "/catalog/mount", "/catalog/nonshare"],
  yunwei01: ["/datasources", "/catalog/mount"],
};

// What axe still finds, by rule and with the reason; the list may only shrink.
// Unit trees: the link to a unit stands inside the summary that opens its branch.
const KNOWN = /^nested-interactive \(serious\)/;

for (const [login, paths] of Object.entries(PAGES)) {
  test(`every page of ${login} opens, says nothing wrong to the browser, and axe finds nothing serious`, { skip }, async () => {
    const page = await openPage(browser);
    await page.goto(`${demo.url}/login`);
    await page.fill("input[name=login]", login);
    await page.fill("input[name=password]", PASSWORD);
    await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
    for (const path of paths) {
      const answer = await page.goto(demo.url + path);
      assert.equal(answer.status(), 200, path);
      assert.deepEqual((await axe(page)).filter((one) => !KNOWN.test(one)), [], path);
      await shoot(page, `${login}${path.replaceAll("/", "-")}`);
    }
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });
}
