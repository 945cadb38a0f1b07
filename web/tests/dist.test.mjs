// What is shipped and what is committed: the oldest promised browser, one home for colours, a lock file for everyone.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lintCss, lintScript } from "../lint.mjs";
import { root } from "./browser.mjs";

const dist = join(root, "web/dist");
const manifest = () => JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));

test("the lint knows what is too new", () => {
  assert.equal(lintScript("x", "a?.b").length, 1);
  assert.equal(lintScript("x", "a ?? b").length, 1);
  assert.equal(lintScript("x", "try { a() } catch { }").length, 0);
  assert.equal(lintCss("x", "a:has(b){color:red}").length, 1);
  assert.equal(lintCss("x", "a{display:flex;gap:1rem}").length, 1);
  assert.equal(lintCss("x", "a{display:grid;grid-gap:1rem;gap:1rem}").length, 0);
});

test("the built script runs in Chromium 78", () => {
  const name = manifest()["app.js"];
  assert.deepEqual(lintScript(name, readFileSync(join(dist, name), "utf8")), []);
});

test("names carry the hash of their content", () => {
  for (const name of Object.values(manifest())) {
    const digest = createHash("sha256").update(readFileSync(join(dist, name))).digest("hex");
    assert.ok(name.includes(digest.slice(0, 16)), name);
  }
});

test("every shipped package has its licence", () => {
  const licences = JSON.parse(readFileSync(join(dist, "licences.json"), "utf8"));
  assert.deepEqual(licences.map((one) => one.name).sort(), ["bootstrap", "htmx.org"]);
  for (const one of licences) assert.ok(one.license && one.text.length > 100, one.name);
});

test("the lock file names no host to fetch from", () => {
  const lock = JSON.parse(readFileSync(join(root, "web/package-lock.json"), "utf8"));
  const hosts = Object.values(lock.packages).filter((one) => one.resolved);
  assert.deepEqual(hosts, []);
});

test("colours stand in gov.css only, and pages have no inline script", () => {
  const templates = ["kernel", ...readdirSync(join(root, "capabilities")).map((name) => `capabilities/${name}`)];
  for (const file of templates.flatMap((room) => files(join(root, room, "templates")))) {
    const text = readFileSync(file, "utf8");
    assert.ok(!/style="[^"]*(#[0-9a-f]{3,8}|rgb)/i.test(text), `${file}: colour`);
    assert.ok(!/<style|\son[a-z]+="|javascript:/i.test(text), `${file}: inline style sheet or script`);
    assert.ok(!/<script(?! src)/.test(text), `${file}: inline script`);
  }
});

function files(folder) {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (!found) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}
