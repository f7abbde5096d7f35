import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "./pointsman/host.mjs";

const plugin = await load(readFileSync("plugin.wasm"));

test("refactoring goes to the coding model", () => {
  const got = plugin.decide({ context: { request: { text: "Please REFACTOR this." } } });
  assert.deepEqual(got, { verdict: "decided", targets: ["gpt-5.1-codex"], reason: "asks for refactoring", tags: {}, params: {} });
});

test("the rest is left to the next rule", () => {
  assert.equal(plugin.decide({ context: { request: { text: "Tell me a story." } } }).verdict, "abstain");
});
