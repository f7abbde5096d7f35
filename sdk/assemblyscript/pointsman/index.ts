/**
 * What a plugin written in AssemblyScript imports. A rule plugin ranks models, a
 * provider plugin translates between the canonical chat form and one vendor's wire.
 *
 * A plugin never parses JSON: the host parses each body once, the plugin walks it
 * through a `Node`, an integer handle, and writes its answer with the emit functions,
 * which splice the host's own bytes. A rule plugin, complete:
 *
 *     import { Verdict, context, reason, target } from "./pointsman";
 *
 *     export function pm_decide_v1(): i32 {
 *       if (!context().pointer("/request/text").mentions("refactor")) return Verdict.Abstain;
 *       target("gpt-5.1-codex");
 *       reason("asks for refactoring");
 *       return Verdict.Decided;
 *     }
 *
 * The entry points are functions that the plugin exports, without parameters and with the result
 * i32. A rule has `pm_decide_v1`. A provider has `pm_request_v1`, `pm_response_v1`,
 * `pm_event_v1` and `pm_error_v1`. Both may have `pm_configure_v1`, which checks a config
 * when it is saved.
 *
 * A call is a pure function of its documents: the host may run any instance for any
 * call, so nothing kept in a variable may be relied on. What has to survive from one
 * event of a stream to the next goes through `saveState`.
 *
 * Read node.ts first (how to look), then output.ts (how to answer), then rule.ts or
 * provider.ts. host.mjs answers the same functions in Node.js, for tests.
 */
export * from "./abi";
export * from "./node";
export * from "./output";
export * from "./rule";
export * from "./provider";
export * from "./outcome";
