// The boundary: the functions of the import module "pointsman_v1", in the order of its
// description. Text is an address and a length, which the host reads during the call; a buffer is an
// address and a capacity, and the host writes nothing when its text is longer.

@external("pointsman_v1", "doc") export declare function doc(which: i32): i32;
@external("pointsman_v1", "parse") export declare function parse(node: i32): i32;
@external("pointsman_v1", "find") export declare function find(node: i32, text: usize, size: i32): i32;
@external("pointsman_v1", "slice") export declare function slice(node: i32, from: i32, to: i32): i32;
@external("pointsman_v1", "pointer") export declare function pointer(node: i32, text: usize, size: i32): i32;
@external("pointsman_v1", "get") export declare function get(node: i32, text: usize, size: i32): i32;
@external("pointsman_v1", "at") export declare function at(node: i32, i: i32): i32;
@external("pointsman_v1", "key") export declare function key(node: i32, i: i32, buffer: usize, capacity: i32): i32;
@external("pointsman_v1", "size") export declare function size(node: i32): i32;
@external("pointsman_v1", "kind") export declare function kind(node: i32): i32;
@external("pointsman_v1", "bool") export declare function bool(node: i32): i32;
@external("pointsman_v1", "int") export declare function int(node: i32): i64;
@external("pointsman_v1", "num") export declare function num(node: i32): f64;
@external("pointsman_v1", "text") export declare function text(node: i32, buffer: usize, capacity: i32): i32;
@external("pointsman_v1", "raw") export declare function raw(node: i32, buffer: usize, capacity: i32): i32;
@external("pointsman_v1", "equal") export declare function equal(node: i32, text: usize, size: i32): i32;
@external("pointsman_v1", "mentions") export declare function mentions(node: i32, text: usize, size: i32): i32;

@external("pointsman_v1", "emit") export declare function emit(text: usize, size: i32): void;
@external("pointsman_v1", "emit_node") export declare function emit_node(node: i32): void;
@external("pointsman_v1", "emit_members") export declare function emit_members(node: i32, text: usize, size: i32): void;
@external("pointsman_v1", "emit_key") export declare function emit_key(node: i32, i: i32): void;
@external("pointsman_v1", "emit_string") export declare function emit_string(text: usize, size: i32): void;
@external("pointsman_v1", "emit_int") export declare function emit_int(value: i64): void;
@external("pointsman_v1", "emit_inner") export declare function emit_inner(node: i32): void;
@external("pointsman_v1", "emit_text") export declare function emit_text(text: usize, size: i32): void;
@external("pointsman_v1", "emit_quoted") export declare function emit_quoted(node: i32): void;
@external("pointsman_v1", "flush") export declare function flush(): void;
@external("pointsman_v1", "state_load") export declare function state_load(buffer: usize, capacity: i32): i32;
@external("pointsman_v1", "state_save") export declare function state_save(text: usize, size: i32): void;

@external("pointsman_v1", "http_method") export declare function http_method(text: usize, size: i32): void;
@external("pointsman_v1", "http_path") export declare function http_path(text: usize, size: i32): void;
@external("pointsman_v1", "http_header") export declare function http_header(name: usize, nameSize: i32, value: usize, valueSize: i32): void;
@external("pointsman_v1", "event_name") export declare function event_name(buffer: usize, capacity: i32): i32;
@external("pointsman_v1", "http_status") export declare function http_status(): i32;
@external("pointsman_v1", "http_field") export declare function http_field(name: usize, nameSize: i32, buffer: usize, capacity: i32): i32;

@external("pointsman_v1", "target") export declare function target(text: usize, size: i32): void;
@external("pointsman_v1", "target_node") export declare function target_node(node: i32): void;
@external("pointsman_v1", "reason") export declare function reason(text: usize, size: i32): void;
@external("pointsman_v1", "tag") export declare function tag(key: usize, keySize: i32, value: usize, valueSize: i32): void;
@external("pointsman_v1", "param") export declare function param(key: usize, keySize: i32, value: usize, valueSize: i32): void;
@external("pointsman_v1", "hash") export declare function hash(node: i32): i64;

@external("pointsman_v1", "lossy") export declare function lossy(text: usize, size: i32): void;
@external("pointsman_v1", "classify") export declare function classify(cls: i32, retryAfterMS: i64): void;
@external("pointsman_v1", "fail") export declare function fail(code: i32, text: usize, size: i32): void;
@external("pointsman_v1", "log") export declare function log(level: i32, text: usize, size: i32): void;
@external("pointsman_v1", "now_ms") export declare function now_ms(): i64;
@external("pointsman_v1", "random") export declare function random(): i64;
