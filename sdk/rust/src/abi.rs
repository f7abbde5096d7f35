//! Names and numbers of the boundary, version 1.

/// The boundary's version, the `abi` member of a manifest.
pub const VERSION: i32 = 1;

/// The documents of a call, by the number that the host knows them by.
pub(crate) const DOC_REQUEST: i32 = 1;
pub(crate) const DOC_CONTEXT: i32 = 2;
pub(crate) const DOC_CONFIG: i32 = 3;
pub(crate) const DOC_RESPONSE: i32 = 4;
pub(crate) const DOC_CALL: i32 = 5;

/// The JSON type of a [`Node`](crate::Node).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Kind {
    /// There is no such value.
    Absent = 0,
    /// `null`.
    Null = 1,
    /// `true` or `false`.
    Bool = 2,
    /// A number.
    Number = 3,
    /// A string.
    String = 4,
    /// An array.
    Array = 5,
    /// An object.
    Object = 6,
}

/// What kind of failure a provider reported. It decides whether the host moves on to the next
/// model: an invalid request and filtered content fail alike everywhere and go back to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Class {
    /// The request is wrong.
    Invalid = 1,
    /// The credential is wrong or may not do this.
    Auth = 2,
    /// There is no such model.
    NotFound = 3,
    /// Too many requests for now.
    RateLimited = 4,
    /// The account has nothing left.
    Quota = 5,
    /// The provider has no capacity for now.
    Overloaded = 6,
    /// The provider failed.
    Server = 7,
    /// The request is longer than the model takes.
    ContextLength = 8,
    /// The provider refuses the content.
    ContentFilter = 9,
}

/// The level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Level {
    /// For whoever works on the plugin.
    Debug = 0,
    /// Worth knowing.
    Info = 1,
    /// Something is not as it should be.
    Warn = 2,
    /// Something failed.
    Error = 3,
}

/// The code of [`fail`](crate::fail) for an operation that the provider does not have.
pub const CODE_UNSUPPORTED: i32 = 501;

/// Operation of the `call` document: a chat body to a `chat.completion`, or chunks.
pub const OPERATION_CHAT: &str = "chat";
/// Operation of the `call` document: OpenAI's embeddings body to its list of embeddings.
pub const OPERATION_EMBEDDINGS: &str = "embeddings";
/// Operation of the `call` document: a chat body to `{"input_tokens": n}`.
pub const OPERATION_COUNT_TOKENS: &str = "count_tokens";
/// Operation of the `call` document: no request, to `{"object":"list","data":[{"id":…}]}`.
pub const OPERATION_LIST: &str = "list";

/// The event name of the last event of a stream, which has no data.
pub const EVENT_EOF: &str = "eof";

/// Bytes of a reason; the host cuts a longer one.
pub const MAX_REASON: usize = 256;
/// Bytes of a failure's message; the host cuts a longer one.
pub const MAX_MESSAGE: usize = 1024;
/// Bytes of a log line; the host cuts a longer one.
pub const MAX_LOG_LINE: usize = 1024;
/// Log lines of one call; the host drops those after.
pub const MAX_LOG_LINES: usize = 16;
/// Bytes of [`save_state`](crate::save_state); more end the call.
pub const MAX_STATE: usize = 16384;
/// Models of a ranking; more end the call.
pub const MAX_TARGETS: usize = 64;
/// Tags, and params, of one call; more end the call.
pub const MAX_TAGS: usize = 32;
/// Bytes of a tag's, param's or lossy field's text; the host cuts a longer one.
pub const MAX_TAG_TEXT: usize = 256;
/// Fields that may be named lossy; more end the call.
pub const MAX_LOSSY: usize = 64;
/// Headers that a provider plugin may set; more end the call.
pub const MAX_HTTP_FIELD: usize = 32;
/// Bytes of a path, or of a header; more end the call.
pub const MAX_HTTP_TEXT: usize = 8192;
