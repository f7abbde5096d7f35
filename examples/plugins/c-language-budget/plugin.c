/* A rule plugin: it sends a request to the model of the language that it is written in,
 * and to a cheap one when the budget is nearly spent. README.md says how to build it. */
#include "pointsman.h"

/* most_mentioned is the language of whose words the text mentions the most, the first of
 * several; absent when it mentions none. */
static pm_node most_mentioned(pm_node languages, pm_node text) {
	pm_node best = 0;
	int32_t most = 0;
	for (int32_t i = 0, n = pm_size(languages); i < n; i++) {
		pm_node words = pm_get(pm_at(languages, i), "words");
		int32_t count = 0;
		for (int32_t j = 0, m = pm_size(words); j < m; j++) count += pm_mentions_node(text, pm_at(words, j));
		if (count > most) {
			most = count;
			best = pm_at(languages, i);
		}
	}
	return best;
}

/* The budget has an end, and less of it is left than the config asks to keep. */
static bool nearly_spent(void) {
	pm_node left = pm_pointer(pm_context(), "/budget/left_fraction");
	return pm_exists(left) && pm_num(left) < pm_num(pm_get(pm_config(), "frugal_below"));
}

/* append copies a literal behind the first n bytes of a reason, as far as it fits. */
static int32_t append(char *reason, int32_t n, const char *text) {
	for (int32_t i = 0; text[i] != 0 && n < PM_MAX_REASON; i++) reason[n++] = text[i];
	return n;
}

PM_ENTRY(pm_decide_v1) {
	pm_node language = most_mentioned(pm_get(pm_config(), "languages"), pm_pointer(pm_context(), "/request/text"));
	if (!pm_exists(language)) return PM_ABSTAIN;
	bool frugal = nearly_spent();
	pm_target_node(frugal ? pm_get(pm_config(), "frugal_model") : pm_get(language, "model"));

	char reason[PM_MAX_REASON];
	int32_t start = append(reason, 0, "language ");
	int32_t size = pm_text(pm_get(language, "code"), reason + start, 64);
	if (size > 64) size = 0; /* longer than the schema allows: it was not written */
	pm_v1_tag("language", 8, reason + start, size);
	pm_v1_reason(reason, frugal ? append(reason, start + size, ", budget nearly spent") : start + size);
	return PM_DECIDED;
}
