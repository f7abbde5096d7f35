/* cc -I../../../sdk/c -o plugin_test plugin_test.c && ./plugin_test */
#include "pointsman_native.h"

#include "plugin.c"

#define CONFIG "{\"languages\": [{\"code\": \"de\", \"words\": [\"und\"], \"model\": \"german\"}], \"frugal_below\": 0.1, \"frugal_model\": \"cheap\"}"

int main(void) {
	pm_case c = {.config = CONFIG, .context = "{\"request\": {\"text\": \"Hunde und Katzen\"}, \"budget\": {\"left_fraction\": 0.5}}"};
	PM_CHECK(pm_run(&c, pm_decide_v1) == PM_DECIDED);
	PM_CHECK_TEXT(pm_got.targets[0], "german");
	PM_CHECK_TEXT(pm_got.tags[0].value, "de");

	c.context = "{\"request\": {\"text\": \"cats and dogs\"}}";
	PM_CHECK(pm_run(&c, pm_decide_v1) == PM_ABSTAIN);

	pm_run_fixtures("manifest.json", "fixtures.json");
	return pm_tested();
}
