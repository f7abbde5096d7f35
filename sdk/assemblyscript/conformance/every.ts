// The program of sdk/testdata/every in AssemblyScript: it calls every function of the
// boundary and reports what it was told.
import {
  Class, Level, Result, Verdict, call, classify, config, context, emit, emitInner, emitInt, emitKey, emitMembers, emitNode,
  emitQuoted, emitString, emitText, eventName, fail, field, flush, loadState, log, lossy, nowMS, param, random, reason, reject,
  request, response, saveState, setHeader, setMethod, setPath, status, tag, target, targetNode,
} from "../pointsman";

function number(value: i64): void {
  emitInt(value);
  emit(",");
}

function text(value: string): void {
  emitString(value);
  emit(",");
}

export function pm_request_v1(): i32 {
  const r = request();
  setMethod("PUT");
  setPath("/every?x=1");
  setHeader("x-every", "yes");
  lossy("top_p");

  emit('{"whole":');
  emitNode(r);
  emitMembers(r, "object\nlist\nlong");
  emitMembers(r.get("object"), "none of them");
  emitMembers(r.get("empty"));
  emit(',"nodes":[');
  emitNode(config().get("c"));
  emit(",");
  emitNode(context().get("x"));
  emit(",");
  emitNode(call().get("k"));
  emit(",");
  emitNode(r.pointer("/list/-1"));
  emit(",");
  emitNode(r.get("list").at(1));
  emit(",");
  emitNode(r.get("json").parse().get("in"));
  emit(',"');
  emitInner(r.get("text"));
  emitText('"<guest>\n');
  emitInner(r.get("text").slice(2, 5));
  emit('",');
  emitQuoted(r.get("list"));
  emit(",{");
  emitKey(r, 1);
  emit(':0}],"numbers":[');

  number(r.length);
  number(r.get("text").length);
  number(r.get("list").length);
  number(r.get("absent").length);
  number(r.get("absent").kind);
  number(r.get("null").kind);
  number(r.get("yes").kind);
  number(r.get("big").kind);
  number(r.get("text").kind);
  number(r.get("list").kind);
  number(r.kind);
  number(r.get("big").int());
  number(r.get("float").int());
  number(<i64>(r.get("float").float() * 4));
  number(r.get("text").find("zwei"));
  number(r.get("text").find("drei"));
  number(i64(r.get("yes").bool()));
  number(i64(r.get("null").bool()));
  number(i64(r.get("null").exists));
  number(i64(r.get("absent").exists));
  number(i64(r.get("text").equals("ein zwei")));
  number(i64(r.get("text").equals("ein")));
  number(i64(r.get("text").mentions("ZWEI")));
  number(i64(r.get("text").mentions("zw")));
  number(nowMS());
  number(i64(r.hash() == r.hash()));
  number(i64(r.hash() != r.get("text").hash()));
  number(i64(random() != random()));

  emit('0],"texts":[');
  text(r.get("text").text());
  text(r.get("list").raw());
  text(r.key(0));
  text(r.key(99));
  text(r.get("big").text());
  text("<" + r.get("text").text());
  text(r.get("text").slice(0, 1 << 30).text());
  const long = r.get("long");
  emitInt(long.text().length + long.raw().length + long.slice(0, long.length).text().length);
  emit("]}");
  log(Level.Info, "every function was called");
  return Result.OK;
}

export function pm_response_v1(): i32 {
  emit('{"status":');
  emitInt(status());
  emit(',"fields":[');
  text(field("X-One"));
  text(field("x-none"));
  emitInt(field("x-long").length);
  emit('],"body":');
  emitNode(response());
  emit("}");
  classify(Class.Overloaded, 1500);
  return Result.OK;
}

export function pm_event_v1(): i32 {
  emitString(eventName());
  flush();
  const state = loadState();
  emitString(state);
  saveState(state + eventName());
  return Result.OK;
}

export function pm_error_v1(): i32 { return fail(418, "no coffee"); }

export function pm_decide_v1(): i32 {
  const asked = context().pointer("/request/text");
  if (asked.equals("reject")) return reject(451, "not here");
  if (asked.equals("abstain")) return Verdict.Abstain;
  target("first");
  targetNode(context().pointer("/models/0/id"));
  reason("because");
  tag("colour", "red");
  param("max_tokens", "5");
  return Verdict.Decided;
}

export function pm_configure_v1(): i32 {
  return config().get("bad").exists ? fail(400, "bad is bad") : Result.OK;
}
