import { Verdict, context, reason, target } from "./pointsman";

/** Sends refactoring to a coding model and leaves the rest to the next rule. */
export function pm_decide_v1(): i32 {
  if (!context().pointer("/request/text").mentions("refactor")) return Verdict.Abstain;
  target("gpt-5.1-codex");
  reason("asks for refactoring");
  return Verdict.Decided;
}
