#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use crate::host;
use crate::node::Node;

/// Appends text to the output as it stands. It is for syntax and the plugin's own constants;
/// text that came from outside goes through [`emit_node`], [`emit_string`] or [`emit_text`],
/// which escape.
pub fn emit(text: &str) {
    host::emit(text)
}

/// Appends the node's JSON exactly as it came; nothing for an absent node.
pub fn emit_node(node: Node) {
    host::emit_node(node.0)
}

/// Appends an object's members as they came, without the braces, leaving out those named. A
/// comma goes before the first where one is needed, so the plugin's own members come first:
///
/// ```
/// # use pointsman::*;
/// # let got = testing::Call::new().request(r#"{"model":"x","seed":1}"#).outcome(testing::Entry::Request, || {
/// emit(r#"{"model":"m""#);
/// emit_members(request(), &["model"]);
/// emit("}");
/// # Ok(()) });
/// # assert_eq!(got.output, r#"{"model":"m","seed":1}"#);
/// ```
///
/// A name that holds a newline cannot be left out. Without the feature `alloc` the names have
/// room for 1 KiB together; more are a panic.
pub fn emit_members(node: Node, except: &[&str]) {
    let mut short = [0; 1024];
    let size: usize = except.iter().map(|name| name.len() + 1).sum();
    #[cfg(feature = "alloc")]
    if size > short.len() {
        return host::emit_members(node.0, &except.join("\n").into_bytes());
    }
    let mut at = 0;
    for name in except {
        short[at..at + name.len()].copy_from_slice(name.as_bytes());
        short[at + name.len()] = b'\n';
        at += name.len() + 1;
    }
    host::emit_members(node.0, &short[..size.saturating_sub(1)])
}

/// Appends the name of an object's i-th member as a JSON string.
pub fn emit_key(node: Node, i: usize) {
    host::emit_key(node.0, i as i32)
}

/// Appends text as a JSON string, quotes and escapes included.
pub fn emit_string(text: &str) {
    host::emit_string(text)
}

/// Appends a number.
pub fn emit_int(value: i64) {
    host::emit_int(value)
}

/// Appends a string node's content, escaped but without quotes, to join several into one.
pub fn emit_inner(node: Node) {
    host::emit_inner(node.0)
}

/// Appends text, escaped but without quotes: the counterpart of [`emit_inner`] for the
/// plugin's own text.
pub fn emit_text(text: &str) {
    host::emit_text(text)
}

/// Appends the node's JSON as a JSON string, as tool arguments are written.
pub fn emit_quoted(node: Node) {
    host::emit_quoted(node.0)
}

/// Ends a chunk of a stream: what was emitted since the last flush goes to the client as one.
/// Only in [`Adapter::event`](crate::Adapter::event); what is left when it returns is flushed then.
pub fn flush() {
    host::flush()
}

/// What [`save_state`] kept last for this response, empty before.
#[cfg(feature = "alloc")]
pub fn load_state() -> Vec<u8> {
    crate::node::read_bytes(host::state_load)
}

/// What [`save_state`] kept last, in the caller's buffer; `None` when it does not fit.
pub fn read_state(buf: &mut [u8]) -> Option<&[u8]> {
    let size = host::state_load(buf).max(0) as usize;
    buf.get(..size)
}

/// Keeps up to [`MAX_STATE`](crate::abi::MAX_STATE) bytes for the next event of the same response.
pub fn save_state(state: &[u8]) {
    host::state_save(state)
}
