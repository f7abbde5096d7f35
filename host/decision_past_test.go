package host

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// retold is the part of a recorded decision that tells of plugins and rollouts.
type retold struct {
	Rule    string
	Variant string
	Note    string `json:"rules_note"`
	Rollout *struct {
		ID, Kind string
		Base     int64
	}
	Set struct {
		Digest string `json:"global_digest"`
	} `json:"rule_set"`
	Rules []struct {
		ID, Outcome, Detail, Plugin, Digest string
		Fuel                                int64
		Took                                int64 `json:"took_ns"`
	}
	Plugins []struct {
		Rule, Plugin, Digest, Outcome string
		Fuel                          int64
		Took                          int64 `json:"took_ns"`
	}
	Budget     *struct{ Bounded bool }
	Candidates []struct {
		Model string
		Skip  *struct{ Reason string }
		State *struct {
			Health string
			Cost   int64  `json:"cost_nano_usd"`
			Left   *int64 `json:"remaining_requests"`
		}
	}
}

func (g *gateway) retold(t *testing.T, id string) (r retold) {
	t.Helper()
	a := g.want(http.StatusOK, http.MethodGet, "/api/v1/decisions/"+id, nil)
	if err := json.Unmarshal(a.Body, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// outcome is what became of the rule.
func (r *retold) outcome(id string) string {
	for _, step := range r.Rules {
		if step.ID == id {
			return step.Outcome
		}
	}
	return ""
}

// A record tells of the plugin versions and of the rollout's draft that decided, also when
// neither is in force any more, and of every candidate as it was.
func TestDecisionsOfThePast(t *testing.T) {
	g := startGateway(t)
	g.want(http.StatusOK, http.MethodPut, "/api/v1/decision-settings?account_id=default", map[string]any{"record": "all", "text": true, "retention_days": 14})
	if a := g.upload(buildChatty(t, "chatty", "1.0.0"), "?activate=true"); a.Status != http.StatusCreated {
		t.Fatalf("upload = %d %s", a.Status, a.Body)
	}
	g.want(http.StatusCreated, http.MethodPost, "/api/v1/rules", map[string]any{"id": "zebras", "name": "Zebras", "priority": 99, "plugin": "chatty", "target": "gpt-5"})
	zebra, horse := g.chat("auto", "a zebra").Header.Get("x-request-id"), g.chat("auto", "a horse").Header.Get("x-request-id")
	then := g.retold(t, zebra)
	if len(then.Plugins) != 1 || then.Note != "" || then.outcome("zebras") != "matched" || len(then.Set.Digest) != 64 {
		t.Fatalf("record = %+v, want one call, its step, and the digest of the rules", then)
	}
	call := then.Plugins[0]
	if call.Rule != "zebras" || call.Plugin != "chatty@1.0.0" || len(call.Digest) != 16 || call.Outcome != "matched" || call.Fuel <= 0 || call.Took <= 0 {
		t.Errorf("call = %+v, want chatty@1.0.0 with what it spent", call)
	}
	for _, c := range then.Candidates {
		if c.State == nil || c.State.Health == "" || c.State.Cost <= 0 {
			t.Errorf("candidate %s = %+v, want its health and what it would cost", c.Model, c.State)
		}
	}
	if len(then.Candidates) < 3 || then.Candidates[0].Model != "gpt-5.2" || then.Budget == nil {
		t.Errorf("candidates = %+v, want the plugin's, the rule's and the default handler's; budget %v", then.Candidates, then.Budget)
	}

	// Another version is in force: the record still asks that of then.
	if a := g.upload(buildChatty(t, "chatty", "1.1.0"), "?activate=true"); a.Status != http.StatusCreated {
		t.Fatalf("upload = %d %s", a.Status, a.Body)
	}
	step := func(r retold) (plugin, digest string, fuel, took int64, detail string) {
		for _, s := range r.Rules {
			if s.ID == "zebras" {
				return s.Plugin, s.Digest, s.Fuel, s.Took, s.Detail
			}
		}
		return
	}
	again := g.retold(t, zebra)
	if plugin, digest, fuel, took, _ := step(again); plugin != "chatty@1.0.0" || !strings.HasPrefix(digest, call.Digest) || fuel != call.Fuel || took != call.Took || again.Note != "" {
		t.Errorf("step = %s %s, fuel %d, %d ns, note %q; want those of then: %+v", plugin, digest, fuel, took, again.Note, call)
	}
	// It is no longer stored: its answer of then is told, and that this is all that is known.
	g.want(http.StatusNoContent, http.MethodDelete, "/api/v1/plugins/chatty/1.0.0", nil)
	gone := g.retold(t, zebra)
	if _, _, _, _, detail := step(gone); gone.outcome("zebras") != "matched" || !strings.Contains(detail, "no longer stored") || !strings.Contains(gone.Note, "chatty@1.0.0, which was asked then, is no longer stored") {
		t.Errorf("without the version: note %q, step %s %q, want it said that it is gone", gone.Note, gone.outcome("zebras"), detail)
	}
	gone = g.retold(t, horse)
	if _, _, _, _, detail := step(gone); gone.outcome("zebras") != "abstained" || !strings.Contains(detail, "no longer stored") || gone.outcome("quick-code-edits") != "no_match" {
		t.Errorf("without the version that abstained: %s %q, and the last rule %q; want its answer of then, and the search to go on", gone.outcome("zebras"), detail, gone.outcome("quick-code-edits"))
	}

	// A canary's decision is told by its draft, also when it has ended.
	began := g.want(http.StatusCreated, http.MethodPost, "/api/v1/rollouts", map[string]any{
		"account_id": "default", "kind": "canary", "share": 100, "note": "okapis",
		"rules": []map[string]any{{"id": "okapis", "name": "Okapis", "when": "mentions('okapi')", "target": "gpt-5", "priority": 300, "enabled": true}},
	}).field(t, "id")
	okapi := g.chat("auto", "an okapi").Header.Get("x-request-id")
	g.want(http.StatusOK, http.MethodPost, "/api/v1/rollouts/"+began+"/stop?account_id=default", nil)
	live := g.chat("auto", "an okapi").Header.Get("x-request-id")
	if d := g.retold(t, okapi); d.Variant != began || d.Rollout == nil || d.Rollout.ID != began || d.Rollout.Kind != "canary" || d.Rule != "okapis" || d.outcome("okapis") != "matched" || d.Note != "" {
		t.Errorf("record of the canary's request = %+v, want the draft's rule and the rollout", d)
	}
	if d := g.retold(t, live); d.Variant != "" || d.Rollout != nil || d.outcome("okapis") != "" || d.outcome("zebras") == "" {
		t.Errorf("record of the live rules' request = %+v, want nothing of the draft", d)
	}
}
