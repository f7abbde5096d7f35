import * as host from "./imports";
import { address, decode, encode, encodeFirst, put, reserve, room } from "./scratch";

/** Sets the method of the provider request: GET, POST, PUT, PATCH or DELETE; POST when unset. */
export function setMethod(method: string): void {
  const size = encode(method);
  host.http_method(address(), size);
}

/**
 * Sets the path of the provider request, relative to the provider's base URL, as
 * "/chat/completions"; it may hold a query. Scheme, host and credential are the host's.
 */
export function setPath(path: string): void {
  const size = encode(path);
  host.http_path(address(), size);
}

/**
 * Adds a header to the provider request. Those that the host sets itself (Host,
 * Content-Length, the credential, hop-by-hop headers) end the call.
 */
export function setHeader(name: string, value: string): void {
  const at = encodeFirst(name, value);
  const size = put(value, at);
  host.http_header(address(), at, address() + at, size);
}

/** The name of the stream event at hand, "" when it has none, `EVENT_EOF` at the end of the stream. */
export function eventName(): string {
  let size = host.event_name(address(), room());
  if (size > room()) {
    reserve(size);
    size = host.event_name(address(), room());
  }
  return decode(size);
}

/** The HTTP status of the provider's answer. */
export function status(): i32 { return host.http_status(); }

/** A header of the provider's answer, by name in any case; "" when absent. */
export function field(name: string): string {
  // The name stands before the buffer, and goes in anew when that has moved.
  reserve(3 * name.length);
  let at = put(name, 0);
  const size = host.http_field(address(), at, address() + at, room() - at);
  if (size > room() - at) {
    reserve(3 * name.length + size);
    at = put(name, 0);
    host.http_field(address(), at, address() + at, room() - at);
  }
  return size > 0 ? String.UTF8.decodeUnsafe(address() + at, size) : "";
}

/** Names a request member that the provider's wire cannot carry, as "logit_bias". */
export function lossy(name: string): void {
  const size = encode(name);
  host.lossy(address(), size);
}

/**
 * Says what kind of failure the provider reported, one of `Class`, and when to try
 * again, in milliseconds; 0 when it did not say. In `pm_response_v1` and `pm_event_v1`
 * it turns the call into a failure.
 */
export function classify(cls: i32, retryAfterMS: i64 = 0): void { host.classify(cls, retryAfterMS); }
