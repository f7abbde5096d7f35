// JSON documents that keep the text of each value: what the host passes on exactly as it came.

/** Returns a value as a document: one that is a document already, undefined for undefined. */
export function document(value) {
  if (value === undefined || value instanceof Value) return value;
  return document.parse(JSON.stringify(value));
}

/** Parses JSON text as a document. Throws SyntaxError. */
document.parse = (text) => {
  JSON.parse(text);
  return new Reader(text).value();
};

/** A string whose content is that text. */
document.string = (text) => new Value(4, JSON.stringify(text), text);

/** One value: its kind (1 null 2 bool 3 number 4 string 5 array 6 object), its JSON, a string's decoded text. */
class Value {
  members = []; // of an object: {name, value, raw}
  elements = []; // of an array

  constructor(kind, raw, text) {
    this.kind = kind;
    this.raw = raw;
    this.text = text;
  }

  get(name) {
    return this.members.find((m) => m.name.text === name)?.value;
  }

  at(i) {
    return this.kind === 6 ? this.members[i]?.value : this.elements[i];
  }

  size() {
    return { 4: () => Buffer.byteLength(this.text), 5: () => this.elements.length, 6: () => this.members.length }[this.kind]?.() ?? 0;
  }

  int() {
    if (this.kind !== 3) return 0n;
    const n = /^-?\d+$/.test(this.raw) ? BigInt(this.raw) : Math.trunc(Number(this.raw));
    const most = 2n ** 63n - 1n;
    if (n > most) return most;
    return n < -most ? -most - 1n : BigInt(n);
  }

  pointer(path) {
    if (path === "") return this;
    if (path[0] !== "/") return undefined;
    let v = this;
    for (const token of path.slice(1).split("/")) {
      const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
      if (v?.kind !== 5) v = v?.get(name);
      else v = name === "-1" ? v.elements.at(-1) : /^(0|[1-9]\d*)$/.test(name) ? v.elements[name] : undefined;
    }
    return v;
  }

  /** The part of a string between two byte offsets, moved to the beginning of a character. */
  slice(from, to) {
    const bytes = Buffer.from(this.text);
    const edge = (i) => {
      i = Math.min(Math.max(i, 0), bytes.length);
      while (i < bytes.length && (bytes[i] & 0xc0) === 0x80) i--;
      return i;
    };
    return document.string(bytes.subarray(edge(from), Math.max(edge(to), edge(from))).toString());
  }
}

/** Reads text that is known to be valid. */
class Reader {
  at = 0;

  constructor(text) {
    this.source = text;
  }

  /** Takes what the sticky expression matches. */
  take(expression) {
    expression.lastIndex = this.at;
    const found = expression.exec(this.source)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  value() {
    this.take(/\s*/y);
    const start = this.at;
    const c = this.source[start];
    if (c === '"') return this.string();
    if (c !== "{" && c !== "[") {
      const raw = this.take(/[-+.\w]+/y);
      return new Value({ n: 1, t: 2, f: 2 }[c] ?? 3, raw);
    }
    const v = new Value(c === "{" ? 6 : 5, "");
    this.at++;
    while (!this.take(/\s*[\]}]/y)) {
      this.take(/\s*,?\s*/y);
      if (c === "[") {
        v.elements.push(this.value());
        continue;
      }
      const from = this.at;
      const name = this.string();
      this.take(/\s*:/y);
      const value = this.value();
      v.members.push({ name, value, raw: this.source.slice(from, this.at) });
    }
    v.raw = this.source.slice(start, this.at);
    return v;
  }

  string() {
    const raw = this.take(/"(?:[^"\\]|\\.)*"/y);
    return new Value(4, raw, JSON.parse(raw));
  }
}
