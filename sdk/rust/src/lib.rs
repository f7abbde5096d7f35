//! What a plugin written in Rust imports. A rule plugin ranks models, a provider plugin
//! translates between the canonical chat form and one vendor's wire.
//!
//! A plugin never parses JSON and never holds a prompt: the host parses each body once, the
//! plugin walks it through a [`Node`], an integer handle, and writes its answer with the
//! `emit` functions, which splice the host's own bytes. Reading a whole text into the plugin
//! is possible ([`Node::text`]) and rarely needed ([`Node::equal`] and [`Node::mentions`] ask the host).
//!
//! A rule plugin, complete:
//!
//! ```
//! use pointsman::*;
//!
//! rule!(decide);
//!
//! fn decide() -> Verdict {
//!     if context().pointer("/request/text").mentions("refactor") {
//!         target("gpt-5.1-codex");
//!         reason("asks for refactoring");
//!         return Verdict::Decided;
//!     }
//!     Verdict::Abstain
//! }
//! # fn main() {
//! #     let got = testing::Call::new().context(r#"{"request":{"text":"Refactor it"}}"#).decide(decide);
//! #     assert_eq!((got.verdict, &got.targets[0][..]), (Some(Verdict::Decided), "gpt-5.1-codex"));
//! # }
//! ```
//!
//! built as a `cdylib` with
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown
//! ```
//!
//! A call is a pure function of its documents: the host may run any instance for any call, so
//! nothing kept in a variable may be relied on. What has to survive from one event of a
//! stream to the next goes through [`save_state`].
//!
//! The crate has no dependencies. A panic is logged with its message and place, then traps.
//! Without the feature `std`, a default, the plugin may be `#![no_std]`; functions that return a
//! `String` need the feature `alloc` and a global allocator then.
//! Outside wasm the module `testing` runs a plugin's functions under `cargo test`.
#![no_std]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", not(target_arch = "wasm32")))]
extern crate std;

pub mod abi;
mod entry;
mod node;
mod output;
mod provider;
mod rule;

#[cfg_attr(target_arch = "wasm32", path = "host_wasm.rs")]
#[cfg_attr(not(target_arch = "wasm32"), path = "host_native.rs")]
mod host;

#[cfg(not(target_arch = "wasm32"))]
mod native_call;
#[cfg(not(target_arch = "wasm32"))]
mod native_fixture;
#[cfg(not(target_arch = "wasm32"))]
mod native_text;
#[cfg(not(target_arch = "wasm32"))]
mod native_value;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use abi::{Class, Kind, Level};
#[doc(hidden)]
pub use entry::{answer_of, verdict_of};
pub use entry::{fail, log, now_ms, random, Failed, Outcome};
pub use node::{call, config, context, request, response, Items, Node};
pub use output::*;
pub use provider::*;
pub use rule::*;
