import * as host from "./imports";
import { address, decode, encode, reserve, room } from "./scratch";

/**
 * A handle to one value of a host document. Every method accepts an absent node, and a node
 * that is absent or of another kind answers with the zero value, so a path can be
 * walked without a check on every step. A node is valid until the entry point returns.
 *
 * It is an integer in the shape of an object: it costs no memory and must not be compared with null.
 */
@unmanaged
export class Node {
  /** An absent node. */
  static absent(): Node { return changetype<Node>(0); }

  /** The member of an object. */
  get(name: string): Node {
    const size = encode(name);
    return changetype<Node>(host.get(changetype<i32>(this), address(), size));
  }

  /**
   * The value at a JSON Pointer (RFC 6901), as "/messages/0/role". An index of -1 is the
   * last element; "" is the node itself.
   */
  pointer(path: string): Node {
    const size = encode(path);
    return changetype<Node>(host.pointer(changetype<i32>(this), address(), size));
  }

  /** The i-th element of an array, or value of an object's i-th member, from 0. */
  at(i: i32): Node { return changetype<Node>(host.at(changetype<i32>(this), i)); }

  /** The name of an object's i-th member, "" when there is none. */
  key(i: i32): string {
    let size = host.key(changetype<i32>(this), i, address(), room());
    if (size > room()) {
      reserve(size);
      size = host.key(changetype<i32>(this), i, address(), room());
    }
    return decode(size);
  }

  /** The number of elements, of members, or of UTF-8 bytes of a string; 0 for other kinds. */
  get length(): i32 { return host.size(changetype<i32>(this)); }

  /** The JSON type: one of `Kind`. */
  get kind(): i32 { return host.kind(changetype<i32>(this)); }

  /** Whether there is a value, null included. */
  get exists(): bool { return changetype<i32>(this) != 0 && this.kind != 0; }

  /** A boolean's value, false for other kinds. */
  bool(): bool { return host.bool(changetype<i32>(this)) != 0; }

  /**
   * A number as an integer: exact for one written as 1e3 or 2.0, else cut toward zero and
   * clamped to 64 bits; 0 for other kinds.
   */
  int(): i64 { return host.int(changetype<i32>(this)); }

  /** A number, 0 for other kinds. */
  float(): f64 { return host.num(changetype<i32>(this)); }

  /**
   * A copy of the decoded string, "" for other kinds. Mostly not needed: `equals`,
   * `mentions` and `find` ask the host, `emitNode` and `emitInner` copy inside it.
   */
  text(): string { return decode(this.fill()); }

  /** A copy of the node's JSON text, "" for an absent node. */
  raw(): string {
    let size = host.raw(changetype<i32>(this), address(), room());
    if (size > room()) {
      reserve(size);
      size = host.raw(changetype<i32>(this), address(), room());
    }
    return decode(size);
  }

  /** Whether the node is a string with exactly this text. */
  equals(text: string): bool {
    const size = encode(text);
    return host.equal(changetype<i32>(this), address(), size) != 0;
  }

  /**
   * Whether the string holds the phrase as whole words, in any letter case; a blank in
   * the phrase stands for any run of white space. It is the function that rules call.
   */
  mentions(phrase: string): bool {
    const size = encode(phrase);
    return host.mentions(changetype<i32>(this), address(), size) != 0;
  }

  /** `mentions` with the text of a string node, false for one of another kind. It makes no string. */
  mentionsNode(phrase: Node): bool {
    const size = phrase.fill();
    return size > 0 && host.mentions(changetype<i32>(this), address(), size) != 0;
  }

  /** The byte offset of the first such text in the decoded string, -1 when there is none. */
  find(text: string): i32 {
    const size = encode(text);
    return host.find(changetype<i32>(this), address(), size);
  }

  /**
   * The bytes [from, to) of the decoded string as a string node. Bounds outside are
   * clamped by the host, which also never splits a character.
   */
  slice(from: i32, to: i32): Node { return changetype<Node>(host.slice(changetype<i32>(this), from, to)); }

  /** A string's content as a document of its own, absent when it is not valid JSON. */
  parse(): Node { return changetype<Node>(host.parse(changetype<i32>(this))); }

  /**
   * A hash of the value that stays the same over requests, hosts and releases, to split
   * traffic by it; all 64 bits are used, the sign included.
   */
  hash(): i64 { return host.hash(changetype<i32>(this)); }

  /** Puts the decoded string into the buffer of scratch.ts and returns its length. */
  private fill(): i32 {
    let size = host.text(changetype<i32>(this), address(), room());
    if (size > room()) {
      reserve(size);
      size = host.text(changetype<i32>(this), address(), room());
    }
    return size;
  }
}

/** The canonical Chat Completions body. Absent while a stream event is translated. */
export function request(): Node { return changetype<Node>(host.doc(1)); }

/** What the host knows about the request, its caller, the session, the budget and the models. */
export function context(): Node { return changetype<Node>(host.doc(2)); }

/** The JSON that the rule or the provider carries for this plugin. */
export function config(): Node { return changetype<Node>(host.doc(3)); }

/** The provider's body, or the data of the event at hand; a string when it is not JSON. */
export function response(): Node { return changetype<Node>(host.doc(4)); }

/** What this provider call is: operation, target, headers, attempt. */
export function call(): Node { return changetype<Node>(host.doc(5)); }
