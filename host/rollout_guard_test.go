package host

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// A canary that costs more, takes longer or whose rules fail ends as soon as enough of its
// requests within one window do; those of before the window do not count.
func TestCanaryGuards(t *testing.T) {
	const window, enough = time.Minute, 3
	var later atomic.Int64 // how far the clock of requests has moved, ns
	now := func() time.Time { return testNow.Add(time.Duration(later.Load())) }
	g := startGateway(t, func(_ *Config, o *Options) { o.Now = now })
	sessions := 0 // each is new: one that has a model may stay with it
	opus := map[string]any{"id": "everything", "name": "Everything", "when": "true", "target": "claude-opus-4.5", "enabled": true}
	for _, tt := range []struct {
		name   string
		rule   map[string]any
		guard  string
		beyond float64
		text   string // of every request, live ones too
		reason string
	}{
		{"cost", opus, "cost_ratio", 1.5, "hello", "cost of a request "},
		{"latency", opus, "latency_ratio", 1.2, "hello [[simulate provider=openai delay=20]] [[simulate provider=anthropic delay=1000]]", "p95 latency "},
		{"fault rate", map[string]any{
			"id": "broken", "name": "Broken", "when": "[1, 2][request.messages + 7] == 1", "target": "gpt-5", "enabled": true,
		}, "fault_rate", 0.5, "hello", "fault rate 100 %, live 0 %"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &gateway{Host: g.Host, t: t, key: g.key}
			guards := map[string]any{"min_requests": enough, "window_seconds": window.Seconds(), "error_rate": 1, "fault_rate": 1}
			guards[tt.guard] = tt.beyond
			began := g.want(http.StatusCreated, http.MethodPost, "/api/v1/rollouts", map[string]any{
				"kind": "canary", "share": 50, "rules": []any{tt.rule}, "guards": guards,
			})
			id := began.field(t, "id")
			path := "/api/v1/rollouts/" + id
			// ask sends n requests to the draft, or to the live rules.
			ask := func(n int, draft bool) (last answer) {
				t.Helper()
				for ; n > 0; n-- {
					session := ""
					for session == "" || (engine.DrawShare(id, "default", "session", "admin", session) < engine.WholeShare/2) != draft {
						sessions++
						session = fmt.Sprintf("s%d", sessions)
					}
					body := chatBody("auto", tt.text)
					body["metadata"] = map[string]any{"session_id": session}
					if last = g.do(http.MethodPost, "/v1/chat/completions", body); last.Status != http.StatusOK {
						t.Fatalf("POST chat = %d %s", last.Status, last.Body)
					}
				}
				return last
			}
			type seen struct {
				Status, Reason string
				EndedAt        *time.Time `json:"ended_at"`
				Stats          struct {
					Live, Draft struct{ Requests, Faults int }
				}
			}
			// counted waits until so many requests of the window are known.
			counted := func(draft, live int) (s seen) {
				t.Helper()
				for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					s = seen{}
					a := g.do(http.MethodGet, path, nil)
					if err := json.Unmarshal(a.Body, &s); err != nil {
						t.Fatalf("%v: %s", err, a.Body)
					}
					if s.Stats.Draft.Requests == draft && s.Stats.Live.Requests == live {
						return s
					}
					if time.Now().After(deadline) {
						t.Fatalf("the window has %+v, want %d requests of the draft and %d live ones", s, draft, live)
					}
				}
			}

			ask(enough, false)
			ask(enough-1, true)
			counted(enough-1, enough)
			later.Add(int64(2 * window))
			ask(enough, false)
			ask(enough-1, true)
			counted(enough-1, enough) // of now alone: with those of before the window there would be enough
			ask(1, false)
			// What stored this one came after the look at those before it.
			if s := counted(enough-1, enough+1); s.Status != "running" {
				t.Fatalf("the canary is %s (%s) after %d bad requests in each of two windows, want it running", s.Status, s.Reason, enough-1)
			}
			later.Add(int64(window / 2)) // still of the window
			ask(1, true)
			g.until(t, path, "status", "rolled_back")
			end := counted(enough, enough+1)
			if !strings.Contains(end.Reason, tt.reason) || end.EndedAt == nil || !end.EndedAt.Equal(now()) {
				t.Errorf("rolled back at %v for %q, want at %v for its %s", end.EndedAt, end.Reason, now(), tt.reason)
			}
			after := ask(1, true)
			if by := after.Header.Get("x-pointsman-rule"); by == tt.rule["id"] || after.Header.Get("x-pointsman-model") == tt.rule["target"] {
				t.Errorf("after the rollback %q decided, want the live rules", by)
			}
		})
	}
}
