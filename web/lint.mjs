// Syntax that the oldest promised browser does not know, found by parsing, not by looking.
import { parse } from "acorn";

/** Faults of a script: anything above ECMAScript 2019. */
export function lintScript(name, text) {
  try {
    parse(text, { ecmaVersion: 2019, sourceType: "script" });
    return [];
  } catch (error) {
    return [`${name}: not ECMAScript 2019: ${error.message}`];
  }
}

// Features of style sheets newer than Chromium 78, each with its first version.
const TOO_NEW = [
  [/:has\(/, ":has() (Chrome 105)"],
  [/:(is|where)\(/, ":is()/:where() (Chrome 88)"],
  [/@layer\b/, "@layer (Chrome 99)"],
  [/@container\b/, "@container (Chrome 105)"],
  [/\b(color-mix|light-dark|oklch|oklab)\(/, "new colour function (Chrome 111)"],
  [/\b(inset|aspect-ratio)\s*:/, "inset or aspect-ratio (Chrome 87)"],
  [/\b(min|max|clamp)\(/, "min()/max()/clamp() (Chrome 79)"],
];

/** Faults of a style sheet; flex `gap` is asked for only where no `grid-gap` stands beside it. */
export function lintCss(name, text) {
  const faults = TOO_NEW.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${name}: ${what}`);
  for (const [block] of text.matchAll(/\{[^{}]*\}/g)) {
    if (/[;{]gap\s*:/.test(block) && /display\s*:\s*(inline-)?flex/.test(block)) {
      faults.push(`${name}: flex gap (Chrome 84): ${block.slice(0, 80)}`);
    }
  }
  return faults;
}
