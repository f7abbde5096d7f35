package host

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// published is what publishing rules answers.
type published struct {
	Version struct {
		Version, Restores int64
		Digest, By, Note  string
		Rules             []map[string]any
	}
	Warnings []struct{ Kind, Rule, Message string }
	Failing  []struct{ ID string }
}

// Rules are published whole, one of two writers wins, their cases guard them, and one call brings
// an older version back; each is in force before its reply.
func TestRulesArePublished(t *testing.T) {
	g := startGateway(t)
	send := func(status int, method, path string, body any) (out published, a answer) {
		t.Helper()
		if a = g.do(method, path, body); a.Status != status {
			t.Fatalf("%s %s = %d, want %d\n%s", method, path, a.Status, status, a.Body)
		}
		_ = json.Unmarshal(a.Body, &out)
		return out, a
	}
	rule := func(id, when, target string) map[string]any {
		return map[string]any{"id": id, "name": id, "priority": 300, "when": when, "target": target}
	}
	decided := func(when, text, want string) {
		t.Helper()
		a := g.chat("auto", text)
		if got := a.Header.Get("x-pointsman-rule") + " " + a.Header.Get("x-pointsman-model"); got != want {
			t.Errorf("%s: %q was decided by %q, want %q", when, text, got, want)
		}
	}
	const account = "?account_id=default"
	zebra := rule("zebra", `mentions("zebra")`, "gpt-5")
	publication := func(was int64, rules ...any) map[string]any {
		return map[string]any{"account_id": "default", "rules": rules, "was": was, "note": "a test"}
	}

	// Global rules have the seed's version, the account none yet.
	_, a := send(200, http.MethodGet, "/api/v1/rules/versions", nil)
	if !strings.Contains(string(a.Body), `"count":8`) {
		t.Errorf("versions of the global rules = %s, want one with the eight system rules", a.Body)
	}
	first, a := send(201, http.MethodPost, "/api/v1/rules/publish", publication(0, zebra))
	if first.Version.Version != 1 || first.Version.By != "default/admin" || len(first.Warnings) != 0 || a.Header.Get("ETag") != `"v1"` {
		t.Errorf("first publication = %s with ETag %s", a.Body, a.Header.Get("ETag"))
	}
	decided("published", "a zebra", "zebra gpt-5")
	send(409, http.MethodPost, "/api/v1/rules/publish", publication(0, zebra))
	send(400, http.MethodPost, "/api/v1/rules/publish", map[string]any{"account_id": "default", "rules": []any{}})

	// A case holds the rules to what they decide.
	send(200, http.MethodPut, "/api/v1/rules/cases/zebras"+account, map[string]any{
		"request": chatBody("auto", "one zebra"), "want": map[string]any{"rule": "zebra", "model": "gpt-5"},
	})
	_, a = send(422, http.MethodPost, "/api/v1/rules/publish", publication(1, rule("zebra", `mentions("okapi")`, "gpt-5")))
	if a.field(t, "code") != "rule_cases" || !strings.Contains(string(a.Body), `"want rule zebra, got default"`) {
		t.Errorf("publication that fails a case = %s, want the case", a.Body)
	}
	decided("refused", "a zebra", "zebra gpt-5")
	_, a = send(200, http.MethodPost, "/api/v1/rules/cases/run", map[string]any{"account_id": "default"})
	if !strings.Contains(string(a.Body), `"passed":1,"failed":0`) {
		t.Errorf("cases of the rules in force = %s, want one that passes", a.Body)
	}
	_, a = send(200, http.MethodPost, "/api/v1/rules/cases/run", map[string]any{"account_id": "default", "rules": []any{}})
	if !strings.Contains(string(a.Body), `"passed":0,"failed":1`) {
		t.Errorf("cases of no rules = %s, want one that fails", a.Body)
	}
	forced := publication(1, rule("zebra", `mentions("okapi")`, "gpt-5"), rule("never", `request.chars < 0`, "gpt-5"))
	forced["override"] = true
	second, a := send(201, http.MethodPost, "/api/v1/rules/publish", forced)
	if len(second.Failing) != 1 || len(second.Warnings) == 0 || second.Warnings[0].Rule != "never" {
		t.Errorf("overridden publication = %s, want the case that fails and a warning of the rule that never matches", a.Body)
	}
	decided("overridden", "an okapi", "zebra gpt-5")
	_, a = send(200, http.MethodGet, "/api/v1/audit"+account+"&action=rules.publish", nil)
	if !strings.Contains(string(a.Body), `"override":["zebras"]`) {
		t.Errorf("audit = %s, want the overridden case", a.Body)
	}
	_, a = send(200, http.MethodGet, "/api/v1/rules/versions/2/diff"+account, nil)
	if !strings.Contains(string(a.Body), `"rule":"never","change":"added"`) || !strings.Contains(string(a.Body), `{"member":"when","from":"mentions(\"zebra\")","to":"mentions(\"okapi\")"}`) {
		t.Errorf("diff of version 2 = %s, want what it changed", a.Body)
	}

	// One call brings the first back; a write of one rule is held to the case, and makes a version too.
	third, _ := send(201, http.MethodPost, "/api/v1/rules/versions/1/restore"+account, nil)
	if third.Version.Version != 3 || third.Version.Restores != 1 || third.Version.Digest != first.Version.Digest {
		t.Errorf("restored = %+v, want version 3 with the first's rules", third.Version)
	}
	decided("restored", "a zebra", "zebra gpt-5")
	send(409, http.MethodPost, "/api/v1/rules/versions/1/restore"+account, map[string]any{"was": 2})
	for _, w := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, "", map[string]any{"account_id": "default", "id": "zoo", "name": "Zoo", "priority": 400, "when": `mentions("zebra")`, "target": "gpt-5"}},
		{http.MethodPut, "/zebra" + account, map[string]any{"name": "zebra", "priority": 300, "when": "false", "target": "gpt-5"}},
		{http.MethodPatch, "/zebra" + account, map[string]any{"target": "gpt-5.2"}},
		{http.MethodPost, "/zebra/disable" + account, nil},
		{http.MethodDelete, "/zebra" + account, nil},
	} {
		_, a = send(422, w.method, "/api/v1/rules"+w.path, w.body)
		if a.field(t, "code") != "rule_cases" || !strings.Contains(string(a.Body), `"cases":[{"id":"zebras","passed":false`) {
			t.Errorf("%s %s that fails a case = %s, want the case", w.method, w.path, a.Body)
		}
	}
	decided("still", "a zebra", "zebra gpt-5")
	forcedOne, a := send(200, http.MethodPatch, "/api/v1/rules/zebra"+account+"&override=true", map[string]any{"target": "gpt-5.2"})
	if len(forcedOne.Failing) != 1 || forcedOne.Failing[0].ID != "zebras" {
		t.Errorf("overridden change of a rule = %s, want the case that fails", a.Body)
	}
	decided("overridden", "a zebra", "zebra gpt-5.2")
	_, a = send(200, http.MethodGet, "/api/v1/audit"+account+"&action=rule.update", nil)
	if !strings.Contains(string(a.Body), `"override":["zebras"]`) {
		t.Errorf("audit = %s, want the overridden case", a.Body)
	}
	_, a = send(200, http.MethodPost, "/api/v1/rules/check", map[string]any{"account_id": "default", "id": "okapi", "name": "x", "when": "request.chars < 0", "target": "gpt-5"})
	if !strings.Contains(string(a.Body), `"kind":"never`) {
		t.Errorf("check = %s, want a warning of the rule that never matches", a.Body)
	}
	_, a = send(200, http.MethodGet, "/api/v1/rules/versions"+account, nil)
	if !strings.Contains(string(a.Body), `"version":4`) || !strings.Contains(string(a.Body), `"note":"update rule zebra"`) {
		t.Errorf("versions = %s, want the change of one rule as version 4", a.Body)
	}
	_, a = send(200, http.MethodGet, "/api/v1/rules/graph"+account, nil)
	if !strings.Contains(string(a.Body), `"order":1,"rule":"zebra"`) || !strings.Contains(string(a.Body), `"kind":"default"`) {
		t.Errorf("graph = %s, want zebra first and the default handler", a.Body)
	}
}
