import { Verdict } from "./abi";
import * as host from "./imports";
import { Node } from "./node";
import { address, encode, encodeFirst, put } from "./scratch";

/** Adds a model to the end of the ranking, best first; the host drops what the caller may not use. */
export function target(id: string): void {
  const size = encode(id);
  host.target(address(), size);
}

/** Adds the model that a string node names, as the id of a member of the context's "models". */
export function targetNode(node: Node): void { host.target_node(changetype<i32>(node)); }

/** Says why, for the decision record; the last one counts. */
export function reason(text: string): void {
  const size = encode(text);
  host.reason(address(), size);
}

/** Keeps a label in the decision record. */
export function tag(key: string, value: string): void {
  const at = encodeFirst(key, value);
  const size = put(value, at);
  host.tag(address(), at, address() + at, size);
}

/** Proposes a request parameter: "max_tokens" or "reasoning_effort". What the caller set wins. */
export function param(key: string, value: string): void {
  const at = encodeFirst(key, value);
  const size = put(value, at);
  host.param(address(), at, address() + at, size);
}

/**
 * Refuses the request with an HTTP status, 400 to 451, and a message for the caller:
 *
 *     return reject(403, "not on weekends");
 */
export function reject(status: i32, message: string): i32 {
  const size = encode(message);
  host.fail(status, address(), size);
  return Verdict.Rejected;
}
