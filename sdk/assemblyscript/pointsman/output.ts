import * as host from "./imports";
import { Node } from "./node";
import { address, decode, encode, reserve, room } from "./scratch";

/**
 * Appends text to the output as it stands. It is for syntax and the plugin's own
 * constants; text that came from outside goes through `emitNode`, `emitString` or
 * `emitText`, which escape.
 */
export function emit(text: string): void {
  const size = encode(text);
  host.emit(address(), size);
}

/** Appends the node's JSON exactly as it came; nothing for an absent node. */
export function emitNode(node: Node): void { host.emit_node(changetype<i32>(node)); }

/**
 * Appends an object's members as they came, comma-separated and without the braces,
 * leaving out those named, one name a line; nothing for an empty or absent object. A comma goes
 * before the first where one is needed, so the plugin's own members come first:
 *
 *     emit('{"model":"m"');
 *     emitMembers(body, "model\nstream");
 *     emit("}");
 */
export function emitMembers(node: Node, except: string = ""): void {
  const size = encode(except);
  host.emit_members(changetype<i32>(node), address(), size);
}

/** Appends the name of an object's i-th member as a JSON string. */
export function emitKey(node: Node, i: i32): void { host.emit_key(changetype<i32>(node), i); }

/** Appends text as a JSON string, quotes and escapes included. */
export function emitString(text: string): void {
  const size = encode(text);
  host.emit_string(address(), size);
}

/** Appends a JSON number. */
export function emitInt(value: i64): void { host.emit_int(value); }

/** Appends a string node's content, escaped but without quotes, to join several strings into one. */
export function emitInner(node: Node): void { host.emit_inner(changetype<i32>(node)); }

/** Appends text, escaped but without quotes: the counterpart of `emitInner` for the plugin's own text. */
export function emitText(text: string): void {
  const size = encode(text);
  host.emit_text(address(), size);
}

/** Appends the node's JSON as a JSON string, as tool arguments are written. */
export function emitQuoted(node: Node): void { host.emit_quoted(changetype<i32>(node)); }

/**
 * Ends a chunk of a stream: what was emitted since the last flush goes to the client
 * as one chunk. Only in `pm_event_v1`; what is left when it returns is flushed then.
 */
export function flush(): void { host.flush(); }

/** What `saveState` kept last for this response, "" before. */
export function loadState(): string {
  let size = host.state_load(address(), room());
  if (size > room()) {
    reserve(size);
    size = host.state_load(address(), room());
  }
  return decode(size);
}

/** Keeps text, up to `Limit.State` UTF-8 bytes, for the next event of the same response. */
export function saveState(text: string): void {
  const size = encode(text);
  host.state_save(address(), size);
}
