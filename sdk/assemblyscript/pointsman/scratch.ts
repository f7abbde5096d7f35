// Strings are UTF-16 in AssemblyScript and UTF-8 on the boundary. One buffer serves all
// conversions: an entry point runs alone, and the host keeps no address.

let buffer: usize = heap.alloc(4096);
let capacity: i32 = 4096;

/** The buffer's address. It may change with `reserve`. */
export function address(): usize { return buffer; }

/** The buffer's size in bytes. */
export function room(): i32 { return capacity; }

/** Makes the buffer at least that large. What was in it is lost when it grows. */
export function reserve(size: i32): void {
  if (size <= capacity) return;
  heap.free(buffer);
  capacity = size > 2 * capacity ? size : 2 * capacity;
  buffer = heap.alloc(capacity);
}

/**
 * Puts the text into the buffer as UTF-8 and returns its length in bytes. Half of a
 * surrogate pair becomes U+FFFD.
 */
export function encode(text: string): i32 {
  reserve(3 * text.length);
  return put(text, 0);
}

/** Puts two texts into the buffer, one behind the other, and returns the first one's length. */
export function encodeFirst(first: string, second: string): i32 {
  reserve(3 * (first.length + second.length));
  return put(first, 0);
}

/** Puts the text `at` bytes into the buffer, which has room for it, and returns its length. */
export function put(text: string, at: i32): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, buffer + at, false, String.UTF8.ErrorMode.REPLACE);
}

/** A string of the buffer's first bytes. */
export function decode(size: i32): string {
  return size > 0 ? String.UTF8.decodeUnsafe(buffer, size) : "";
}
