// Answers the boundary's functions in Node.js, so that a plugin runs under node --test:
//
//     const plugin = await load(readFileSync("plugin.wasm"));
//     plugin.decide({ context: { request: { text: "hello" } } }).targets
//
// It is a double, not the host: there is no fuel, no bound on calls, sizes or memory, no check of
// paths and headers, and texts are not cut. `pointsman plugin test` runs the same plugin in the real one.
import { document } from "./json.mjs";

/**
 * Compiles a plugin. `name` is the manifest's, a seed of random. The result has a function for each entry point:
 * decide, configure, request, response, event and error. Each takes the documents of a call,
 * {request, context, config, call, response}, as values or as what `document` of json.mjs returned, and
 * {event, status, fields, state, request_id, now_ms}; each runs in an instance of its own.
 */
export async function load(bytes, name = "plugin") {
  const module = await WebAssembly.compile(bytes);
  const run = (entry, input) => new Call(entry, input, name).run(module);
  return {
    decide(input = {}) {
      const c = run("pm_decide_v1", input);
      if (c.result === 2) return { verdict: "reject", status: c.failure?.code, message: c.failure?.message };
      if (c.result !== 0 && c.result !== 1) throw new Error(`pm_decide_v1 returned ${c.result}`);
      return { verdict: c.result === 0 ? "decided" : "abstain", targets: c.targets, reason: c.why, tags: c.tags, params: c.params };
    },
    /** Returns the message of a refused config, or undefined. */
    configure(input = {}) {
      const c = run("pm_configure_v1", input);
      return c.result < 0 ? (c.failure?.message ?? "") : undefined;
    },
    request: (input = {}) => {
      const c = run("pm_request_v1", input);
      return { ...c.outcome(), method: c.method, path: c.path, headers: c.headers, body: c.out && JSON.parse(c.out) };
    },
    response: (input = {}) => answer(run("pm_response_v1", input)),
    event: (input = {}) => {
      const c = run("pm_event_v1", input);
      c.flush();
      return { ...c.outcome(), chunks: c.chunks.map((chunk) => JSON.parse(chunk)), state: c.state };
    },
    error: (input = {}) => answer(run("pm_error_v1", { status: 500, ...input })),
  };
}

const answer = (c) => ({ ...c.outcome(), body: c.out && JSON.parse(c.out) });

const classes = [undefined, "invalid", "auth", "not_found", "rate_limited", "quota", "overloaded", "server", "context_length", "content_filter"];
const word = "[\\p{L}\\p{M}\\p{N}_]";
const mask = (1n << 64n) - 1n;

/** One call of an entry point, with what it did. */
class Call {
  result = 0;
  out = "";
  chunks = [];
  targets = [];
  why = "";
  tags = {};
  params = {};
  lossy = [];
  logs = [];
  headers = {};
  method = "POST";
  path = "";
  nodes = [null]; // by handle

  constructor(entry, input, name) {
    this.entry = entry;
    this.input = input;
    this.state = Buffer.from(input.state ?? "");
    const attempt = Buffer.alloc(8);
    attempt[0] = entry === "pm_decide_v1" ? 0 : 1;
    this.seed = fnv(Buffer.concat([Buffer.from(input.request_id ?? "fixture"), Buffer.from([0xff]), attempt, Buffer.from(name)]));
    const documents = [null, "request", "context", "config", "response", "call"];
    this.documents = documents.map((d) => (d && !(d === "request" && entry === "pm_event_v1") ? document(input[d]) : undefined));
  }

  run(module) {
    const abort = (message, file, line) => {
      throw new Error(`abort: ${message ? this.utf16(message) : ""} (line ${line})`);
    };
    const instance = new WebAssembly.Instance(module, { pointsman_v1: this.imports(), env: { abort } });
    this.memory = instance.exports.memory;
    instance.exports._initialize?.();
    if (instance.exports[this.entry]) this.result = instance.exports[this.entry]();
    else if (this.entry !== "pm_configure_v1") throw new Error(`the plugin does not export ${this.entry}`);
    return this;
  }

  /** What a provider's entry points have in common. */
  outcome() {
    const failed = this.result < 0 || this.class !== undefined || this.entry === "pm_error_v1";
    return {
      failed, lossy: this.lossy, logs: this.logs, class: this.class, retry_after_ms: this.retryAfter,
      status: this.failure?.code, message: this.failure?.message,
    };
  }

  view(at, size) {
    return Buffer.from(this.memory.buffer, at >>> 0, size >>> 0);
  }

  utf16(at) {
    const size = Buffer.from(this.memory.buffer).readUInt32LE(at - 4);
    return this.view(at, size).toString("utf16le");
  }

  node(handle) {
    return this.nodes[handle] ?? undefined;
  }

  handle(node) {
    return node ? this.nodes.push(node) - 1 : 0;
  }

  flush() {
    if (this.entry === "pm_event_v1" && this.out) this.chunks.push(this.out);
    if (this.entry === "pm_event_v1") this.out = "";
  }

  /** The functions of the import module, in the order of imports.ts. */
  imports() {
    const text = (at, size) => this.view(at, size).toString();
    const fill = (bytes, at, capacity) => {
      if (bytes.length <= capacity) this.view(at, bytes.length).set(bytes);
      return bytes.length;
    };
    const string = (handle) => (this.node(handle)?.kind === 4 ? this.node(handle) : undefined);
    const member = (handle, i) => (this.node(handle)?.kind === 6 ? this.node(handle).members[i] : undefined);
    return {
      doc: (which) => this.handle(this.documents[which]),
      parse: (n) => {
        try {
          return string(n) ? this.handle(document.parse(string(n).text)) : 0;
        } catch {
          return 0;
        }
      },
      find: (n, at, size) => (string(n) ? Buffer.from(string(n).text).indexOf(this.view(at, size)) : -1),
      slice: (n, from, to) => this.handle(string(n)?.slice(from, to)),
      pointer: (n, at, size) => this.handle(this.node(n)?.pointer(text(at, size))),
      get: (n, at, size) => this.handle(this.node(n)?.get(text(at, size))),
      at: (n, i) => this.handle(this.node(n)?.at(i)),
      key: (n, i, at, capacity) => fill(Buffer.from(member(n, i)?.name.text ?? ""), at, capacity),
      size: (n) => this.node(n)?.size() ?? 0,
      kind: (n) => this.node(n)?.kind ?? 0,
      bool: (n) => (this.node(n)?.raw === "true" ? 1 : 0),
      int: (n) => this.node(n)?.int() ?? 0n,
      num: (n) => (this.node(n)?.kind === 3 ? Number(this.node(n).raw) : 0),
      text: (n, at, capacity) => fill(Buffer.from(string(n)?.text ?? ""), at, capacity),
      raw: (n, at, capacity) => fill(Buffer.from(this.node(n)?.raw ?? ""), at, capacity),
      equal: (n, at, size) => (string(n)?.text === text(at, size) ? 1 : 0),
      mentions: (n, at, size) => (string(n) && mentions(string(n).text, text(at, size)) ? 1 : 0),

      emit: (at, size) => void (this.out += text(at, size)),
      emit_node: (n) => void (this.out += this.node(n)?.raw ?? ""),
      emit_members: (n, at, size) => {
        const except = text(at, size).split("\n");
        if (this.node(n)?.kind !== 6) return;
        for (const m of this.node(n).members) {
          if (except.includes(m.name.text)) continue;
          if (/[^{[,:\s]\s*$/.test(this.out)) this.out += ",";
          this.out += m.raw;
        }
      },
      emit_key: (n, i) => void (this.out += member(n, i)?.name.raw ?? ""),
      emit_string: (at, size) => void (this.out += JSON.stringify(text(at, size))),
      emit_int: (v) => void (this.out += v),
      emit_inner: (n) => void (this.out += string(n)?.raw.slice(1, -1) ?? ""),
      emit_text: (at, size) => void (this.out += JSON.stringify(text(at, size)).slice(1, -1)),
      emit_quoted: (n) => void (this.out += JSON.stringify(this.node(n)?.raw ?? "")),
      flush: () => this.flush(),
      state_load: (at, capacity) => fill(this.state, at, capacity),
      state_save: (at, size) => void (this.state = Buffer.from(this.view(at, size))),

      http_method: (at, size) => void (this.method = text(at, size)),
      http_path: (at, size) => void (this.path = text(at, size)),
      http_header: (at, size, valueAt, valueSize) => void (this.headers[text(at, size)] = text(valueAt, valueSize)),
      event_name: (at, capacity) => fill(Buffer.from(this.input.event ?? ""), at, capacity),
      http_status: () => this.input.status ?? 200,
      http_field: (at, size, valueAt, capacity) => {
        const name = text(at, size).toLowerCase();
        const found = Object.entries(this.input.fields ?? {}).find(([key]) => key.toLowerCase() === name);
        return fill(Buffer.from(found?.[1] ?? ""), valueAt, capacity);
      },

      target: (at, size) => void (size && this.targets.push(text(at, size))),
      target_node: (n) => void (string(n)?.text && this.targets.push(string(n).text)),
      reason: (at, size) => void (this.why = text(at, size)),
      tag: (at, size, valueAt, valueSize) => void (this.tags[text(at, size)] = text(valueAt, valueSize)),
      param: (at, size, valueAt, valueSize) => void (this.params[text(at, size)] = text(valueAt, valueSize)),
      hash: (n) => (this.node(n) ? mix(fnv(Buffer.concat([Buffer.from([this.node(n).kind]), Buffer.from(this.node(n).text ?? this.node(n).raw)]))) : 0n),

      lossy: (at, size) => void (this.lossy.includes(text(at, size)) || this.lossy.push(text(at, size))),
      classify: (cls, after) => {
        this.class = classes[cls];
        this.retryAfter = Number(after);
      },
      fail: (code, at, size) => void (this.failure = { code, message: text(at, size) }),
      log: (level, at, size) => void this.logs.push({ level, text: text(at, size) }),
      now_ms: () => BigInt(this.input.now_ms ?? 1_750_000_000_000),
      random: () => {
        this.seed = (this.seed + 0x9e3779b97f4a7c15n) & mask;
        return mix(this.seed);
      },
    };
  }
}

/** Whether the phrase stands in the text as whole words, in any case (simple case folding, as /iu does). */
function mentions(text, phrase) {
  const words = phrase.trim().split(/\s+/).map((w) => w.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return words[0] !== "" && new RegExp(`(?<!${word})${words.join("\\s+")}(?!${word})`, "iu").test(text);
}

/** FNV-1a, 64 bits. */
function fnv(bytes) {
  let h = 14695981039346656037n;
  for (const b of bytes) h = ((h ^ BigInt(b)) * 1099511628211n) & mask;
  return h;
}

/** The output function of SplitMix64, as a signed number. */
function mix(z) {
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  return BigInt.asIntN(64, z ^ (z >> 31n));
}
