// Builds web/dist: one style sheet, one script, hashed names, a manifest and the list of licences.
// Fails when anything would not run in Chromium 78, the oldest browser we promise.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";
import { lintCss, lintScript } from "./lint.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const FLOOR = "chrome78";

async function main() {
  const script = await bundle();
  const style = await styles();
  const faults = [...lintScript("app.js", script), ...lintCss("gov.css", ours())];
  if (faults.length > 0) {
    console.error(faults.join("\n"));
    process.exit(1);
  }
  const licences = licenceList();
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const manifest = {
    "app.css": emit("app", "css", style),
    "app.js": emit("app", "js", script),
  };
  writeFileSync(join(dist, "licences.json"), JSON.stringify(licences, null, 1));
  writeFileSync(join(dist, "manifest.json"), JSON.stringify(manifest, null, 1));
}

async function bundle() {
  const out = await esbuild.build({
    entryPoints: [join(here, "src/app.js")],
    bundle: true,
    minify: true,
    write: false,
    target: FLOOR,
    legalComments: "none",
  });
  return out.outputFiles[0].text;
}

// Bootstrap first, then ours: every difference from Bootstrap stands in gov.css.
async function styles() {
  const bootstrap = readFileSync(join(here, "node_modules/bootstrap/dist/css/bootstrap.min.css"), "utf8");
  const out = await esbuild.transform(bootstrap.replace(/\/\*# sourceMappingURL.*?\*\//, "") + ours(), {
    loader: "css",
    minify: true,
    target: FLOOR,
    legalComments: "none",
  });
  return out.code;
}

// Comments go first, so that the lint reads rules only.
function ours() {
  return readFileSync(join(here, "css/gov.css"), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
}

function emit(stem, extension, text) {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const name = `${stem}.${digest}.${extension}`;
  writeFileSync(join(dist, name), text);
  writeFileSync(join(dist, `${name}.gz`), gzipSync(text, { level: 9 }));
  return name;
}

// What is shipped to browsers, with the text that its licence asks to be kept.
function licenceList() {
  const { dependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
  return Object.keys(dependencies).map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    return { name, version, license, text: file ? readFileSync(join(folder, file), "utf8") : "" };
  });
}

await main();
