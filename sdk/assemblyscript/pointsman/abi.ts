/** The boundary's version, the "abi" member of a manifest. */
export const ABI: i32 = 1;

/** The event name of the last `pm_event_v1` call of a stream. */
export const EVENT_EOF: string = "eof";

/** The code of `fail` for an operation that the provider does not have. */
export const CODE_UNSUPPORTED: i32 = 501;

/** Results of `pm_decide_v1`; any negative value means that the plugin is broken. */
export namespace Verdict {
  /** The ranking stands; without a `target` it is the rule's own. */
  export const Decided: i32 = 0;
  /** The next rule goes on. */
  export const Abstain: i32 = 1;
  /** The request is refused; only through `reject`. */
  export const Rejected: i32 = 2;
}

/** Results of the other entry points. */
export namespace Result {
  /** The call has its answer. */
  export const OK: i32 = 0;
  /** It has none; only through `fail`. */
  export const Failed: i32 = -1;
}

/** Kinds of a `Node`. */
export namespace Kind {
  /** What every unknown handle answers. */
  export const Absent: i32 = 0;
  /** The value null. */
  export const Null: i32 = 1;
  /** true or false. */
  export const Bool: i32 = 2;
  /** A number. */
  export const Number: i32 = 3;
  /** A string. */
  export const String: i32 = 4;
  /** An array. */
  export const Array: i32 = 5;
  /** An object. */
  export const Object: i32 = 6;
}

/** What kind of failure a provider reported, the argument of `classify`. */
export namespace Class {
  /** The request is wrong, and would be everywhere. */
  export const Invalid: i32 = 1;
  /** The credential was refused. */
  export const Auth: i32 = 2;
  /** The provider has no such model. */
  export const NotFound: i32 = 3;
  /** Too many requests or tokens for now. */
  export const RateLimited: i32 = 4;
  /** The account has nothing left. */
  export const Quota: i32 = 5;
  /** The provider has too much to do. */
  export const Overloaded: i32 = 6;
  /** The provider broke. */
  export const Server: i32 = 7;
  /** The request is longer than the model takes. */
  export const ContextLength: i32 = 8;
  /** The content was refused, and would be everywhere. */
  export const ContentFilter: i32 = 9;
}

/** Levels of `log`. */
export namespace Level {
  /** For whoever looks for a fault. */
  export const Debug: i32 = 0;
  /** Worth knowing. */
  export const Info: i32 = 1;
  /** Odd, and handled. */
  export const Warn: i32 = 2;
  /** Wrong. */
  export const Error: i32 = 3;
}

/** Limits of one call, in bytes unless they say otherwise. */
export namespace Limit {
  /** Of `reason`; the rest is cut off. */
  export const Reason: i32 = 256;
  /** Of the message of `fail` and `reject`; the rest is cut off. */
  export const Message: i32 = 1024;
  /** Of a line of `log`; the rest is cut off. */
  export const LogLine: i32 = 1024;
  /** Lines of `log` in a call; those after are dropped. */
  export const LogLines: i32 = 16;
  /** Of `saveState`; more ends the call. */
  export const State: i32 = 16384;
  /** Models of `target` in a call; more ends the call. */
  export const Targets: i32 = 64;
  /** Labels of `tag` in a call; more ends the call. */
  export const Tags: i32 = 32;
}
