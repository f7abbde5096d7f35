//! The host's functions, in the order of the boundary, and the safe form that the crate calls.
//! The host reads and writes only within the lengths that it is given, during the call.

mod import {
    #[link(wasm_import_module = "pointsman_v1")]
    extern "C" {
        pub fn doc(which: i32) -> i32;
        pub fn parse(node: i32) -> i32;
        pub fn find(node: i32, text: *const u8, size: i32) -> i32;
        pub fn slice(node: i32, from: i32, to: i32) -> i32;
        pub fn pointer(node: i32, text: *const u8, size: i32) -> i32;
        pub fn get(node: i32, name: *const u8, size: i32) -> i32;
        pub fn at(node: i32, i: i32) -> i32;
        pub fn key(node: i32, i: i32, buf: *mut u8, cap: i32) -> i32;
        pub fn size(node: i32) -> i32;
        pub fn kind(node: i32) -> i32;
        pub fn bool(node: i32) -> i32;
        pub fn int(node: i32) -> i64;
        pub fn num(node: i32) -> f64;
        pub fn text(node: i32, buf: *mut u8, cap: i32) -> i32;
        pub fn raw(node: i32, buf: *mut u8, cap: i32) -> i32;
        pub fn equal(node: i32, text: *const u8, size: i32) -> i32;
        pub fn mentions(node: i32, phrase: *const u8, size: i32) -> i32;
        pub fn emit(text: *const u8, size: i32);
        pub fn emit_node(node: i32);
        pub fn emit_members(node: i32, except: *const u8, size: i32);
        pub fn emit_key(node: i32, i: i32);
        pub fn emit_string(text: *const u8, size: i32);
        pub fn emit_int(value: i64);
        pub fn emit_inner(node: i32);
        pub fn emit_text(text: *const u8, size: i32);
        pub fn emit_quoted(node: i32);
        pub fn flush();
        pub fn state_load(buf: *mut u8, cap: i32) -> i32;
        pub fn state_save(state: *const u8, size: i32);
        pub fn http_method(method: *const u8, size: i32);
        pub fn http_path(path: *const u8, size: i32);
        pub fn http_header(name: *const u8, name_size: i32, value: *const u8, value_size: i32);
        pub fn event_name(buf: *mut u8, cap: i32) -> i32;
        pub fn http_status() -> i32;
        pub fn http_field(name: *const u8, name_size: i32, buf: *mut u8, cap: i32) -> i32;
        pub fn target(id: *const u8, size: i32);
        pub fn target_node(node: i32);
        pub fn reason(text: *const u8, size: i32);
        pub fn tag(key: *const u8, key_size: i32, value: *const u8, value_size: i32);
        pub fn param(key: *const u8, key_size: i32, value: *const u8, value_size: i32);
        pub fn hash(node: i32) -> i64;
        pub fn lossy(field: *const u8, size: i32);
        pub fn classify(class: i32, retry_after_ms: i64);
        pub fn fail(code: i32, message: *const u8, size: i32);
        pub fn log(level: i32, line: *const u8, size: i32);
        pub fn now_ms() -> i64;
        pub fn random() -> i64;
    }
}

/// safe makes the safe form of imports: `str` and `bytes` are passed as address and length,
/// `buf` as address and capacity.
macro_rules! safe {
    ($($name:ident($($arg:ident: $kind:tt),*) $(-> $result:ty)?;)*) => {$(
        #[inline]
        pub fn $name($($arg: safe!(@type $kind)),*) $(-> $result)? {
            safe!(@call $name [] $($arg: $kind),*)
        }
    )*};
    (@type str) => { &str };
    (@type bytes) => { &[u8] };
    (@type buf) => { &mut [u8] };
    (@type $other:tt) => { $other };
    // SAFETY: address and length are those of one slice, which lives during the call.
    (@call $name:ident [$($done:expr),*]) => { unsafe { import::$name($($done),*) } };
    (@call $name:ident [$($done:expr),*] $arg:ident: str $(, $($rest:tt)*)?) => {
        safe!(@call $name [$($done,)* $arg.as_ptr(), $arg.len() as i32] $($($rest)*)?)
    };
    (@call $name:ident [$($done:expr),*] $arg:ident: bytes $(, $($rest:tt)*)?) => {
        safe!(@call $name [$($done,)* $arg.as_ptr(), $arg.len() as i32] $($($rest)*)?)
    };
    (@call $name:ident [$($done:expr),*] $arg:ident: buf $(, $($rest:tt)*)?) => {
        safe!(@call $name [$($done,)* $arg.as_mut_ptr(), $arg.len() as i32] $($($rest)*)?)
    };
    (@call $name:ident [$($done:expr),*] $arg:ident: $kind:tt $(, $($rest:tt)*)?) => {
        safe!(@call $name [$($done,)* $arg] $($($rest)*)?)
    };
}

safe! {
    doc(which: i32) -> i32;
    parse(node: i32) -> i32;
    find(node: i32, text: str) -> i32;
    slice(node: i32, from: i32, to: i32) -> i32;
    pointer(node: i32, text: str) -> i32;
    get(node: i32, name: str) -> i32;
    at(node: i32, i: i32) -> i32;
    key(node: i32, i: i32, buf: buf) -> i32;
    size(node: i32) -> i32;
    kind(node: i32) -> i32;
    bool(node: i32) -> i32;
    int(node: i32) -> i64;
    num(node: i32) -> f64;
    text(node: i32, buf: buf) -> i32;
    raw(node: i32, buf: buf) -> i32;
    equal(node: i32, text: str) -> i32;
    mentions(node: i32, phrase: bytes) -> i32;
    emit(text: str);
    emit_node(node: i32);
    emit_members(node: i32, except: bytes);
    emit_key(node: i32, i: i32);
    emit_string(text: str);
    emit_int(value: i64);
    emit_inner(node: i32);
    emit_text(text: str);
    emit_quoted(node: i32);
    flush();
    state_load(buf: buf) -> i32;
    state_save(state: bytes);
    http_method(method: str);
    http_path(path: str);
    http_header(name: str, value: str);
    event_name(buf: buf) -> i32;
    http_status() -> i32;
    http_field(name: str, buf: buf) -> i32;
    target(id: str);
    target_node(node: i32);
    reason(text: str);
    tag(key: str, value: str);
    param(key: str, value: str);
    hash(node: i32) -> i64;
    lossy(field: str);
    classify(class: i32, retry_after_ms: i64);
    fail(code: i32, message: str);
    log(level: i32, line: str);
    now_ms() -> i64;
    random() -> i64;
}
