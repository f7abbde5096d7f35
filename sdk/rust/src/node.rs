#[cfg(feature = "alloc")]
use alloc::{string::String, vec::Vec};

use crate::abi::{self, Kind};
use crate::host;

/// A handle to one value of a host document. The default is "absent": every method accepts it,
/// and a node that is absent or of another kind answers with the zero value, so a path can be
/// walked without a check on every step. A node is valid until the entry point returns and
/// answers as absent afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node(pub(crate) i32);

/// The canonical Chat Completions body. Absent while a stream event is translated.
pub fn request() -> Node {
    Node(host::doc(abi::DOC_REQUEST))
}

/// What the host knows about the request, its caller, the session, the budget and the models
/// that may be chosen.
pub fn context() -> Node {
    Node(host::doc(abi::DOC_CONTEXT))
}

/// The JSON that the rule or provider carries for this plugin.
pub fn config() -> Node {
    Node(host::doc(abi::DOC_CONFIG))
}

/// The provider's body, or the data of the event at hand. What is not JSON is a string.
pub fn response() -> Node {
    Node(host::doc(abi::DOC_RESPONSE))
}

/// What this provider call is: operation, target, headers, attempt.
pub fn call() -> Node {
    Node(host::doc(abi::DOC_CALL))
}

impl Node {
    /// The member of an object.
    pub fn get(self, name: &str) -> Node {
        Node(host::get(self.0, name))
    }

    /// The value at a JSON Pointer (RFC 6901), as `"/messages/0/role"`. An index of -1 is the
    /// last element; `""` is the node itself.
    pub fn pointer(self, pointer: &str) -> Node {
        Node(host::pointer(self.0, pointer))
    }

    /// The i-th element of an array, or value of an object's i-th member, from 0.
    pub fn at(self, i: usize) -> Node {
        Node(host::at(self.0, i as i32))
    }

    /// The elements of an array, or the values of an object's members, in order.
    pub fn items(self) -> Items {
        Items { node: self, next: 0, len: self.len() }
    }

    /// The number of elements of an array, of members of an object, or of bytes of a decoded
    /// string; 0 for other kinds.
    // A node is no collection: the other kinds have no length to be empty of.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> usize {
        host::size(self.0).max(0) as usize
    }

    /// The JSON type.
    pub fn kind(self) -> Kind {
        match host::kind(self.0) {
            1 => Kind::Null,
            2 => Kind::Bool,
            3 => Kind::Number,
            4 => Kind::String,
            5 => Kind::Array,
            6 => Kind::Object,
            _ => Kind::Absent,
        }
    }

    /// Whether there is a value, null included.
    pub fn exists(self) -> bool {
        self.0 != 0 && self.kind() != Kind::Absent
    }

    /// A boolean's value, false for other kinds.
    pub fn bool(self) -> bool {
        host::bool(self.0) != 0
    }

    /// A number as an integer: exact for one written as `1e3` or `2.0`, else cut toward zero
    /// and clamped to 64 bits; 0 for other kinds.
    pub fn int(self) -> i64 {
        host::int(self.0)
    }

    /// A number, 0 for other kinds.
    pub fn float(self) -> f64 {
        host::num(self.0)
    }

    /// A copy of the decoded string, empty for other kinds. To compare or search,
    /// [`Node::equal`], [`Node::mentions`] and [`Node::find`] copy nothing; to answer with it,
    /// [`emit_node`](crate::emit_node) and [`emit_inner`](crate::emit_inner) do not either.
    #[cfg(feature = "alloc")]
    pub fn text(self) -> String {
        read(|buf| host::text(self.0, buf))
    }

    /// A copy of the node's JSON text, empty for an absent node.
    #[cfg(feature = "alloc")]
    pub fn raw(self) -> String {
        read(|buf| host::raw(self.0, buf))
    }

    /// The name of an object's i-th member, empty when there is none.
    #[cfg(feature = "alloc")]
    pub fn key(self, i: usize) -> String {
        read(|buf| host::key(self.0, i as i32, buf))
    }

    /// The decoded string in the caller's buffer; `None` when it does not fit. Empty for
    /// other kinds.
    pub fn read_text(self, buf: &mut [u8]) -> Option<&str> {
        filled(host::text(self.0, buf), buf)
    }

    /// The node's JSON text in the caller's buffer; `None` when it does not fit.
    pub fn read_raw(self, buf: &mut [u8]) -> Option<&str> {
        filled(host::raw(self.0, buf), buf)
    }

    /// The name of an object's i-th member in the caller's buffer; `None` when it does not fit.
    pub fn read_key(self, i: usize, buf: &mut [u8]) -> Option<&str> {
        filled(host::key(self.0, i as i32, buf), buf)
    }

    /// Whether the node is a string equal to `text`.
    pub fn equal(self, text: &str) -> bool {
        host::equal(self.0, text) != 0
    }

    /// Whether the string holds the phrase as whole words, in any letter case; a blank in the
    /// phrase stands for any run of white space. It is the function that rules call.
    pub fn mentions(self, phrase: &str) -> bool {
        host::mentions(self.0, phrase.as_bytes()) != 0
    }

    /// [`Node::mentions`] with a phrase that a string node names, of at most 256 bytes; false
    /// for a longer one and for another kind.
    pub fn mentions_node(self, phrase: Node) -> bool {
        // Words are short, and clearing a buffer is paid for by the byte.
        self.mentions_in(phrase, &mut [0; 32])
            .unwrap_or_else(|| self.mentions_in(phrase, &mut [0; 256]).unwrap_or(false))
    }

    /// `None` when the phrase does not fit.
    fn mentions_in(self, phrase: Node, buf: &mut [u8]) -> Option<bool> {
        let size = host::text(phrase.0, buf).max(0) as usize;
        Some(host::mentions(self.0, buf.get(..size)?) != 0)
    }

    /// The byte offset of the first such text in the decoded string.
    pub fn find(self, text: &str) -> Option<usize> {
        usize::try_from(host::find(self.0, text)).ok()
    }

    /// The bytes `from..to` of the decoded string as a string node, usable wherever one is.
    /// Bounds outside the string are clamped by the host, which never splits a character.
    pub fn slice(self, from: usize, to: usize) -> Node {
        let clamp = |i: usize| i.min(i32::MAX as usize) as i32;
        Node(host::slice(self.0, clamp(from), clamp(to)))
    }

    /// The content of a string as a document of its own, absent when it is not valid JSON.
    pub fn parse(self) -> Node {
        Node(host::parse(self.0))
    }

    /// A hash of the value that stays the same over requests, hosts and releases, to split
    /// traffic by it; all 64 bits are used, the sign included.
    pub fn hash(self) -> i64 {
        host::hash(self.0)
    }
}

/// The elements of a [`Node`], made by [`Node::items`].
#[derive(Clone, Debug)]
pub struct Items {
    node: Node,
    next: usize,
    len: usize,
}

impl Iterator for Items {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        if self.next >= self.len || self.node.kind() == Kind::String {
            return None;
        }
        self.next += 1;
        Some(self.node.at(self.next - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.len - self.next))
    }
}

/// Reads what `fill` has, whose result is the length of the whole. Most texts are short.
#[cfg(feature = "alloc")]
pub(crate) fn read(fill: impl Fn(&mut [u8]) -> i32) -> String {
    String::from_utf8(read_bytes(fill)).unwrap_or_default()
}

#[cfg(feature = "alloc")]
pub(crate) fn read_bytes(fill: impl Fn(&mut [u8]) -> i32) -> Vec<u8> {
    let mut buf = alloc::vec![0; 128];
    let mut size = fill(&mut buf).max(0) as usize;
    if size > buf.len() {
        buf = alloc::vec![0; size];
        size = fill(&mut buf).max(0) as usize;
    }
    buf.truncate(size);
    buf
}

pub(crate) fn filled(size: i32, buf: &[u8]) -> Option<&str> {
    core::str::from_utf8(buf.get(..size.max(0) as usize)?).ok()
}
