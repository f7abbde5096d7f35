// Holds the double of host.mjs to the cases that the real host is held to: the program of
// every.ts, compiled as EVERY names it, must do in both what fixtures.json says.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "../pointsman/host.mjs";
import { document } from "../pointsman/json.mjs";

const plugin = await load(readFileSync(process.env.EVERY), "every");
const cases = document.parse(readFileSync(new URL("../../testdata/conformance/fixtures.json", import.meta.url), "utf8"));

for (const c of cases.elements) {
  const plain = JSON.parse(c.raw);
  const entry = plain.entry ?? "decide";
  const input = { ...plain };
  for (const name of ["request", "context", "config", "call", "response"]) if (c.get(name)) input[name] = c.get(name);
  test(`${entry}: ${plain.name}`, () => {
    let got = plugin[entry](input);
    if (entry === "configure") got = { message: got === undefined ? undefined : "config: " + got };
    for (const [name, want] of Object.entries(plain.want)) {
      if (name === "headers") for (const [header, value] of Object.entries(want)) assert.equal(got.headers[header], value);
      else assert.deepEqual(got[name] ?? {}, want, `${name} of ${plain.name}`);
    }
    if (entry === "configure" && !("message" in plain.want)) assert.equal(got.message, undefined);
  });
}
