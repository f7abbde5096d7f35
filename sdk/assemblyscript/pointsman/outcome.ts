import { Result } from "./abi";
import * as host from "./imports";
import { address, encode } from "./scratch";

/**
 * Says why the call has no answer, so that an entry point can end with it:
 *
 *     return fail(400, "the model takes no audio");
 *
 * code is an HTTP status or 0. message is shown to the caller and must hold nothing secret.
 */
export function fail(code: i32, message: string): i32 {
  const size = encode(message);
  host.fail(code, address(), size);
  return Result.Failed;
}

/** Writes one line to the plugin's log, at one of `Level`. Never log what a user wrote. */
export function log(level: i32, line: string): void {
  const size = encode(line);
  host.log(level, address(), size);
}

/** The time of the request in milliseconds since 1970 UTC, the same in every call of one request. */
export function nowMS(): i64 { return host.now_ms(); }

/**
 * The next number of a sequence seeded by the request, the attempt and the plugin: the
 * same request gets the same numbers. All 64 bits are used. Not for secrets.
 */
export function random(): i64 { return host.random(); }
