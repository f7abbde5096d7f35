//! Runs a plugin's functions outside wasm, under `cargo test`.
//!
//! A [`Call`] has the documents of one call, an [`Answer`] what it did; a [`Plugin`] runs a file
//! of fixtures. The host's functions are answered by a double: it enforces no limit but those
//! that its functions name, and what the host forbids (a header of its own, a path outside the
//! base URL) is kept in the answer. `pointsman plugin test` runs the same fixtures in the
//! server's runtime and has the last word.

use std::boxed::Box;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::abi::Level;
use crate::entry::{answer_of, verdict_of, Outcome};
use crate::native_call::{during, Given};
use crate::native_value::Value;
use crate::rule::Verdict;

pub use crate::native_fixture::Plugin;

/// An entry point of a provider, or of a config's check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// [`Adapter::request`](crate::Adapter::request)
    Request,
    /// [`Adapter::response`](crate::Adapter::response)
    Response,
    /// [`Adapter::event`](crate::Adapter::event): has no request document, and chunks.
    Event,
    /// [`Adapter::error`](crate::Adapter::error)
    Error,
    /// The function of [`configure!`](crate::configure).
    Configure,
}

/// What a call is given. What is not set is absent for the plugin.
///
/// ```
/// use pointsman::{reject, testing::Call, Verdict};
///
/// let got = Call::new().decide(|| reject(403, "not on weekends"));
/// assert_eq!(got.verdict, Some(Verdict::Rejected));
/// assert_eq!(got.failure, Some((403, "not on weekends".to_string())));
/// ```
#[derive(Default)]
pub struct Call {
    pub(crate) given: Given,
    random: Option<(String, i32, String)>,
}

impl Call {
    /// A call without any document.
    pub fn new() -> Call {
        Call::default()
    }

    fn doc(mut self, i: i32, text: &str) -> Call {
        let v = Value::parse(text);
        assert!(v.is_some(), "the document is not JSON: {}", text);
        self.given.docs[i as usize - 1] = v;
        self
    }

    /// Sets the chat body, JSON. Panics if it is not.
    pub fn request(self, json: &str) -> Call {
        self.doc(crate::abi::DOC_REQUEST, json)
    }

    /// Sets what the host knows of the request, JSON. Panics if it is not.
    pub fn context(self, json: &str) -> Call {
        self.doc(crate::abi::DOC_CONTEXT, json)
    }

    /// Sets the config, JSON. Panics if it is not.
    pub fn config(self, json: &str) -> Call {
        self.doc(crate::abi::DOC_CONFIG, json)
    }

    /// Sets what the provider call is, JSON. Panics if it is not.
    pub fn call(self, json: &str) -> Call {
        self.doc(crate::abi::DOC_CALL, json)
    }

    /// Sets the provider's body, or an event's data; what is not JSON is text.
    pub fn response(mut self, body: &str) -> Call {
        self.given.docs[crate::abi::DOC_RESPONSE as usize - 1] =
            Some(Value::parse(body).unwrap_or_else(|| Value::string(body)));
        self
    }

    /// Sets the HTTP status of the provider's answer.
    pub fn status(mut self, status: i32) -> Call {
        self.given.status = status;
        self
    }

    /// Adds a header of the provider's answer.
    pub fn field(mut self, name: &str, value: &str) -> Call {
        self.given.fields.push((name.to_string(), value.to_string()));
        self
    }

    /// Sets the event's name.
    pub fn event(mut self, name: &str) -> Call {
        self.given.event = name.to_string();
        self
    }

    /// Sets what an event before saved.
    pub fn state(mut self, state: &[u8]) -> Call {
        self.given.answer.state = state.to_vec();
        self
    }

    /// Sets the request's time.
    pub fn now_ms(mut self, now_ms: i64) -> Call {
        self.given.now_ms = now_ms;
        self
    }

    /// Seeds the random sequence as the host does; a rule's attempt is 0, a provider's at least 1.
    pub fn seed(mut self, request_id: &str, attempt: i32, plugin: &str) -> Call {
        self.random = Some((request_id.to_string(), attempt, plugin.to_string()));
        self
    }

    /// Runs a rule's function.
    pub fn decide(self, decide: fn() -> Verdict) -> Answer {
        let mut answer = self.run(false, Box::new(move || verdict_of(decide)));
        answer.verdict = [Verdict::Decided, Verdict::Abstain, Verdict::Rejected].get(answer.result as usize).copied();
        answer
    }

    /// Runs any other entry point's function.
    pub fn outcome(mut self, entry: Entry, run: fn() -> Outcome) -> Answer {
        if entry == Entry::Event {
            self.given.docs[crate::abi::DOC_REQUEST as usize - 1] = None;
        }
        self.run(entry == Entry::Event, Box::new(move || answer_of(run)))
    }

    fn run(mut self, chunked: bool, entry: Box<dyn FnOnce() -> i32>) -> Answer {
        self.given.chunked = chunked;
        let (id, attempt, plugin) = self.random.unwrap_or_default();
        self.given.seed(&id, attempt, &plugin);
        let mut result = 0;
        let done = during(self.given, || result = entry());
        let chunks = done.chunks();
        Answer { result, chunks, output: done.out, ..done.answer }
    }
}

/// What a call did.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What the entry point returned: of a rule its verdict, else 0 or less than 0 after [`fail`](crate::fail).
    pub result: i32,
    /// Of a rule.
    pub verdict: Option<Verdict>,
    /// The ranking, best first.
    pub targets: Vec<String>,
    /// The last reason.
    pub reason: String,
    /// Tags, in the order in which they were first set.
    pub tags: Vec<(String, String)>,
    /// Proposed parameters, likewise.
    pub params: Vec<(String, String)>,
    /// Of the provider request; empty when not set, which is POST.
    pub method: String,
    /// Of the provider request.
    pub path: String,
    /// Of the provider request.
    pub headers: Vec<(String, String)>,
    /// All that was emitted.
    pub output: String,
    /// The same, cut where an event's function flushed.
    pub chunks: Vec<String>,
    /// Fields that could not be carried.
    pub lossy: Vec<String>,
    /// A [`Class`](crate::Class) as a number, 0 when there was none.
    pub class: i32,
    /// When to try again, 0 when unsaid.
    pub retry_after_ms: i64,
    /// The code and message of [`fail`](crate::fail) or [`reject`](crate::reject).
    pub failure: Option<(i32, String)>,
    /// What was logged.
    pub logs: Vec<(Level, String)>,
    /// What [`save_state`](crate::save_state) kept, for [`Call::state`] of the next event.
    pub state: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    // The figures are those of the host: recorded decisions depend on them.
    #[test]
    fn figures() {
        std::thread_local! { static GOT: std::cell::Cell<(i64, i64, i64)> = std::cell::Cell::default(); }
        Call::new().request(r#"["a","b\u0061"]"#).seed("req-1", 1, "openai").outcome(Entry::Request, || {
            let part = crate::request().at(1).slice(1, 9);
            GOT.with(|g| g.set((crate::request().at(0).hash(), part.hash(), random())));
            Ok(())
        });
        let a = -8625932697636715738;
        assert_eq!(GOT.with(|g| g.get()), (a, a, 8762326338404912844));
    }

    #[test]
    fn a_call_after_a_panic() {
        assert!(std::panic::catch_unwind(|| Call::new().decide(|| panic!("a trap"))).is_err());
        assert_eq!(Call::new().decide(|| Verdict::Abstain).verdict, Some(Verdict::Abstain));
    }
}
