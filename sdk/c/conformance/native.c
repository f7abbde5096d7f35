/* every.c as a native program: what its test double says is held against the same cases. */
#include "../pointsman_native.h"

#include "every.c"

/* The figures are those of the host: recorded decisions depend on them. */
static int32_t figures(void) {
	PM_CHECK(pm_hash(pm_pointer(pm_request(), "/0")) == -8625932697636715738);
	PM_CHECK(pm_hash(pm_pointer(pm_request(), "/0")) == pm_hash(pm_slice(pm_pointer(pm_request(), "/1"), 1, 2)));
	PM_CHECK(pm_random() == 8762326338404912844);
	return 0;
}

static int32_t words(void) {
	static const struct {
		const char *phrase;
		bool want;
	} cases[] = {
		{"hello", true}, {"HELLO  world", true}, {"world", true}, {"hell", false}, {"ello", false}, {"schön", true}, {"SCHÖN", true},
		{"schö", false}, {"straße", true}, {"срочно", true}, {"οδοσ", true}, {"c++", true}, {"", false}, {" ", false}, {"比较", true}, {"比", false},
		{"kg", true}, {" world ", true}, {"hello, world", false}, {"🚀", true}, {"end", true}, {"nd", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool got = pm_mentions(pm_request(), cases[i].phrase);
		if (got != cases[i].want) fprintf(stderr, "pm_mentions(\"%s\") = %d\n", cases[i].phrase, got);
		PM_CHECK(got == cases[i].want);
	}
	return 0;
}

static int32_t not_json(void) {
	static const char *const texts[] = {"", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "1.", "-", "\"a", "\"\\x\"", "nul", "1 2", "[1 2]", "{\"a\" 1}", "{1:2}", "\"\\u12\""};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (pm__document(texts[i], strlen(texts[i])) != NULL) fprintf(stderr, "taken for JSON: %s\n", texts[i]);
		PM_CHECK(pm__document(texts[i], strlen(texts[i])) == NULL);
	}
	PM_CHECK(pm_int(pm_get(pm_parse(pm_request()), "a")) == 0);
	return 0;
}

int main(int argc, char **argv) {
	if (argc != 3) return 2;
	pm_run_fixtures(argv[1], argv[2]);
	pm_case c = {.request = "[\"a\",\"b\\u0061\"]", .request_id = "req-1", .attempt = 1, .plugin = "openai"};
	pm_run(&c, figures);
	c.request = "\"Hello \\n world: schön, STRAẞE. СРОЧНО ὁδος ΟΔΟΣ C++ 比较 300 \u212Ag \\ud83d\\ude80 the End\"";
	pm_run(&c, words);
	pm_run(&c, not_json);
	return pm_tested();
}
