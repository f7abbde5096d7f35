/* cc -o plugin_test plugin_test.c && ./plugin_test */
#include "pointsman/pointsman_native.h"

#include "plugin.c"

int main(void) {
	pm_case c = {.context = "{\"request\": {\"text\": \"Refactor it!\"}}"};
	PM_CHECK(pm_run(&c, pm_decide_v1) == PM_DECIDED);
	PM_CHECK_TEXT(pm_got.targets[0], "gpt-5.1-codex");
	pm_run_fixtures("manifest.json", "fixtures.json");
	return pm_tested();
}
