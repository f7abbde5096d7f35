package host

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/health"
)

// explained is what POST /api/v1/route/explain says.
type explained struct {
	Rule       string
	Candidates []struct {
		Model string
		Skip  *struct{ Reason string }
	}
	Rules []struct{ ID, Outcome, Clause string }
	Code  string `json:"error_code"`
}

// first is the model that would be asked.
func (e explained) first() string {
	for _, c := range e.Candidates {
		if c.Skip == nil {
			return c.Model
		}
	}
	return ""
}

func (g *gateway) explain(t *testing.T, body map[string]any) explained {
	t.Helper()
	a := g.do(http.MethodPost, "/api/v1/route/explain", body)
	if a.Status != http.StatusOK {
		t.Fatalf("POST route/explain = %d: %s", a.Status, a.Body)
	}
	var out explained
	if err := json.Unmarshal(a.Body, &out); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return out
}

// What a dry run says is what happens, as things are and as they are assumed to be.
func TestExplainForetells(t *testing.T) {
	g := startGateway(t, func(c *Config, o *Options) { o.Thresholds, c.ProbeInterval = health.Thresholds{}, -1 })
	for _, tt := range []struct{ name, text string }{
		{"a rule", "/fast what time is it"}, {"another", "please explain why"}, {"none", "good morning"},
	} {
		told := g.explain(t, map[string]any{"request": chatBody("auto", tt.text)})
		done := g.chat("auto", tt.text)
		if told.first() != done.Header.Get("x-pointsman-model") || told.Rule != done.Header.Get("x-pointsman-rule") {
			t.Errorf("%s: told %s by %s, done %s by %s", tt.name, told.first(), told.Rule, done.Header.Get("x-pointsman-model"), done.Header.Get("x-pointsman-rule"))
		}
		if len(told.Rules) < 8 {
			t.Errorf("%s: %d rules told, want all eight", tt.name, len(told.Rules))
		}
		again := g.explainRecorded(t, done.Header.Get("x-request-id"))
		if again.first() != told.first() || again.Rule != told.Rule {
			t.Errorf("%s: as recorded %s by %s, want %s by %s", tt.name, again.first(), again.Rule, told.first(), told.Rule)
		}
	}
	// Down as assumed, then down as it is.
	const text = "/fast what time is it"
	assumed := g.explain(t, map[string]any{"request": chatBody("auto", text), "what_if": map[string]any{"down": []string{"google"}}})
	for range 6 {
		g.chat("auto", text+" [[simulate provider=google status=500]]")
	}
	done := g.chat("auto", text)
	if got := done.Header.Get("x-pointsman-model"); assumed.first() != got || got == "gemini-3-flash-preview" {
		t.Errorf("with google down: told %s, done %s (%s), want the same, and no Gemini", assumed.first(), got, done.Header.Get("x-pointsman-decision"))
	}
	// Other rules, and another time.
	draft := []map[string]any{{"id": "late", "name": "Late", "when": "time.hour >= 22", "target": "gpt-5-mini", "enabled": true}}
	for at, want := range map[string]string{"2026-11-23T23:00:00Z": "late", "2026-11-23T08:00:00Z": "default"} {
		told := g.explain(t, map[string]any{"request": chatBody("auto", "good morning"), "account_id": "default", "what_if": map[string]any{"rules": draft, "at": at}})
		if told.Rule != want {
			t.Errorf("at %s the draft decides by %s, want %s", at, told.Rule, want)
		}
	}
}

// explainRecorded waits until the request's record is written.
func (g *gateway) explainRecorded(t *testing.T, id string) explained {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a := g.do(http.MethodPost, "/api/v1/route/explain", map[string]any{"request_id": id})
		var out explained
		if a.Status == http.StatusOK {
			if err := json.Unmarshal(a.Body, &out); err != nil {
				t.Fatal(err)
			}
			return out
		}
		if a.Status != http.StatusNotFound || time.Now().After(deadline) {
			t.Fatalf("explain of %s = %d: %s", id, a.Status, a.Body)
		}
	}
}

// A backtest over what the gateway recorded moves what the draft says, and nothing else.
func TestBacktestOfTheRecorded(t *testing.T) {
	g := startGateway(t)
	for _, text := range []string{"good morning", "good evening", "/fast what time is it"} {
		g.explainRecorded(t, g.chat("auto", text).Header.Get("x-request-id"))
	}
	a := g.do(http.MethodPost, "/api/v1/rules/backtest", map[string]any{"rules": []map[string]any{
		{"id": "fast", "name": "Fast", "when": "request.command == '/fast'", "target": "gpt-5", "enabled": true},
	}})
	var out struct {
		Scanned, Decided, Moved int
		Moves                   []struct{ From, To string }
	}
	if err := json.Unmarshal(a.Body, &out); err != nil || a.Status != http.StatusOK {
		t.Fatalf("POST rules/backtest = %d, %v: %s", a.Status, err, a.Body)
	}
	if out.Scanned != 3 || out.Decided != 3 || out.Moved != 1 || out.Moves[0].From != "gemini-3-flash-preview" || out.Moves[0].To != "gpt-5" {
		t.Errorf("backtest = %+v, want one of three moved from Gemini to gpt-5", out)
	}
	// As a stream it ends with the same, and says of bad rules what is wrong.
	for body, want := range map[string]string{
		`{"rules":[{"id":"fast","name":"Fast","when":"request.command == '/fast'","target":"gpt-5","enabled":true}]}`: "event: backtest\ndata: {\"scanned\":3,\"decided\":3,",
		`{"rules":[{"id":"bad","name":"Bad","when":"1 +","target":"gpt-5","enabled":true}]}`:                          "event: error\ndata: {\"message\":",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL()+"/api/v1/rules/backtest", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+g.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/event-stream")
		streamed, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(streamed.Body)
		_ = streamed.Body.Close()
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("streamed backtest = %q, %v, want %q in it", text, err, want)
		}
	}
}
