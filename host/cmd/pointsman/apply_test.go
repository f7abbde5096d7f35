package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// on points the command at a server.
func on(t *testing.T, p *process) {
	t.Helper()
	t.Setenv("POINTSMAN_URL", p.url)
	t.Setenv("POINTSMAN_KEY", p.key)
}

// actions are what apply -o json says, as "create rules typos".
func actions(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := command(t, append([]string{"apply", "-o", "json"}, args...)...)
	if err != nil {
		t.Fatalf("apply %q = %v\n%s", args, err, out)
	}
	var doc struct{ Data []step }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("apply %q prints %q: %v", args, out, err)
	}
	var list []string
	for _, s := range doc.Data {
		if s.Action == actionUnchanged && s.Kind == kindRules && s.AccountID == "" {
			continue // the shipped ones
		}
		list = append(list, s.Action+" "+s.Kind+" "+s.ID)
		if s.Kind == kindKeys && (s.Action == actionCreate) != strings.HasPrefix(s.Secret, "pm_") && !slices.Contains(args, "--dry-run") {
			t.Errorf("apply %q shows of key %s the text %q, want it of new keys alone", args, s.ID, s.Secret)
		}
	}
	return list
}

func wantActions(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("apply =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const wantedFile = `
rules:
  - {id: typos, account_id: default, name: Typos, priority: 0, when: mentions('typo'), target: gpt-5-mini, fallbacks: [gpt-4o], on_failure: refuse}
  - {id: quick-code-edits, system: true, name: Quick Code Edits, priority: 80, when: mentions('typo'), target: gpt-4o, enabled: false}
limits:
  - {id: per-user, kind: requests, amount: 60, burst: 60, window: minute, per: [user, account], scope: {model: gpt-4o}}
  - {id: none, account_id: default, kind: concurrency, amount: 0, enabled: true}
budgets:
  - {id: month, period: month, amount: "250", hard: true, thresholds: [{percent: 80, actions: [webhook, event]}]}
keys:
  - {name: ci, scopes: [read, inference], expires_at: 2099-01-01T00:00:00Z}
  - {name: bot, scopes: [inference]}
`

// What one server exports makes an empty one the same, and doing it again changes nothing.
func TestApplyAndExport(t *testing.T) {
	first, second := serve(t, t.TempDir()), serve(t, t.TempDir())
	on(t, first)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "all.yaml"), wantedFile)
	created := []string{"create rules typos", "update rules quick-code-edits", "create limits per-user", "create limits none", "create budgets month", "create keys admin/ci", "create keys admin/bot"}
	user := strings.TrimSuffix(strings.TrimPrefix(actions(t, "-f", dir, "--dry-run")[5], "create keys "), "/ci")
	created[5], created[6] = "create keys "+user+"/ci", "create keys "+user+"/bot"
	wantActions(t, actions(t, "-f", dir, "--dry-run"), created...)
	wantActions(t, actions(t, "-f", dir), created...)
	unchanged := []string{"unchanged rules typos", "unchanged limits per-user", "unchanged limits none", "unchanged budgets month", "unchanged keys " + user + "/ci", "unchanged keys " + user + "/bot"}
	wantActions(t, actions(t, "-f", dir), unchanged...)

	exported := t.TempDir()
	if out, err := command(t, "export", exported); err != nil || !strings.Contains(out, "limits.yaml: 2\n") || !strings.Contains(out, "budgets.yaml: 1\n") {
		t.Fatalf("export = %v\n%s", err, out)
	}
	if _, err := command(t, "export", exported); err == nil || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("export onto files = %v, want that they are there", err)
	}
	keys, err := os.ReadFile(filepath.Join(exported, "keys.yaml"))
	if err != nil || strings.Contains(string(keys), "pm_") || strings.Contains(string(keys), "prefix") {
		t.Errorf("keys.yaml = %q, %v, want no text of keys", keys, err)
	}

	lists := func() string {
		t.Helper()
		again := t.TempDir()
		if out, err := command(t, "export", again); err != nil {
			t.Fatalf("export = %v\n%s", err, out)
		}
		var all strings.Builder
		for _, kind := range resourceKinds {
			text, err := os.ReadFile(filepath.Join(again, kind+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		return all.String()
	}
	want := lists()
	on(t, second)
	if got := lists(); got == want {
		t.Fatal("an empty server has the lists of the first already")
	}
	if out, err := command(t, "apply", "-f", exported); err != nil || !strings.Contains(out, "(shown only now)") || !strings.Contains(out, "5 created, 1 updated") && !strings.Contains(out, "6 created, 1 updated") {
		t.Fatalf("apply of what was exported = %v\n%s", err, out)
	}
	if got := sorted(lists()); got != sorted(want) {
		t.Errorf("after apply the second server has\n%s\nwant\n%s", got, sorted(want))
	}
	if out, err := command(t, "apply", "-f", exported, "--prune"); err != nil || !strings.Contains(out, "0 created, 0 updated") || !strings.Contains(out, "0 deleted") {
		t.Errorf("apply again = %v\n%s\nwant nothing done", err, out)
	}

	// Changes are seen member by member; what no file has goes with --prune alone.
	write(t, filepath.Join(dir, "all.yaml"), `
limits:
  - {id: per-user, kind: requests, amount: 30, window: minute, per: [account, user], scope: {model: gpt-4o}}
keys:
  - {name: ci, scopes: [inference]}
`)
	out, err := command(t, "apply", "-f", dir, "--dry-run", "--prune")
	if err != nil || !strings.Contains(out, "amount: 60 → 30") || !strings.Contains(out, "expires_at:") || !strings.Contains(out, "0 to create, 2 to update, 0 unchanged, 2 to delete") {
		t.Errorf("apply --dry-run = %v\n%s", err, out)
	}
	wantActions(t, actions(t, "-f", dir), "update limits per-user", "update keys "+user+"/ci")
	wantActions(t, actions(t, "-f", dir, "--prune"), "unchanged limits per-user", "unchanged keys "+user+"/ci", "delete keys "+user+"/bot", "delete limits none")
	wantActions(t, actions(t, "-f", dir, "--prune"), "unchanged limits per-user", "unchanged keys "+user+"/ci")
	if status, _, body := second.call(http.MethodGet, "/api/v1/rules/typos?account_id=default", nil); status != http.StatusOK {
		t.Errorf("the rule of a section that no file has = %d, want it to be there\n%s", status, body)
	}
}

// sorted are the lines of a text in order: lists come by age, which differs.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestReadResourcesRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rules: [{id: a, nam: x}]":                                 "^",
		"rules: [{name: x}]":                                       "has no id",
		"keys: [{scopes: [read]}]":                                 "has no name",
		"budgets: [{id: a, period: day, amount: a lot}]":           "US dollars",
		"limits: [{id: a, kind: requests}, {id: a, kind: tokens}]": "there twice",
		"keys: [{name: a, secret: pm_x}]":                          "secret",
		"other: []":                                                "other",
		"{}":                                                       "no rules, limits",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := readResources(dir, caller{account: "default", user: "u"}, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("readResources(%q) = %v, want %q", text, err, want)
		}
	}
	if _, _, err := readResources(t.TempDir(), caller{}, ""); err == nil || !strings.Contains(err.Error(), "pointsman export") {
		t.Errorf("readResources() of an empty folder = %v, want what writes one", err)
	}
	for text, want := range map[string]int{"keys: []": 1, "rules: []\nkeys: []": 2} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, sections, err := readResources(dir, caller{}, ""); err != nil || len(sections) != want {
			t.Errorf("readResources(%q) has the sections %q, %v, want %d", text, sections, err, want)
		}
	}
}
