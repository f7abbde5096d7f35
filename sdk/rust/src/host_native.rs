//! The host's functions outside wasm, in the form of `host_wasm`: they answer from the call
//! that a test has begun on this thread.

use crate::native_call::{current, Given};

fn fill(buf: &mut [u8], text: &[u8]) -> i32 {
    if let Some(part) = buf.get_mut(..text.len()) {
        part.copy_from_slice(text);
    }
    text.len() as i32
}

pub fn doc(which: i32) -> i32 {
    current(|c| c.doc(which))
}
pub fn parse(node: i32) -> i32 {
    current(|c| c.parse(node))
}
pub fn find(node: i32, text: &str) -> i32 {
    current(|c| c.string(node).and_then(|s| s.text.find(text)).map_or(-1, |i| i as i32))
}
pub fn slice(node: i32, from: i32, to: i32) -> i32 {
    current(|c| c.slice(node, from, to))
}
pub fn pointer(node: i32, text: &str) -> i32 {
    current(|c| c.derive(node, |v| v.pointer(text)))
}
pub fn get(node: i32, name: &str) -> i32 {
    current(|c| c.derive(node, |v| v.get(name)))
}
pub fn at(node: i32, i: i32) -> i32 {
    current(|c| c.derive(node, |v| v.items.get(usize::try_from(i).ok()?).cloned()))
}
pub fn key(node: i32, i: i32, buf: &mut [u8]) -> i32 {
    current(|c| c.name(node, i).map_or(0, |name| fill(buf, name.text.as_bytes())))
}
pub fn size(node: i32) -> i32 {
    current(|c| c.value(node).map_or(0, |v| v.items.len().max(v.text.len()) as i32))
}
pub fn kind(node: i32) -> i32 {
    current(|c| c.value(node).map_or(0, |v| v.kind as i32))
}
pub fn bool(node: i32) -> i32 {
    current(|c| c.value(node).map_or(0, |v| i32::from(v.raw == "true")))
}
pub fn int(node: i32) -> i64 {
    current(|c| c.value(node).map_or(0, |v| v.int()))
}
pub fn num(node: i32) -> f64 {
    current(|c| c.value(node).map_or(0.0, |v| v.float()))
}
pub fn text(node: i32, buf: &mut [u8]) -> i32 {
    current(|c| c.string(node).map_or(0, |v| fill(buf, v.text.as_bytes())))
}
pub fn raw(node: i32, buf: &mut [u8]) -> i32 {
    current(|c| c.value(node).map_or(0, |v| fill(buf, v.raw.as_bytes())))
}
pub fn equal(node: i32, text: &str) -> i32 {
    current(|c| c.string(node).map_or(0, |v| i32::from(v.text == text)))
}
pub fn mentions(node: i32, phrase: &[u8]) -> i32 {
    let phrase = std::string::String::from_utf8_lossy(phrase);
    current(|c| c.string(node).map_or(0, |v| i32::from(crate::native_text::mentions(&v.text, &phrase))))
}
pub fn emit(text: &str) {
    current(|c| c.out.push_str(text))
}
pub fn emit_node(node: i32) {
    current(|c| c.emit(node, |v| v.raw.clone()))
}
pub fn emit_members(node: i32, except: &[u8]) {
    current(|c| c.emit_members(node, except))
}
pub fn emit_key(node: i32, i: i32) {
    current(|c| {
        if let Some(name) = c.name(node, i) {
            c.out.push_str(&name.raw)
        }
    })
}
pub fn emit_string(text: &str) {
    current(|c| c.out.push_str(&std::format!("\"{}\"", crate::native_text::escape(text))))
}
pub fn emit_int(value: i64) {
    current(|c| c.out.push_str(&std::format!("{}", value)))
}
pub fn emit_inner(node: i32) {
    current(|c| {
        if let Some(v) = c.string(node) {
            c.out.push_str(&v.raw[1..v.raw.len() - 1])
        }
    })
}
pub fn emit_text(text: &str) {
    current(|c| c.out.push_str(&crate::native_text::escape(text)))
}
pub fn emit_quoted(node: i32) {
    let raw = current(|c| c.value(node).map(|v| v.raw.clone()));
    emit_string(&raw.unwrap_or_default())
}
pub fn flush() {
    current(Given::flush)
}
pub fn state_load(buf: &mut [u8]) -> i32 {
    current(|c| fill(buf, &c.answer.state))
}
pub fn state_save(state: &[u8]) {
    current(|c| c.answer.state = state.into())
}
pub fn http_method(method: &str) {
    current(|c| c.answer.method = method.into())
}
pub fn http_path(path: &str) {
    current(|c| c.answer.path = path.into())
}
pub fn http_header(name: &str, value: &str) {
    current(|c| Given::set(&mut c.answer.headers, name, value))
}
pub fn event_name(buf: &mut [u8]) -> i32 {
    current(|c| fill(buf, c.event.as_bytes()))
}
pub fn http_status() -> i32 {
    current(|c| c.status)
}
pub fn http_field(name: &str, buf: &mut [u8]) -> i32 {
    current(|c| {
        c.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or(0, |(_, value)| fill(buf, value.as_bytes()))
    })
}
pub fn target(id: &str) {
    current(|c| c.target(id))
}
pub fn target_node(node: i32) {
    current(|c| {
        if let Some(v) = c.string(node) {
            c.target(&v.text)
        }
    })
}
pub fn reason(text: &str) {
    current(|c| c.answer.reason = Given::cut(text, crate::abi::MAX_REASON))
}
pub fn tag(key: &str, value: &str) {
    current(|c| Given::set(&mut c.answer.tags, key, value))
}
pub fn param(key: &str, value: &str) {
    current(|c| Given::set(&mut c.answer.params, key, value))
}
pub fn hash(node: i32) -> i64 {
    current(|c| c.hash(node))
}
pub fn lossy(field: &str) {
    current(|c| {
        if !field.is_empty() && !c.answer.lossy.iter().any(|f| f == field) {
            c.answer.lossy.push(field.into())
        }
    })
}
pub fn classify(class: i32, retry_after_ms: i64) {
    current(|c| {
        c.answer.class = class;
        c.answer.retry_after_ms = retry_after_ms.max(0);
    })
}
pub fn fail(code: i32, message: &str) {
    current(|c| c.answer.failure = Some((code, Given::cut(message, crate::abi::MAX_MESSAGE))))
}
pub fn log(level: i32, line: &str) {
    current(|c| c.log(level, line))
}
pub fn now_ms() -> i64 {
    current(|c| c.now_ms)
}
pub fn random() -> i64 {
    current(|c| {
        c.random = c.random.wrapping_add(0x9E3779B97F4A7C15);
        crate::native_text::mix(c.random) as i64
    })
}
