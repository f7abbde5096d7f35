import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "../../../sdk/assemblyscript/pointsman/host.mjs";

const plugin = await load(readFileSync("plugin.wasm"), "assemblyscript-language-budget");
const config = {
  languages: [
    { code: "de", words: ["und", "nicht", "können Sie"], model: "german" },
    { code: "fr", words: ["et", "est", "n'est pas"], model: "french" },
  ],
  frugal_below: 0.1,
  frugal_model: "cheap",
};

function decide(text, left) {
  return plugin.decide({ context: { request: { text }, budget: { left_fraction: left } }, config });
}

test("the language with the most words", () => {
  const got = decide("und: il est ici et là", 1);
  assert.deepEqual(got.targets, ["french"]);
  assert.deepEqual(got.tags, { language: "fr" });
  assert.equal(got.reason, "language fr");
});

test("a tie is the first one's", () => assert.deepEqual(decide("et und", 1).targets, ["german"]));

test("a phrase over a line break", () => assert.deepEqual(decide("KÖNNEN\nSie helfen?", 1).targets, ["german"]));

test("little budget", () => {
  const got = decide("c'est ça, est-ce que", 0.05);
  assert.deepEqual(got.targets, ["cheap"]);
  assert.equal(got.reason, "language fr, budget nearly spent");
});

test("no language", () => assert.equal(decide("hello", 1).verdict, "abstain"));
