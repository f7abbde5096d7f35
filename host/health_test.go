package host

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/host/health"
)

// subjectShown is a subject as GET /api/v1/health has it.
type subjectShown struct {
	Kind, Provider, Credential, Status, Switch, Reason, Why string
	UpstreamID                                              string `json:"upstream_id"`
	LastError                                               string `json:"last_error"`
	Models                                                  []string
	Attempts                                                *int64
	Out                                                     bool
	Check                                                   *struct {
		OK   bool
		Paid bool
	}
	PaidProbe *struct {
		Spent int64 `json:"spent_today_nano_usd"`
	} `json:"paid_probe"`
	Cells []struct{ Status string }
}

// shows returns what the key of g is shown of health.
func (g *gateway) shows(t *testing.T, query string) []subjectShown {
	t.Helper()
	var out struct{ Data []subjectShown }
	a := g.want(200, http.MethodGet, "/api/v1/health"+query, nil)
	if err := json.Unmarshal(a.Body, &out); err != nil {
		t.Fatalf("GET /api/v1/health%s = %s: %v", query, a.Body, err)
	}
	return out.Data
}

// TestHealth has a whole gateway find a model down, tell of it, and be told what to ask.
func TestHealth(t *testing.T) {
	g := startGateway(t, func(_ *Config, o *Options) { o.Thresholds = health.Thresholds{} })
	g.want(201, http.MethodPost, "/api/v1/accounts", map[string]any{"id": "acme", "name": "acme"})
	g.want(201, http.MethodPost, "/api/v1/users", map[string]any{"id": "boss", "name": "boss", "account_id": "acme", "role": "account_admin"})
	tenant := *g
	tenant.key = g.want(201, http.MethodPost, "/api/v1/keys", map[string]any{"name": "k", "account_id": "acme", "user_id": "boss"}).field(t, "secret")

	for _, s := range g.shows(t, "") {
		if s.Status != "healthy" || s.Out || s.Attempts == nil {
			t.Errorf("before anything was asked %+v, want it healthy", s)
		}
	}
	for range 5 {
		g.chat("anthropic/claude-opus-4.5", "[[simulate provider=anthropic status=503]] hi")
	}
	down := g.shows(t, "?status=down")
	if len(down) != 1 || down[0].Kind != "model" || down[0].Provider != "anthropic" || len(down[0].Models) != 1 || down[0].Models[0] != "claude-opus-4.5" || !down[0].Out ||
		down[0].Reason != "consecutive_failures" || down[0].LastError == "" || *down[0].Attempts != 5 || len(down[0].Cells) != 1 || down[0].Cells[0].Status != "down" {
		t.Fatalf("after five failures = %+v, want the model down with its reason", down)
	}
	if a := g.chat("claude-opus-4.5", "hi"); a.Status != 200 || a.Header.Get("x-pointsman-attempts") != "1" || !strings.Contains(a.Header.Get("x-pointsman-decision"), "claude-opus-4.5 down") {
		t.Errorf("a request for what is down = %d, %q, want its fallback at once", a.Status, a.Header.Get("x-pointsman-decision"))
	}
	if events := g.want(200, http.MethodGet, "/api/v1/events", nil); !strings.Contains(string(events.Body), `"kind":"health.status_change"`) || !strings.Contains(string(events.Body), `"consecutive":5`) {
		t.Errorf("events = %s, want the change with its evidence", events.Body)
	}
	if got := tenant.shows(t, "?status=down"); len(got) != 1 || got[0].Attempts != nil || got[0].LastError != "" || got[0].Why != "consecutive failures" {
		t.Errorf("a tenant is shown %+v, want the status alone", got)
	}
	for _, s := range tenant.shows(t, "") {
		if s.Kind == "credential" {
			t.Errorf("a tenant is shown the operator's credential %+v", s)
		}
	}

	drained := g.want(200, http.MethodPost, "/api/v1/health/openai/drain?model=gpt-4o", map[string]any{"note": "maintenance"})
	if drained.field(t, "switch") != "drained" || drained.field(t, "note") != "maintenance" {
		t.Errorf("drain = %s, want it drained", drained.Body)
	}
	if a := g.chat("gpt-4o", "hi"); a.Status != 200 || a.Header.Get("x-pointsman-model") == "gpt-4o" || !strings.Contains(a.Header.Get("x-pointsman-decision"), "gpt-4o drained") {
		t.Errorf("a request for what is drained = %d, %q, want its fallback", a.Status, a.Header.Get("x-pointsman-decision"))
	}
	g.want(200, http.MethodPost, "/api/v1/health/openai/enable?model=gpt-4o", nil)
	if a := g.chat("gpt-4o", "hi"); a.Header.Get("x-pointsman-model") != "gpt-4o" {
		t.Errorf("after enable it was served by %q, want gpt-4o", a.Header.Get("x-pointsman-model"))
	}
	for path, want := range map[string]int{
		"ghost/drain": 404, "openai/drain?model=ghost": 404, "openai/drain?credential=ghost": 404, "openai/drain?account_id=rival": 404,
	} {
		g.want(want, http.MethodPost, "/api/v1/health/"+path, nil)
	}
	tenant.want(403, http.MethodPost, "/api/v1/health/openai/drain", nil)

	g.want(200, http.MethodPut, "/api/v1/health/openai/paid-probe?model=gpt-4o", map[string]any{"enabled": true, "daily_cap_nano_usd": 10_000_000})
	g.want(422, http.MethodPut, "/api/v1/health/openai/paid-probe", map[string]any{"enabled": true, "daily_cap_nano_usd": -1})
	g.want(400, http.MethodPut, "/api/v1/health/openai/paid-probe", map[string]any{"enabled": true})
	probed := g.want(200, http.MethodPost, "/api/v1/health/openai/probe?paid=true", nil)
	if text := string(probed.Body); !strings.Contains(text, `"paid":true`) || !strings.Contains(text, `"cost_nano_usd":`) || strings.Contains(text, `"ok":false`) {
		t.Errorf("probe = %s, want the list and the call to succeed", text)
	}
	checked := g.shows(t, "?provider=openai&kind=provider")
	if len(checked) != 1 || checked[0].Check == nil || !checked[0].Check.OK {
		t.Errorf("after a probe = %+v, want its check", checked)
	}
	spent := int64(0)
	for _, s := range g.shows(t, "?provider=openai&kind=model&cells=false") {
		if s.PaidProbe != nil {
			spent += s.PaidProbe.Spent
		}
	}
	if spent <= 0 {
		t.Errorf("%d nano-USD are shown as spent, want what the paid probe cost", spent)
	}
	if list := g.want(200, http.MethodGet, "/api/v1/health/anthropic/transitions", nil); !strings.Contains(string(list.Body), `"to":"down"`) {
		t.Errorf("transitions = %s, want how the model went down", list.Body)
	}
	tenant.want(403, http.MethodGet, "/api/v1/health/anthropic/transitions", nil)
	audit := string(g.want(200, http.MethodGet, "/api/v1/audit?global=true&action=health.", nil).Body)
	for _, action := range []string{"health.drain", "health.enable", "health.paid_probe", "health.probe"} {
		if !strings.Contains(audit, `"action":"`+action+`","object":"health/openai`) {
			t.Errorf("the audit has no %s: %s", action, audit)
		}
	}
}
