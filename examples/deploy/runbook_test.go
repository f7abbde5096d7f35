package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whoever is woken by an alert finds what it means and what to do, and nothing is explained that cannot ring.
func TestEveryAlertHasItsRunbook(t *testing.T) {
	t.Parallel()
	_, section, ok := strings.Cut(read(t, root+"/host/OPERATIONS.md"), "\n## Alerts\n")
	if !ok {
		t.Fatal("OPERATIONS.md has no section Alerts")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	explained := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)\*\*(Pointsman\w+)\*\*: (.*?)(?:\n\n|\z)`).FindAllStringSubmatch(section, -1) {
		explained[m[1]] = m[2]
	}
	var alerts []string
	for _, m := range regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllStringSubmatch(read(t, "observability/alerts.yaml"), -1) {
		alerts = append(alerts, m[1])
		if what, do, ok := strings.Cut(explained[m[1]], "*Do*: "); !ok || len(what) < 20 || len(do) < 20 {
			t.Errorf("OPERATIONS.md says of %s %q, want what it means and, after *Do*:, what to do", m[1], explained[m[1]])
		}
	}
	for name := range explained {
		if !slices.Contains(alerts, name) {
			t.Errorf("OPERATIONS.md explains %s, which is no alert", name)
		}
	}
	if len(alerts) < 15 {
		t.Errorf("%d alerts were looked at, want all of them", len(alerts))
	}
}
