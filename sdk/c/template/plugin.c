#include "pointsman/pointsman.h"

/* Sends refactoring to a coding model and leaves the rest to the next rule. */
PM_ENTRY(pm_decide_v1) {
	pm_node text = pm_pointer(pm_context(), "/request/text");
	if (!pm_mentions(text, "refactor")) return PM_ABSTAIN;
	pm_target("gpt-5.1-codex");
	pm_reason("asks for refactoring");
	return PM_DECIDED;
}
