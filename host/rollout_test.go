package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// A canary whose model fails is rolled back by itself, and its callers are then served by the
// live rules again.
func TestCanaryOfABadDraft(t *testing.T) {
	g := startGateway(t)
	began := g.do(http.MethodPost, "/api/v1/rollouts", map[string]any{
		"kind": "canary", "share": 100, "note": "try opus",
		"rules": []map[string]any{{
			"id": "everything", "name": "Everything", "when": "true", "target": "claude-opus-4.5", "only": true, "enabled": true,
		}},
		"guards": map[string]any{"min_requests": 5, "error_rate": 0.2},
	})
	if began.Status != http.StatusCreated {
		t.Fatalf("POST rollouts = %d: %s", began.Status, began.Body)
	}
	id := began.field(t, "id")
	good := g.chat("auto", "hello there")
	if model := good.Header.Get("x-pointsman-model"); model != "claude-opus-4.5" {
		t.Fatalf("the canary's request went to %q (%s), want its model", model, good.Header.Get("x-pointsman-decision"))
	}
	// The draft's model begins to fail: the live rules would have asked another one.
	for i := 0; i < 20; i++ {
		g.chat("auto", fmt.Sprintf("hello %d [[simulate provider=anthropic status=500]]", i))
	}
	ended := g.until(t, "/api/v1/rollouts/"+id, "status", "rolled_back")
	if reason := ended.field(t, "reason"); reason == "" {
		t.Errorf("the rollout ended without a reason: %s", ended.Body)
	}
	after := g.chat("auto", "hello again")
	if model := after.Header.Get("x-pointsman-model"); after.Status != http.StatusOK || model == "claude-opus-4.5" {
		t.Errorf("after the rollback %d by %q, want the live rules' model", after.Status, model)
	}
	events := g.do(http.MethodGet, "/api/v1/events", nil)
	for _, kind := range []string{engine.NoticeRolloutStarted, engine.NoticeRolloutRolledBack} {
		if !bytes.Contains(events.Body, []byte(`"`+kind+`"`)) {
			t.Errorf("no event %s: %s", kind, events.Body)
		}
	}
}

// until reads a row until its member has that value.
func (g *gateway) until(t *testing.T, path, member, want string) answer {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		a := g.do(http.MethodGet, path, nil)
		if a.Status == http.StatusOK && a.field(t, member) == want {
			return a
		}
		if time.Now().After(deadline) {
			t.Fatalf("GET %s: %s is not %q: %d %s", path, member, want, a.Status, a.Body)
		}
	}
}

// A shadow is seen in its counts, and in nothing that a caller gets.
func TestShadowChangesNoByte(t *testing.T) {
	g := startGateway(t)
	texts := []string{"hello", "why is the sky blue", "/fast now", "please fix this typo", "say [[simulate status=400]]"}
	ask := func(i int, text string, stream bool) answer {
		t.Helper()
		body := chatBody("auto", text)
		body["stream"] = stream
		path := "/v1/chat/completions"
		switch i % 3 { // each wire in turn
		case 1:
			path = "/v1/messages"
			body["max_tokens"] = 64
		case 2:
			path = "/v1/responses"
			body["input"] = text
			delete(body, "messages")
		}
		return g.do(http.MethodPost, path, body)
	}
	var before []answer
	for i, text := range texts {
		before = append(before, ask(i, text, false), ask(i, text, true))
	}
	began := g.do(http.MethodPost, "/api/v1/rollouts", map[string]any{
		"kind": "shadow", "share": 100,
		"rules": []map[string]any{{"id": "all", "name": "All", "when": "mentions('sky', 'hello')", "target": "gpt-5-mini", "enabled": true}},
	})
	if began.Status != http.StatusCreated {
		t.Fatalf("POST rollouts = %d: %s", began.Status, began.Body)
	}
	n := 0
	for i, text := range texts {
		for j, stream := range []bool{false, true} {
			a, was := ask(i, text, stream), before[2*i+j]
			n++
			if a.Status != was.Status || !bytes.Equal(steady(t, a.Body), steady(t, was.Body)) || a.Header.Get("x-pointsman-decision") != was.Header.Get("x-pointsman-decision") || a.Header.Get("x-pointsman-model") != was.Header.Get("x-pointsman-model") {
				t.Errorf("%q, streamed %v: %d %s %s\nwithout the shadow %d %s %s", text, stream, a.Status, a.Header.Get("x-pointsman-decision"), a.Body, was.Status, was.Header.Get("x-pointsman-decision"), was.Body)
			}
		}
	}
	path := "/api/v1/rollouts/" + began.field(t, "id")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var seen struct {
			Stats struct {
				Compared, Agreed, Undecided, Dropped int
				Moves                                []struct{ From, To string }
			}
		}
		a := g.do(http.MethodGet, path, nil)
		if err := json.Unmarshal(a.Body, &seen); err != nil {
			t.Fatalf("%v: %s", err, a.Body)
		}
		if s := seen.Stats; s.Compared+s.Undecided == n {
			if s.Undecided > 0 || s.Agreed == s.Compared || len(s.Moves) == 0 {
				t.Errorf("stats = %+v, want all compared, and some moved", s)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the shadow has compared %+v, want %d requests", seen.Stats, n)
		}
	}
}

// unsteady are members that differ each time.
var unsteady = regexp.MustCompile(`"(id|item_id|created|created_at|completed_at|request_id)":("[^"]*"|[0-9.]+)|req_[0-9a-zA-Z-]+`)

// steady is an answer without what differs each time: ids and times.
func steady(t *testing.T, body []byte) []byte {
	t.Helper()
	return unsteady.ReplaceAll(body, []byte(`"$1":0`))
}
