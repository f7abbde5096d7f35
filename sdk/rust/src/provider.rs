#[cfg(feature = "alloc")]
use alloc::string::String;

use crate::abi::Class;
use crate::entry::Outcome;
use crate::{abi, host, node};

/// Translates between the canonical chat form and one provider's wire. The functions are entry
/// points: each reads the documents of its call and emits its answer. [`adapter!`](crate::adapter)
/// registers a type that has them.
pub trait Adapter {
    /// Turns [`request`](crate::request) into the provider's request: [`set_path`], then the
    /// body by the `emit` functions.
    fn request() -> Outcome;
    /// Turns a complete answer, [`response`](crate::response), into an OpenAI `chat.completion`.
    fn response() -> Outcome;
    /// Turns one stream event into 0..n OpenAI chunks. It is called once more at the end,
    /// with [`event_eof`] and no data, and must not invent a `finish_reason` there: without one
    /// the host knows a truncated stream.
    fn event() -> Outcome;
    /// Turns a failed answer into an OpenAI error object and calls [`classify`]. The body may
    /// be anything: a proxy's HTML page is a string node.
    fn error() -> Outcome;
}

/// Registers a type that is an [`Adapter`](crate::Adapter). Once in a plugin.
#[macro_export]
macro_rules! adapter {
    ($adapter:ty) => {
        #[doc(hidden)]
        #[no_mangle]
        pub extern "C" fn pm_request_v1() -> i32 {
            $crate::answer_of(<$adapter as $crate::Adapter>::request)
        }
        #[doc(hidden)]
        #[no_mangle]
        pub extern "C" fn pm_response_v1() -> i32 {
            $crate::answer_of(<$adapter as $crate::Adapter>::response)
        }
        #[doc(hidden)]
        #[no_mangle]
        pub extern "C" fn pm_event_v1() -> i32 {
            $crate::answer_of(<$adapter as $crate::Adapter>::event)
        }
        #[doc(hidden)]
        #[no_mangle]
        pub extern "C" fn pm_error_v1() -> i32 {
            $crate::answer_of(<$adapter as $crate::Adapter>::error)
        }
    };
}

/// Registers the function that builds the cheapest health probe, `fn() -> Outcome`. Optional.
#[macro_export]
macro_rules! probe {
    ($probe:path) => {
        #[doc(hidden)]
        #[no_mangle]
        pub extern "C" fn pm_probe_v1() -> i32 {
            $crate::answer_of($probe)
        }
    };
}

/// Names a request member that the provider's wire cannot carry, as `"logit_bias"`. The host
/// reports it to the caller.
pub fn lossy(field: &str) {
    host::lossy(field)
}

/// Says what kind of failure the provider reported and when to try again, in milliseconds; 0
/// when it did not say. In `response` and `event` it turns the call into a failure.
pub fn classify(class: Class, retry_after_ms: i64) {
    host::classify(class as i32, retry_after_ms)
}

/// Sets the HTTP method of the provider request; POST when unset.
pub fn set_method(method: &str) {
    host::http_method(method)
}

/// Sets the path of the provider request, relative to the provider's base URL, as
/// `"/chat/completions"`; it may hold a query. Scheme, host and credential are the host's.
pub fn set_path(path: &str) {
    host::http_path(path)
}

/// Adds a header to the provider request. The host refuses those that it sets itself: Host,
/// Content-Length, the credential, and hop-by-hop headers.
pub fn set_header(name: &str, value: &str) {
    host::http_header(name, value)
}

/// The name of the stream event at hand, empty when it has none.
#[cfg(feature = "alloc")]
pub fn event_name() -> String {
    node::read(host::event_name)
}

/// The name of the stream event at hand in the caller's buffer; `None` when it does not fit.
pub fn read_event_name(buf: &mut [u8]) -> Option<&str> {
    node::filled(host::event_name(buf), buf)
}

/// Whether this is the last call of a stream.
pub fn event_eof() -> bool {
    read_event_name(&mut [0; 3]) == Some(abi::EVENT_EOF)
}

/// The HTTP status of the provider's answer.
pub fn status() -> i32 {
    host::http_status()
}

/// A header of the provider's answer, by name in any case; empty when absent.
#[cfg(feature = "alloc")]
pub fn field(name: &str) -> String {
    node::read(|buf| host::http_field(name, buf))
}

/// A header of the provider's answer in the caller's buffer; `None` when it does not fit.
pub fn read_field<'a>(name: &str, buf: &'a mut [u8]) -> Option<&'a str> {
    node::filled(host::http_field(name, buf), buf)
}
