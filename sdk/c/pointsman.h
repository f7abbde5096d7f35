/*
 * pointsman.h is what a plugin written in C includes. A rule plugin ranks models, a
 * provider plugin translates between the canonical chat form and one vendor's wire.
 *
 * A plugin never parses JSON: the host parses each body once, the plugin walks it
 * through integer handles and writes its answer with the emit functions, which splice
 * the host's own bytes. A rule plugin, complete:
 *
 *	#include "pointsman/pointsman.h"
 *
 *	PM_ENTRY(pm_decide_v1) {
 *		if (!pm_mentions(pm_pointer(pm_context(), "/request/text"), "refactor"))
 *			return PM_ABSTAIN;
 *		pm_target("gpt-5.1-codex");
 *		pm_reason("asks for refactoring");
 *		return PM_DECIDED;
 *	}
 *
 * built with
 *
 *	clang --target=wasm32 -O2 -ffreestanding -mbulk-memory -nostdlib \
 *		-Wl,--no-entry -Wl,--stack-first -o plugin.wasm plugin.c
 *
 * There is no C library and no allocator: buffers are the plugin's own. A call is a pure
 * function of its documents, so nothing kept in a variable may be relied on; what has to
 * survive from one event of a stream to the next goes through pm_save_state.
 *
 * Order of this file: numbers, entry points, the boundary's functions (pm_v1_…,
 * with lengths), then the conveniences (pm_…, with C strings), which are what a plugin
 * mostly uses. A C string is read by the host during the call and not kept; one that
 * is given as NULL is not allowed. pointsman_native.h answers these functions outside
 * wasm, for tests.
 */
#ifndef POINTSMAN_H
#define POINTSMAN_H

#include <stdbool.h>
#include <stdint.h>

/* The boundary's version, the "abi" member of a manifest. */
#define PM_ABI 1

/* ---- Numbers -------------------------------------------------------------------- */

/* Results of pm_decide_v1. Decided without a target means the rule's own target;
 * abstain goes on with the next rule; reject only through pm_reject. */
enum { PM_DECIDED = 0, PM_ABSTAIN = 1, PM_REJECT = 2 };

/* Results of the other entry points. Any negative value means that the call has no
 * answer; pm_fail says why. */
enum { PM_OK = 0, PM_BROKEN = -1 };

/* Documents, the argument of pm_v1_doc: the canonical chat body (absent in
 * pm_event_v1); what the host knows of the request; the config of the rule or provider; the
 * provider's body or event data; what this provider call is. */
enum { PM_DOC_REQUEST = 1, PM_DOC_CONTEXT = 2, PM_DOC_CONFIG = 3, PM_DOC_RESPONSE = 4, PM_DOC_CALL = 5 };

/* Kinds of a node. Absent is what every unknown handle answers. */
enum {
	PM_KIND_ABSENT = 0,
	PM_KIND_NULL = 1,
	PM_KIND_BOOL = 2,
	PM_KIND_NUMBER = 3,
	PM_KIND_STRING = 4,
	PM_KIND_ARRAY = 5,
	PM_KIND_OBJECT = 6,
};

/* What kind of failure a provider reported, the argument of pm_classify. It decides
 * whether the host moves on to the next model: an invalid request and filtered
 * content fail alike everywhere and go back to the caller. */
enum {
	PM_CLASS_INVALID = 1,
	PM_CLASS_AUTH = 2,
	PM_CLASS_NOT_FOUND = 3,
	PM_CLASS_RATE_LIMITED = 4,
	PM_CLASS_QUOTA = 5,
	PM_CLASS_OVERLOADED = 6,
	PM_CLASS_SERVER = 7,
	PM_CLASS_CONTEXT_LENGTH = 8,
	PM_CLASS_CONTENT_FILTER = 9,
};

/* Levels of a log line. */
enum { PM_LEVEL_DEBUG = 0, PM_LEVEL_INFO = 1, PM_LEVEL_WARN = 2, PM_LEVEL_ERROR = 3 };

/* The code of pm_fail for an operation that the provider does not have. */
#define PM_CODE_UNSUPPORTED 501

/* Operations, the "operation" member of the call document. */
#define PM_OPERATION_CHAT "chat"
#define PM_OPERATION_EMBEDDINGS "embeddings"
#define PM_OPERATION_COUNT_TOKENS "count_tokens"
#define PM_OPERATION_LIST "list"

/* The event name of the last pm_event_v1 call of a stream. */
#define PM_EVENT_EOF "eof"

/* Limits of one call; sizes are bytes. A call that breaks one ends there, except that a
 * reason, message, log line and tag text are cut and lines after the last are dropped. */
#define PM_MAX_REASON 256
#define PM_MAX_MESSAGE 1024
#define PM_MAX_LOG_LINE 1024
#define PM_MAX_LOG_LINES 16
#define PM_MAX_STATE 16384
#define PM_MAX_TARGETS 64
#define PM_MAX_TAGS 32
#define PM_MAX_TAG_TEXT 256 /* key or value of a tag, param or lossy field */
#define PM_MAX_LOSSY 64
#define PM_MAX_HTTP_FIELD 32 /* headers that a provider plugin may set */
#define PM_MAX_HTTP_TEXT 8192

/* ---- Entry points ---------------------------------------------------------------- */

/*
 * PM_ENTRY(name) begins the definition of an entry point, a function without parameters
 * that returns int32_t. Only those of the manifest's kind are called:
 *
 *	rule      pm_decide_v1
 *	provider  pm_request_v1   canonical request -> provider request
 *	          pm_response_v1  complete answer -> chat.completion
 *	          pm_event_v1     one stream event -> 0..n chunks; once more at the end, as
 *	                          PM_EVENT_EOF, without data: invent no finish_reason there
 *	          pm_error_v1     failed answer -> OpenAI error object, and pm_classify
 *	          pm_probe_v1     optional: the cheapest health probe
 *	both      pm_configure_v1 optional: checks the config when it is saved
 */
#ifdef __wasm__
#define PM_ENTRY(name) __attribute__((export_name(#name))) int32_t name(void)
#define PM_IMPORT(name) extern __attribute__((import_module("pointsman_v1"), import_name(#name)))
#else
/* Outside wasm pointsman_native.h is told which entry points there are, before main. */
extern void pm_native_entry(const char *name, int32_t (*run)(void));
#define PM_ENTRY(name) \
	int32_t name(void); \
	__attribute__((constructor)) static void pm_native_##name(void) { pm_native_entry(#name, name); } \
	int32_t name(void)
#define PM_IMPORT(name) extern
#endif

/* ---- The boundary ---------------------------------------------------------------- */

/*
 * pm_node is a handle to one value of a host document. 0 is "absent": every function
 * accepts it, and a node that is absent or of another kind answers with the zero value,
 * so a path can be walked without a check on every step. A node is valid until the
 * entry point returns.
 *
 * Where a function fills a buffer, the result is the length of the whole; nothing is
 * written when that is more than cap: call again with a larger buffer. Nothing is
 * ended by a NUL.
 */
typedef int32_t pm_node;

/* A document's root; absent when this call has none. */
PM_IMPORT(doc) pm_node pm_v1_doc(int32_t which);
/* A string's content as a document of its own; absent if it is not valid JSON. */
PM_IMPORT(parse) pm_node pm_v1_parse(pm_node node);
/* The byte offset of the first such text in a decoded string, or -1. */
PM_IMPORT(find) int32_t pm_v1_find(pm_node node, const char *text, int32_t size);
/* The bytes [from, to) of a decoded string as a string node; clamped, no character is split. */
PM_IMPORT(slice) pm_node pm_v1_slice(pm_node node, int32_t from, int32_t to);
/* The value at a JSON Pointer (RFC 6901), as "/messages/0/role"; index -1 is the last. */
PM_IMPORT(pointer) pm_node pm_v1_pointer(pm_node node, const char *pointer, int32_t size);
/* The member of an object. */
PM_IMPORT(get) pm_node pm_v1_get(pm_node node, const char *name, int32_t size);
/* The i-th element of an array, or value of an object's i-th member, from 0. */
PM_IMPORT(at) pm_node pm_v1_at(pm_node node, int32_t i);
/* Fills buf with the name of an object's i-th member. */
PM_IMPORT(key) int32_t pm_v1_key(pm_node node, int32_t i, char *buf, int32_t cap);
/* The number of elements, of members, or of bytes of a decoded string. */
PM_IMPORT(size) int32_t pm_v1_size(pm_node node);
/* One of PM_KIND_…. */
PM_IMPORT(kind) int32_t pm_v1_kind(pm_node node);
/* 1 for true. */
PM_IMPORT(bool) int32_t pm_v1_bool(pm_node node);
/* A number as an integer: exact for one written as 1e3 or 2.0, else cut toward zero
 * and clamped to 64 bits. */
PM_IMPORT(int) int64_t pm_v1_int(pm_node node);
/* A number. */
PM_IMPORT(num) double pm_v1_num(pm_node node);
/* Fills buf with the decoded string. */
PM_IMPORT(text) int32_t pm_v1_text(pm_node node, char *buf, int32_t cap);
/* Fills buf with the node's JSON text. */
PM_IMPORT(raw) int32_t pm_v1_raw(pm_node node, char *buf, int32_t cap);
/* 1 if the node is a string with exactly this text. */
PM_IMPORT(equal) int32_t pm_v1_equal(pm_node node, const char *text, int32_t size);
/* 1 if the string holds the phrase as whole words, in any letter case; a blank in the
 * phrase stands for any run of white space. It is the function that rules call. */
PM_IMPORT(mentions) int32_t pm_v1_mentions(pm_node node, const char *phrase, int32_t size);

/* Appends text to the output as it stands: syntax and the plugin's own constants. */
PM_IMPORT(emit) void pm_v1_emit(const char *text, int32_t size);
/* Appends the node's JSON exactly as it came; nothing for an absent node. */
PM_IMPORT(emit_node) void pm_v1_emit_node(pm_node node);
/* Appends an object's members as they came, without the braces, except those named, one
 * name a line. A comma goes before the first where one is needed, so the plugin's own
 * members come first. */
PM_IMPORT(emit_members) void pm_v1_emit_members(pm_node node, const char *except, int32_t size);
/* Appends the name of an object's i-th member as a JSON string. */
PM_IMPORT(emit_key) void pm_v1_emit_key(pm_node node, int32_t i);
/* Appends text as a JSON string, quotes and escapes included. */
PM_IMPORT(emit_string) void pm_v1_emit_string(const char *text, int32_t size);
/* Appends a number. */
PM_IMPORT(emit_int) void pm_v1_emit_int(int64_t value);
/* Appends a string node's content, escaped but without quotes, to join several. */
PM_IMPORT(emit_inner) void pm_v1_emit_inner(pm_node node);
/* Appends text, escaped but without quotes. */
PM_IMPORT(emit_text) void pm_v1_emit_text(const char *text, int32_t size);
/* Appends the node's JSON as a JSON string, as tool arguments are written. */
PM_IMPORT(emit_quoted) void pm_v1_emit_quoted(pm_node node);
/* In pm_event_v1: what was emitted since the last flush is one chunk for the client. */
PM_IMPORT(flush) void pm_v1_flush(void);
/* Fills buf with what was saved last for this response, empty before. */
PM_IMPORT(state_load) int32_t pm_v1_state_load(char *buf, int32_t cap);
/* Keeps up to PM_MAX_STATE bytes for the next event of the same response. */
PM_IMPORT(state_save) void pm_v1_state_save(const char *state, int32_t size);

/* Sets the method of the provider request; POST when unset. */
PM_IMPORT(http_method) void pm_v1_http_method(const char *method, int32_t size);
/* Sets its path and query, relative to the provider's base URL. */
PM_IMPORT(http_path) void pm_v1_http_path(const char *path, int32_t size);
/* Adds a header. Host, Content-Length, the credential and hop-by-hop ones are the host's. */
PM_IMPORT(http_header) void pm_v1_http_header(const char *name, int32_t name_size, const char *value, int32_t value_size);
/* Fills buf with the name of the stream event at hand, PM_EVENT_EOF at the end. */
PM_IMPORT(event_name) int32_t pm_v1_event_name(char *buf, int32_t cap);
/* The HTTP status of the provider's answer. */
PM_IMPORT(http_status) int32_t pm_v1_http_status(void);
/* Fills buf with a header of the provider's answer, by name in any case. */
PM_IMPORT(http_field) int32_t pm_v1_http_field(const char *name, int32_t name_size, char *buf, int32_t cap);

/* Adds a model to the end of the ranking, best first. The host drops what the caller
 * may not use. */
PM_IMPORT(target) void pm_v1_target(const char *id, int32_t size);
/* Adds the model that a string node names. */
PM_IMPORT(target_node) void pm_v1_target_node(pm_node node);
/* Says why, for the decision record. */
PM_IMPORT(reason) void pm_v1_reason(const char *text, int32_t size);
/* Keeps a label in the decision record. */
PM_IMPORT(tag) void pm_v1_tag(const char *key, int32_t key_size, const char *value, int32_t value_size);
/* Proposes "max_tokens" or "reasoning_effort"; what the caller set wins. */
PM_IMPORT(param) void pm_v1_param(const char *key, int32_t key_size, const char *value, int32_t value_size);
/* A hash of the value that stays the same over requests, hosts and releases, to split
 * traffic by it; all 64 bits are used, the sign included. */
PM_IMPORT(hash) int64_t pm_v1_hash(pm_node node);

/* Names a request member that the provider's wire cannot carry, as "logit_bias". */
PM_IMPORT(lossy) void pm_v1_lossy(const char *field, int32_t size);
/* Says what kind of failure it is, PM_CLASS_…, and when to try again; 0 when unsaid. */
PM_IMPORT(classify) void pm_v1_classify(int32_t class_, int64_t retry_after_ms);
/* Says why the call has no answer. code is an HTTP status or 0; the message is shown to
 * the caller and must hold nothing secret. */
PM_IMPORT(fail) void pm_v1_fail(int32_t code, const char *message, int32_t size);
/* Writes one line to the plugin's log. Never log what a user wrote. */
PM_IMPORT(log) void pm_v1_log(int32_t level, const char *line, int32_t size);
/* The time of the request in milliseconds since 1970 UTC, the same in all of its calls. */
PM_IMPORT(now_ms) int64_t pm_v1_now_ms(void);
/* The next number of a sequence seeded by request, attempt and plugin: the same
 * request gets the same numbers. All 64 bits are used. Not for secrets. */
PM_IMPORT(random) int64_t pm_v1_random(void);

/* ---- Conveniences ---------------------------------------------------------------- */

/* The number of bytes of a C string; nothing at run time for a literal. */
static inline int32_t pm_length(const char *text) {
	if (__builtin_constant_p(__builtin_strlen(text))) return (int32_t)__builtin_strlen(text);
	int32_t n = 0;
	while (text[n] != 0) n++;
	return n;
}

/* The canonical chat body. Absent while a stream event is translated. */
static inline pm_node pm_request(void) { return pm_v1_doc(PM_DOC_REQUEST); }
/* What the host knows about the request, its caller, the session, the budget and the
 * models that may be chosen. */
static inline pm_node pm_context(void) { return pm_v1_doc(PM_DOC_CONTEXT); }
/* The JSON that the rule or provider carries for this plugin. */
static inline pm_node pm_config(void) { return pm_v1_doc(PM_DOC_CONFIG); }
/* The provider's body, or the data of the event at hand; a string if it is not JSON. */
static inline pm_node pm_response(void) { return pm_v1_doc(PM_DOC_RESPONSE); }
/* What this provider call is: operation, target, headers, attempt. */
static inline pm_node pm_call(void) { return pm_v1_doc(PM_DOC_CALL); }

/* The member of an object. */
static inline pm_node pm_get(pm_node node, const char *name) { return pm_v1_get(node, name, pm_length(name)); }
/* The value at a JSON Pointer, as "/messages/-1/role"; "" is the node itself. */
static inline pm_node pm_pointer(pm_node node, const char *pointer) { return pm_v1_pointer(node, pointer, pm_length(pointer)); }
/* The i-th element of an array, or value of an object's i-th member, from 0. */
static inline pm_node pm_at(pm_node node, int32_t i) { return pm_v1_at(node, i); }
/* Fills buf with the name of an object's i-th member; see pm_node. */
static inline int32_t pm_key(pm_node node, int32_t i, char *buf, int32_t cap) { return pm_v1_key(node, i, buf, cap); }
/* The number of elements, of members, or of bytes of a decoded string. */
static inline int32_t pm_size(pm_node node) { return pm_v1_size(node); }
/* One of PM_KIND_…. */
static inline int32_t pm_kind(pm_node node) { return pm_v1_kind(node); }
/* Whether there is a value, null included. */
static inline bool pm_exists(pm_node node) { return node != 0 && pm_v1_kind(node) != PM_KIND_ABSENT; }
/* A boolean's value. */
static inline bool pm_bool(pm_node node) { return pm_v1_bool(node) != 0; }
/* A number as an integer; see pm_v1_int. */
static inline int64_t pm_int(pm_node node) { return pm_v1_int(node); }
/* A number. */
static inline double pm_num(pm_node node) { return pm_v1_num(node); }
/* Fills buf with the decoded string; see pm_node. Mostly not needed: pm_equal, pm_mentions
 * and pm_find ask the host, pm_emit_node and pm_emit_inner copy inside it. */
static inline int32_t pm_text(pm_node node, char *buf, int32_t cap) { return pm_v1_text(node, buf, cap); }
/* Fills buf with the node's JSON text; see pm_node. */
static inline int32_t pm_raw(pm_node node, char *buf, int32_t cap) { return pm_v1_raw(node, buf, cap); }
/* Whether the node is a string with exactly this text. */
static inline bool pm_equal(pm_node node, const char *text) { return pm_v1_equal(node, text, pm_length(text)) != 0; }
/* Whether the string holds the phrase as whole words, in any letter case. */
static inline bool pm_mentions(pm_node node, const char *phrase) { return pm_v1_mentions(node, phrase, pm_length(phrase)) != 0; }
/* pm_mentions with a phrase that a string node names, of at most 256 bytes; false for a
 * longer one and for another kind. */
static inline bool pm_mentions_node(pm_node node, pm_node phrase) {
	char buf[256];
	int32_t size = pm_v1_text(phrase, buf, (int32_t)sizeof buf);
	return size <= (int32_t)sizeof buf && pm_v1_mentions(node, buf, size) != 0;
}
/* The byte offset of the first such text in a decoded string, or -1. */
static inline int32_t pm_find(pm_node node, const char *text) { return pm_v1_find(node, text, pm_length(text)); }
/* The bytes [from, to) of a decoded string as a string node. */
static inline pm_node pm_slice(pm_node node, int32_t from, int32_t to) { return pm_v1_slice(node, from, to); }
/* A string's content as a document of its own; absent if it is not valid JSON. */
static inline pm_node pm_parse(pm_node node) { return pm_v1_parse(node); }
/* A hash of the value that stays the same; see pm_v1_hash. */
static inline int64_t pm_hash(pm_node node) { return pm_v1_hash(node); }

/* Appends text as it stands: syntax and the plugin's own constants, never text that
 * came from outside. */
static inline void pm_emit(const char *text) { pm_v1_emit(text, pm_length(text)); }
/* Appends the node's JSON exactly as it came. */
static inline void pm_emit_node(pm_node node) { pm_v1_emit_node(node); }
/* Appends an object's members except those named, one name a line; see pm_v1_emit_members. */
static inline void pm_emit_members(pm_node node, const char *except) { pm_v1_emit_members(node, except, pm_length(except)); }
/* Appends the name of an object's i-th member as a JSON string. */
static inline void pm_emit_key(pm_node node, int32_t i) { pm_v1_emit_key(node, i); }
/* Appends text as a JSON string. */
static inline void pm_emit_string(const char *text) { pm_v1_emit_string(text, pm_length(text)); }
/* Appends a number. */
static inline void pm_emit_int(int64_t value) { pm_v1_emit_int(value); }
/* Appends a string node's content, escaped but without quotes. */
static inline void pm_emit_inner(pm_node node) { pm_v1_emit_inner(node); }
/* Appends text, escaped but without quotes. */
static inline void pm_emit_text(const char *text) { pm_v1_emit_text(text, pm_length(text)); }
/* Appends the node's JSON as a JSON string. */
static inline void pm_emit_quoted(pm_node node) { pm_v1_emit_quoted(node); }
/* Ends a chunk of a stream; see pm_v1_flush. */
static inline void pm_flush(void) { pm_v1_flush(); }
/* Fills buf with what was saved last for this response; see pm_node. */
static inline int32_t pm_load_state(char *buf, int32_t cap) { return pm_v1_state_load(buf, cap); }
/* Keeps up to PM_MAX_STATE bytes for the next event of the same response. */
static inline void pm_save_state(const char *state, int32_t size) { pm_v1_state_save(state, size); }

/* Sets the method of the provider request; POST when unset. */
static inline void pm_set_method(const char *method) { pm_v1_http_method(method, pm_length(method)); }
/* Sets its path and query, as "/chat/completions". */
static inline void pm_set_path(const char *path) { pm_v1_http_path(path, pm_length(path)); }
/* Adds a header; see pm_v1_http_header. */
static inline void pm_set_header(const char *name, const char *value) { pm_v1_http_header(name, pm_length(name), value, pm_length(value)); }
/* Fills buf with the name of the stream event at hand; see pm_node. */
static inline int32_t pm_event_name(char *buf, int32_t cap) { return pm_v1_event_name(buf, cap); }
/* Whether this is the last call of a stream. */
static inline bool pm_event_eof(void) {
	char buf[3];
	return pm_v1_event_name(buf, 3) == 3 && buf[0] == 'e' && buf[1] == 'o' && buf[2] == 'f';
}
/* The HTTP status of the provider's answer. */
static inline int32_t pm_status(void) { return pm_v1_http_status(); }
/* Fills buf with a header of the provider's answer; see pm_node. */
static inline int32_t pm_field(const char *name, char *buf, int32_t cap) { return pm_v1_http_field(name, pm_length(name), buf, cap); }

/* Adds a model to the end of the ranking, best first. */
static inline void pm_target(const char *id) { pm_v1_target(id, pm_length(id)); }
/* Adds the model that a string node names. */
static inline void pm_target_node(pm_node node) { pm_v1_target_node(node); }
/* Says why, for the decision record; the last one counts. */
static inline void pm_reason(const char *text) { pm_v1_reason(text, pm_length(text)); }
/* Keeps a label in the decision record. */
static inline void pm_tag(const char *key, const char *value) { pm_v1_tag(key, pm_length(key), value, pm_length(value)); }
/* Proposes "max_tokens" or "reasoning_effort"; what the caller set wins. */
static inline void pm_param(const char *key, const char *value) { pm_v1_param(key, pm_length(key), value, pm_length(value)); }
/* Refuses the request with an HTTP status, 400 to 451, and a message for the caller:
 *	return pm_reject(403, "not on weekends"); */
static inline int32_t pm_reject(int32_t status, const char *message) {
	pm_v1_fail(status, message, pm_length(message));
	return PM_REJECT;
}

/* Names a request member that the provider's wire cannot carry. */
static inline void pm_lossy(const char *field) { pm_v1_lossy(field, pm_length(field)); }
/* Says what kind of failure it is; see pm_v1_classify. */
static inline void pm_classify(int32_t class_, int64_t retry_after_ms) { pm_v1_classify(class_, retry_after_ms); }
/* Says why the call has no answer:
 *	return pm_fail(400, "the model takes no audio"); */
static inline int32_t pm_fail(int32_t code, const char *message) {
	pm_v1_fail(code, message, pm_length(message));
	return PM_BROKEN;
}
/* Writes one line to the plugin's log. Never log what a user wrote. */
static inline void pm_log(int32_t level, const char *line) { pm_v1_log(level, line, pm_length(line)); }
/* The time of the request in milliseconds since 1970 UTC. */
static inline int64_t pm_now_ms(void) { return pm_v1_now_ms(); }
/* The next number of the request's sequence; see pm_v1_random. */
static inline int64_t pm_random(void) { return pm_v1_random(); }

#endif
