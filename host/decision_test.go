package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// decided is what tests read of a recorded decision.
type decided struct {
	RequestID  string `json:"request_id"`
	Rule       string
	Model      string
	Provider   string
	Asked      string
	Code       string
	Attempts   int
	UserID     string `json:"user_id"`
	KeyID      string `json:"key_id"`
	Cost       int64  `json:"cost_nano_usd"`
	Targets    []string
	Ranking    []string
	Tokens     struct{ Prompt, Completion int64 }
	Candidates []struct {
		Model string
		Skip  *struct{ Reason, Detail string }
	}
	Rules    []struct{ ID, Outcome string }
	Note     string `json:"rules_note"`
	Features struct {
		Chars    int
		HasImage bool `json:"has_image"`
		HasCode  bool `json:"has_code"`
		Messages int
		Command  string
	}
	Usage []struct {
		Model     string
		Attempt   int
		RequestID string `json:"request_id"`
		Cost      int64  `json:"cost_nano_usd"`
	}
	Text     string
	Metadata json.RawMessage
	Body     json.RawMessage
	TextKept bool `json:"text_kept"`
}

// decision reads a decision, with the rows of its attempts, which the ledger writes by itself.
func (g *gateway) decision(t *testing.T, id string) (d decided) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		a := g.do(http.MethodGet, "/api/v1/decisions/"+url.PathEscape(id), nil)
		if a.Status != http.StatusOK {
			t.Fatalf("GET decision %s = %d %s", id, a.Status, a.Body)
		}
		d = decided{}
		if err := json.Unmarshal(a.Body, &d); err != nil {
			t.Fatal(err)
		}
		if len(d.Usage) >= d.Attempts || time.Now().After(deadline) {
			return d
		}
	}
}

// What the routing table shows of the system rules can be read again, whole.
func TestRoutingTableIsRecorded(t *testing.T) {
	g := sharedGateway(t)
	table := routingTable()
	answers := make([]answer, len(table))
	for i, tt := range table {
		answers[i] = g.do(http.MethodPost, "/v1/chat/completions", tt.body)
	}
	for i, tt := range table { // the first one waits for the writers, the others find their rows
		a := answers[i]
		id := a.Header.Get("x-request-id")
		d := g.decision(t, id)
		if d.RequestID != id || d.Rule != tt.wantRule || d.Model != tt.wantModel || d.Asked != "auto" || d.Code != "" {
			t.Errorf("%s: record = %s by %s to %s, want %s to %s", tt.name, d.RequestID, d.Rule, d.Model, tt.wantRule, tt.wantModel)
		}
		if d.Provider != a.Header.Get("x-pointsman-provider") || d.Attempts != 1 || d.UserID != "admin" || d.KeyID == "" {
			t.Errorf("%s: %s, %d attempts, user %q, key %q, want those of the answer", tt.name, d.Provider, d.Attempts, d.UserID, d.KeyID)
		}
		if len(d.Targets) == 0 || d.Targets[0] != tt.wantModel || len(d.Candidates) < len(d.Targets) || d.Candidates[0].Skip != nil {
			t.Errorf("%s: targets %v, candidates %v, want %s as the first", tt.name, d.Targets, d.Candidates, tt.wantModel)
		}
		if (len(d.Ranking) == 0) != (tt.wantRule == "default") {
			t.Errorf("%s: ranking %v of rule %s", tt.name, d.Ranking, d.Rule)
		}
		if len(d.Usage) != 1 || d.Usage[0].Model != tt.wantModel || d.Usage[0].Cost != d.Cost || d.Cost <= 0 || d.Tokens.Prompt <= 0 || d.Tokens.Completion <= 0 {
			t.Errorf("%s: usage %+v, cost %d, tokens %+v, want the one attempt and its cost", tt.name, d.Usage, d.Cost, d.Tokens)
		}
		if messages := len(tt.body["messages"].([]any)); d.Features.Messages != messages {
			t.Errorf("%s: %d messages, want %d", tt.name, d.Features.Messages, messages)
		}
		if d.TextKept || d.Text != "" || d.Body != nil || d.Metadata != nil {
			t.Errorf("%s: text is kept: %q %s %s", tt.name, d.Text, d.Body, d.Metadata)
		}
		checkRules(t, tt, d)
	}
}

// checkRules asks that the rules' parts are those that led to the decision.
func checkRules(t *testing.T, tt routed, d decided) {
	t.Helper()
	matched := ""
	for _, r := range d.Rules {
		if r.Outcome == "matched" {
			matched += r.ID
		}
	}
	if want := strings.TrimPrefix(tt.wantRule, "default"); matched != want || len(d.Rules) < 8 || d.Note != "" {
		t.Errorf("%s: rules %v, note %q, want %q matched among the eight", tt.name, d.Rules, d.Note, want)
	}
}

func TestDecisionsAreListed(t *testing.T) {
	g := sharedGateway(t)
	session := "decisions-are-listed"
	ids := map[string]bool{}
	for _, text := range []string{"why?", "good morning", "[[simulate status=500]] hello there"} {
		body := withMember(chatBody("gpt-4.1", text), "metadata", map[string]any{"session_id": session})
		body["models"] = []string{}
		ids[g.do(http.MethodPost, "/v1/chat/completions", body).Header.Get("x-request-id")] = true
	}
	type page struct {
		Data []decided
		Next string
	}
	list := func(query string) (p page) {
		t.Helper()
		a := g.do(http.MethodGet, "/api/v1/decisions?session_id="+session+query, nil)
		if err := json.Unmarshal(a.Body, &p); err != nil || a.Status != http.StatusOK {
			t.Fatalf("GET decisions%s = %d %s", query, a.Status, a.Body)
		}
		return p
	}
	for query, want := range map[string]int{
		"": 3, "&code=ok": 2, "&code=upstream_error": 1, "&rule=pinned": 3, "&rule=default": 0, "&model=gpt-4.1&code=ok": 2, "&user_id=admin": 3, "&variant=x": 0,
		"&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z": 0,
	} {
		if got := list(query); len(got.Data) != want || got.Next != "" {
			t.Errorf("GET decisions of the session%s = %d rows, next %q, want %d", query, len(got.Data), got.Next, want)
		}
	}
	after := ""
	for range 3 {
		p := list("&limit=1" + after)
		if len(p.Data) != 1 || !ids[p.Data[0].RequestID] {
			t.Fatalf("page of one = %+v, want one of %v", p, ids)
		}
		delete(ids, p.Data[0].RequestID)
		after = "&after=" + url.QueryEscape(p.Next)
	}
	for path, want := range map[string]int{
		"/api/v1/decisions?session_id=another" + after:                        400,
		"/api/v1/decisions?after=made-up":                                     400,
		"/api/v1/decisions?limit=201":                                         422,
		"/api/v1/decisions?from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z": 400,
		"/api/v1/decisions/nothing":                                           404,
		"/api/v1/decisions/%00":                                               404,
		"/api/v1/decisions/" + strings.Repeat("x", 129):                       422,
	} {
		if a := g.do(http.MethodGet, path, nil); a.Status != want && !(want == 422 && a.Status == 400) {
			t.Errorf("GET %s = %d %s, want %d", path, a.Status, a.Body, want)
		}
	}
}

const promptCanary = "canary-9d41e7-of-the-prompt"

// What people write is nowhere in the data folder unless the account asks for it; the policy
// that keeps no text wins.
func TestDecisionsKeepNoTextUnasked(t *testing.T) {
	for _, c := range []struct {
		name string
		on   func(t *testing.T, c *Config)
	}{
		{"sqlite", func(*testing.T, *Config) {}},
		{"postgres", func(t *testing.T, c *Config) {
			c.DatabaseURL, c.EncryptionKey = storetest.PostgresURL(t), strings.Repeat("k", 32)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			keepsNoText(t, startGateway(t, func(cfg *Config, _ *Options) { c.on(t, cfg) }))
		})
	}
}

func keepsNoText(t *testing.T, g *gateway) {
	say := func(canary string) string {
		t.Helper()
		body := withMember(chatBody("auto", "why "+canary), "metadata", map[string]any{"note": canary})
		return g.want(http.StatusOK, http.MethodPost, "/v1/chat/completions", body).Header.Get("x-request-id")
	}
	put := func(body map[string]any) {
		t.Helper()
		g.want(http.StatusOK, http.MethodPut, "/api/v1/decision-settings?account_id=default", body)
	}
	unasked := say(promptCanary)
	if d := g.decision(t, unasked); d.TextKept || d.Rule != "complex-reasoning" {
		t.Errorf("decision = %+v, want no text and its rule", d)
	}
	put(map[string]any{"record": "all", "text": true, "retention_days": 14})
	kept := say("spoken aloud")
	if d := g.decision(t, kept); !d.TextKept || !strings.Contains(d.Text, "spoken aloud") || !bytes.Contains(d.Body, []byte("spoken aloud")) || !bytes.Contains(d.Metadata, []byte("spoken aloud")) {
		t.Errorf("decision with text = %+v, want the text, the body and the metadata", d)
	}
	g.want(http.StatusOK, http.MethodPut, "/api/v1/preferences?account_id=default", map[string]any{"store_text": false})
	if d := g.decision(t, say(promptCanary)); d.TextKept || d.Text != "" {
		t.Errorf("decision where the policy keeps no text = %+v, want none", d)
	}
	put(map[string]any{"record": "none", "text": true, "retention_days": 14})
	if a := g.do(http.MethodGet, "/api/v1/decisions/"+say(promptCanary), nil); a.Status != http.StatusNotFound {
		t.Errorf("decision that is not to be recorded = %d %s, want 404", a.Status, a.Body)
	}
	// Taken away, the account inherits again; an id may be any word.
	left := g.want(http.StatusOK, http.MethodDelete, "/api/v1/decision-settings?account_id=default", nil)
	if left.field(t, "own") != "false" || left.field(t, "record") != "all" || left.field(t, "text") != "false" {
		t.Errorf("settings after they were deleted = %s, want the usual ones", left.Body)
	}
	named := g.send("/v1/chat/completions", `{"model":"auto","messages":[{"role":"user","content":"why"}]}`, "x-request-id", "settings")
	if id := named.Header.Get("x-request-id"); id != "settings" {
		t.Fatalf("request id = %q, want the caller's", id)
	}
	if d := g.decision(t, "settings"); d.RequestID != "settings" || d.TextKept {
		t.Errorf("decision on the request 'settings' = %+v, want it, without text", d)
	}
	for _, bad := range []map[string]any{
		{"record": "sampled", "text": false, "retention_days": 14},
		{"record": "all", "share_percent": 5, "text": false, "retention_days": 14},
		{"record": "all", "text": false, "retention_days": 91},
		{"record": "some", "text": false, "retention_days": 14},
	} {
		if a := g.do(http.MethodPut, "/api/v1/decision-settings?account_id=default", bad); a.Status != 400 && a.Status != 422 {
			t.Errorf("PUT settings %v = %d %s, want it refused", bad, a.Status, a.Body)
		}
	}
	if a := g.do(http.MethodPut, "/api/v1/decision-settings", map[string]any{"record": "all", "text": true, "retention_days": 14}); a.Status != 400 {
		t.Errorf("PUT text for everybody = %d %s, want 400", a.Status, a.Body)
	}
	rows := 0
	err := g.store.ScanDecisions(t.Context(), "", time.Unix(0, 0), testNow.Add(time.Hour), func(list []engine.DecisionRow) error {
		for i := range list {
			rows++
			data := list[i].Data
			list[i].Data = nil
			if columns := fmt.Sprintf("%+v", list[i]); bytes.Contains(data, []byte(promptCanary)) || strings.Contains(columns, promptCanary) {
				t.Errorf("a decision holds what was written in a prompt: %s %q", columns, data)
			}
		}
		return nil
	})
	if err != nil || rows != 4 {
		t.Errorf("%d decisions are stored, %v, want 4", rows, err)
	}
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	if g.cfg.DatabaseURL != "" {
		return
	}
	files := 0
	err = filepath.WalkDir(g.cfg.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		if bytes.Contains(b, []byte(promptCanary)) {
			t.Errorf("%s holds what was written in a prompt", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files searched, %v", files, err)
	}
}

// told is the explanation in an answer.
type told struct {
	Pointsman *struct {
		RequestID  string `json:"request_id"`
		Rule       string
		Rules      []struct{ ID, Outcome, Clause string }
		Candidates []struct {
			Model string
			State *struct{ Health string }
		}
		Features *struct{ Chars int }
		Error    string `json:"error_code"`
	}
}

func TestAnswersExplain(t *testing.T) {
	g := sharedGateway(t)
	say := `"messages":[{"role":"user","content":"But why?"}]`
	for _, tt := range []struct{ name, path, body string }{
		{"chat", "/v1/chat/completions", `{"model":"auto",` + say + `}`},
		{"messages", "/v1/messages", `{"model":"auto","max_tokens":64,` + say + `}`},
		{"responses", "/v1/responses", `{"model":"auto","input":"But why?"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plain := g.send(tt.path, tt.body)
			if bytes.Contains(plain.Body, []byte(`"pointsman"`)) {
				t.Errorf("an answer explains unasked: %s", plain.Body)
			}
			a := g.send(tt.path, tt.body, "x-pointsman-explain", "true")
			var got told
			if err := json.Unmarshal(a.Body, &got); err != nil || got.Pointsman == nil {
				t.Fatalf("answer = %d %s, %v, want it explained", a.Status, a.Body, err)
			}
			e := got.Pointsman
			if e.RequestID != a.Header.Get("x-request-id") || e.Rule != "complex-reasoning" || len(e.Candidates) == 0 || e.Candidates[0].Model != a.Header.Get("x-pointsman-model") {
				t.Errorf("explanation = %+v, want that of the request", e)
			}
			streamed := g.send(tt.path, strings.Replace(tt.body, `{`, `{"stream":true,`, 1), "x-pointsman-explain", "true")
			text := string(streamed.Body)
			if strings.Count(text, `"rule":"complex-reasoning"`) != 1 {
				t.Errorf("stream = %s, want it explained once", text)
			}
			if chat := tt.name == "chat"; chat != strings.HasSuffix(strings.TrimSpace(text), "[DONE]") || chat == strings.Contains(text, ": pointsman {") {
				t.Errorf("stream = %s, want a chunk of a chat and a comment of the others", text)
			}
		})
	}
	refused := g.send("/v1/chat/completions", `{"model":"gpt-99",`+say+`}`, "x-pointsman-explain", "true")
	var got told
	if err := json.Unmarshal(refused.Body, &got); err != nil || got.Pointsman == nil || got.Pointsman.Error != "model_not_found" {
		t.Errorf("refusal = %d %s, want it explained", refused.Status, refused.Body)
	}
}

// A key that may only infer learns which rule decided, and nothing of how.
func TestExplanationsOfAnInferenceKey(t *testing.T) {
	g := sharedGateway(t)
	made := g.want(http.StatusCreated, http.MethodPost, "/api/v1/keys", map[string]any{"name": "infers", "scopes": []string{"inference"}})
	caller := *g
	caller.key = made.field(t, "secret")
	a := caller.send("/v1/chat/completions", `{"model":"auto","messages":[{"role":"user","content":"But why?"}]}`, "x-pointsman-explain", "true")
	var got told
	if err := json.Unmarshal(a.Body, &got); err != nil || got.Pointsman == nil || got.Pointsman.Rule != "complex-reasoning" {
		t.Fatalf("answer = %s, want it explained", a.Body)
	}
	for _, r := range got.Pointsman.Rules {
		if r.Clause != "" || r.Outcome == "" {
			t.Errorf("rule %+v, want an outcome and no clause", r)
		}
	}
	for _, secret := range []string{"mentions", "127.0.0.1", "http", "key_id", "estimated_nano_usd", "remaining_requests", `"budget"`, "upstream_id", `"detail"`} {
		if bytes.Contains(a.Body, []byte(secret)) {
			t.Errorf("the explanation has %q: %s", secret, a.Body)
		}
	}
	full := g.send("/v1/chat/completions", `{"model":"auto","messages":[{"role":"user","content":"But why?"}]}`, "x-pointsman-explain", "true")
	if err := json.Unmarshal(full.Body, &got); err != nil || got.Pointsman.Features == nil || got.Pointsman.Candidates[0].State == nil {
		t.Errorf("explanation of a reader = %s, want features and states", full.Body)
	}
}

// Client libraries survive the chunk that explains a stream.
func TestOpenAIGoReadsExplainedStream(t *testing.T) {
	g := sharedGateway(t)
	client := openAIClient(g, g.key)
	stream := client.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{
		Model: "gpt-4o", Messages: userMessages("Explain tides."),
	}, option.WithHeader("x-pointsman-explain", "true"))
	var all openai.ChatCompletionAccumulator
	explained := false
	for stream.Next() {
		chunk := stream.Current()
		if !all.AddChunk(chunk) {
			t.Fatalf("a chunk does not continue the stream: %s", chunk.RawJSON())
		}
		explained = explained || chunk.JSON.ExtraFields["pointsman"].Raw() != ""
	}
	if err := stream.Err(); err != nil || !explained || len(all.Choices) != 1 || all.Choices[0].FinishReason != "stop" {
		t.Errorf("stream = %+v, %v, explained %v, want the whole answer and the explanation", all.Choices, err, explained)
	}
}
