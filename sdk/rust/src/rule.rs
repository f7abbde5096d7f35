use crate::host;
use crate::node::Node;

/// A rule's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Verdict {
    /// Without a [`target`]: the rule's own target.
    Decided = 0,
    /// The next rule decides.
    Abstain = 1,
    /// Only from [`reject`].
    Rejected = 2,
}

/// Registers the function that decides, `fn() -> Verdict`. Once in a plugin.
#[macro_export]
macro_rules! rule {
    ($decide:path) => {
        #[doc(hidden)]
        #[no_mangle]
        pub extern "C" fn pm_decide_v1() -> i32 {
            $crate::verdict_of($decide)
        }
    };
}

/// Refuses the request with an HTTP status, 400 to 451, and a message for the caller, and
/// returns [`Verdict::Rejected`].
pub fn reject(status: i32, message: &str) -> Verdict {
    host::fail(status, message);
    Verdict::Rejected
}

/// Adds a model to the end of the ranking, best first; at most
/// [`MAX_TARGETS`](crate::abi::MAX_TARGETS). The host drops what the caller may not use.
pub fn target(id: &str) {
    host::target(id)
}

/// Adds the model that a string node names, as the id of a member of the context's `models`.
pub fn target_node(node: Node) {
    host::target_node(node.0)
}

/// Says why, for the decision record; the host cuts it at [`MAX_REASON`](crate::abi::MAX_REASON) bytes.
pub fn reason(text: &str) {
    host::reason(text)
}

/// Keeps a label in the decision record; at most [`MAX_TAGS`](crate::abi::MAX_TAGS).
pub fn tag(key: &str, value: &str) {
    host::tag(key, value)
}

/// Proposes a request parameter, `max_tokens` or `reasoning_effort`. What the caller set wins.
pub fn param(key: &str, value: &str) {
    host::param(key, value)
}
