/*
 * pointsman_native.h answers the functions of pointsman.h outside wasm, so that a
 * plugin's logic runs as a native program, under cc and a debugger. Include it in one file,
 * the test, which includes the plugin's source behind it:
 *
 *	#include "pointsman/pointsman_native.h"
 *	#include "plugin.c"
 *
 *	int main(void) {
 *		pm_case c = {.context = "{\"request\":{\"text\":\"please refactor\"}}"};
 *		PM_CHECK(pm_run(&c, pm_decide_v1) == PM_DECIDED);
 *		PM_CHECK_TEXT(pm_got.targets[0], "gpt-5.1-codex");
 *		pm_run_fixtures("manifest.json", "fixtures.json");
 *		return pm_tested();
 *	}
 *
 *	cc -o plugin_test plugin_test.c && ./plugin_test
 *
 * It needs the C library and gcc or clang. It keeps what a call did and enforces no limit,
 * neither fuel nor sizes; what the host forbids (a header of its own, a path outside the
 * base URL) is kept too. Case and word boundaries in pm_mentions are those of Latin,
 * Greek and Cyrillic; the host knows all of Unicode. "pointsman plugin test" runs the
 * same fixtures in the server's runtime and has the last word.
 */
#ifndef POINTSMAN_NATIVE_H
#define POINTSMAN_NATIVE_H

#ifdef __wasm__
#error "pointsman_native.h is for tests outside wasm"
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman.h"

/* Not every test uses every function. */
#define PM__TEST static __attribute__((unused))


/* A call's documents, JSON each. What is NULL is absent for the plugin. */
typedef struct pm_case {
	const char *request, *context, *config, *call;
	const char *response;   /* body or event data; what is not JSON is text */
	const char *fields;     /* headers of the answer: a JSON object of strings */
	const char *event;      /* the event's name */
	int32_t status;         /* of the answer */
	const char *request_id; /* seeds pm_random, with the attempt and the plugin's name */
	int32_t attempt;        /* 0 in a rule, from 1 in a provider */
	const char *plugin;
	int64_t now_ms;
} pm_case;

/* A label, or a header. */
typedef struct pm_pair {
	const char *name, *value;
} pm_pair;

/* What the last call did. Texts are ended by a NUL and live as long as the program. */
static struct pm_result {
	int32_t result; /* what the entry point returned */
	const char *targets[PM_MAX_TARGETS];
	int32_t target_count;
	const char *reason;
	pm_pair tags[PM_MAX_TAGS], params[PM_MAX_TAGS];
	int32_t tag_count, param_count;
	const char *method, *path; /* method is "POST" when the plugin set none */
	pm_pair headers[PM_MAX_HTTP_FIELD];
	int32_t header_count;
	const char *lossy[PM_MAX_LOSSY];
	int32_t lossy_count;
	const char *output;    /* all that was emitted */
	const char **chunks;   /* the same, cut where an event's plugin flushed */
	int32_t chunk_count;
	int32_t class_;        /* PM_CLASS_…, 0 when unclassified */
	int64_t retry_after_ms;
	bool failed;           /* pm_fail or pm_reject was called, with: */
	int32_t code;
	const char *message;
	const char *logs[PM_MAX_LOG_LINES];
	int32_t log_count;
} pm_got;

/* Runs an entry point, fills pm_got and returns the result. The state of pm_save_state stays
 * for the next call. A document that is not JSON ends the program. */
PM__TEST int32_t pm_run(const pm_case *c, int32_t (*entry)(void));

/* Forgets the state: the next call is the first of another response. */
PM__TEST void pm_new_response(void);

/* Runs the cases of a fixtures file, as "pointsman plugin test" does, and prints those
 * that fail. Members that concern the runtime (max_fuel) are passed over. Returns how many fail. */
PM__TEST int pm_run_fixtures(const char *manifest_path, const char *fixtures_path);

/* Says so when the condition is false, and goes on. */
#define PM_CHECK(condition) pm__check((condition), __FILE__, __LINE__, #condition)

/* The same for a text that must equal another. NULL equals NULL only. */
#define PM_CHECK_TEXT(got, want) pm__check_text((got), (want), __FILE__, __LINE__)

/* Prints how many checks and fixtures there were, and returns what main should: 0 if all held. */
PM__TEST int pm_tested(void);

#include "native/text.h"
#include "native/value.h"
#include "native/node.h"
#include "native/word.h"
#include "native/answer.h"
#include "native/run.h"
#include "native/fixture.h"

#endif
