package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is a provider's server that keeps what it is sent and answers as it is told.
type recorder struct {
	*httptest.Server
	mu     sync.Mutex
	path   string
	header http.Header
	body   []byte
	count  int

	status int
	answer string // one that begins like an event is streamed
	cut    bool   // the connection ends after answer
}

func record() *recorder {
	r := &recorder{status: 200}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.path, r.header, r.body = req.URL.Path, req.Header.Clone(), body
		r.count++
		status, text, cut := r.status, r.answer, r.cut
		r.mu.Unlock()
		kind := "application/json"
		if strings.HasPrefix(text, "event:") || strings.HasPrefix(text, "data:") || bytes.Contains(body, []byte(`"stream":true`)) && status == 200 {
			kind = "text/event-stream"
		}
		w.Header().Set("Content-Type", kind)
		if cut {
			w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	return r
}

func (r *recorder) answers(status int, text string, cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.answer, r.cut, r.body = status, text, cut, nil
}

func (r *recorder) got() (path string, header http.Header, body string, count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.path, r.header, string(r.body), r.count
}

// recorded is the gateway whose Anthropic and OpenAI are recorders.
var recorded struct {
	kept
	anthropic, openAI *recorder
}

// recordedGateway serves Anthropic and OpenAI by recorders. One gateway serves all tests, one
// after the other: none of them may run in parallel, or change a setting.
func recordedGateway(t *testing.T) (g *gateway, anthropic, openAI *recorder) {
	t.Helper()
	r := &recorded
	g = r.gateway(t, func(c *Config, _ *Options) {
		r.anthropic, r.openAI = record(), record()
		c.Upstreams = Upstreams{AnthropicKey: "sk-ant-test", AnthropicBase: r.anthropic.URL, OpenAIKey: "sk-test", OpenAIBase: r.openAI.URL + "/v1"}
	})
	r.anthropic.answers(200, "", false)
	r.openAI.answers(200, "", false)
	return g, r.anthropic, r.openAI
}

// send posts a body as it is, with further headers.
func (g *gateway) send(path, body string, header ...string) answer {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.URL()+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", g.key)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, text}
	checkDeclared(g.t, http.MethodPost, path, a)
	return a
}

// nativeWires are the two wires that are passed on, each with a model of its own.
var nativeWires = []struct{ folder, path, upstream, model string }{
	{"anthropic", "/v1/messages", "/v1/messages", "claude-opus-4.5"},
	{"openai-responses", "/v1/responses", "/v1/responses", "gpt-5.1-codex"},
}

// exchange is a recorded exchange with a good answer.
type exchange struct{ name, request, answer string }

func exchanges(t *testing.T, folder string) (list []exchange) {
	t.Helper()
	folders, _ := filepath.Glob(filepath.Join("..", "..", "shared", "data", "fixtures", folder, "*"))
	for _, dir := range folders {
		request, _ := os.ReadFile(filepath.Join(dir, "request.json"))
		answer, err := os.ReadFile(filepath.Join(dir, "response.json"))
		if err != nil {
			answer, _ = os.ReadFile(filepath.Join(dir, "stream.sse"))
		}
		name := filepath.Base(dir)
		if len(request) == 0 || len(answer) == 0 || strings.Contains(name, "error") || strings.Contains(name, "count") || strings.Contains(name, "failed") {
			continue
		}
		list = append(list, exchange{name, string(request), string(answer)})
	}
	if len(list) == 0 {
		t.Skip("no recorded fixtures beside this checkout")
	}
	return list
}

// withModel replaces the model of a request, an answer or an event.
func withModel(text, model string) string {
	const member = `"model":`
	at := strings.Index(text, member)
	if at < 0 {
		return text
	}
	from := at + len(member) + strings.IndexByte(text[at+len(member):], '"')
	to := from + 1 + strings.IndexByte(text[from+1:], '"') + 1
	return text[:from] + `"` + model + `"` + text[to:]
}

func modelOf(t *testing.T, text string) string {
	t.Helper()
	var body struct{ Model string }
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return body.Model
}

// usageRow is what is kept of an attempt.
type usageRow struct {
	Provider, Outcome string
	Status            int
	Estimated         bool
	Tokens            map[string]int64
}

func (g *gateway) usage(a answer, want int) (rows []usageRow) {
	g.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var page struct{ Data []usageRow }
		page.Data = nil
		got := g.do(http.MethodGet, "/api/v1/usage?request_id="+a.Header.Get("X-Request-Id"), nil)
		if err := json.Unmarshal(got.Body, &page); err != nil {
			g.t.Fatalf("usage: %v\n%s", err, got.Body)
		}
		if len(page.Data) >= want || time.Now().After(deadline) {
			return page.Data
		}
	}
}

// Every recorded request reaches its own provider byte for byte, and every recorded answer
// the caller, but for the model; the row has what the adapter would count.
func TestNativeExchanges(t *testing.T) {
	g, anthropic, openAI := recordedGateway(t)
	for _, w := range nativeWires {
		upstream := anthropic
		if w.folder != "anthropic" {
			upstream = openAI
		}
		passed := 0
		for _, x := range exchanges(t, w.folder) {
			t.Run(w.folder+"/"+x.name, func(t *testing.T) {
				upstream.answers(200, x.answer, false)
				source := withModel(x.request, w.model)
				a := g.send(w.path, source)
				path, _, body, _ := upstream.got()
				if a.Status != 200 || path != w.upstream {
					t.Fatalf("status %d from %s\n%s", a.Status, path, a.Body)
				}
				if strings.Contains(body, `"temperature"`) != strings.Contains(source, `"temperature"`) {
					t.Skip("the model does not take the temperature, so the adapter is asked")
				}
				passed++
				id := modelOf(t, body)
				if want := withModel(source, id); body != want || id == w.model && w.folder == "anthropic" {
					t.Errorf("the provider got\n%s\nwant\n%s", body, want)
				}
				checkNativeAnswer(t, string(a.Body), x.answer, w.model)

				// The same answer through the adapter, to a caller of Chat.
				chat := map[string]any{"model": w.model, "messages": []any{map[string]any{"role": "user", "content": "hi"}}, "stream": strings.Contains(x.answer, "data:")}
				translated := g.do(http.MethodPost, "/v1/chat/completions", chat)
				rows, want := g.usage(a, 1), g.usage(translated, 1)
				if len(rows) != 1 || len(want) != 1 || fmt.Sprint(rows[0]) != fmt.Sprint(want[0]) {
					t.Errorf("usage = %+v, want %+v, which the adapter counts", rows, want)
				}
			})
		}
		if passed < 8 {
			t.Errorf("%s: %d exchanges were passed on, want at least 8", w.folder, passed)
		}
	}
}

// checkNativeAnswer compares what the caller got with what the provider sent.
func checkNativeAnswer(t *testing.T, got, sent, model string) {
	t.Helper()
	if !strings.Contains(sent, "data:") {
		if want := withModel(sent, model); got != want && got != strings.TrimSpace(want) {
			t.Errorf("the caller got\n%s\nwant\n%s", got, want)
		}
		return
	}
	started := false
	var want []string
	for block := range strings.SplitSeq(strings.TrimSpace(strings.ReplaceAll(sent, "\r\n", "\n")), "\n\n") {
		name, data, _ := strings.Cut(block, "\ndata:")
		if name == "event: message_start" {
			if started {
				continue // repeated by a proxy
			}
			started = true
		}
		if strings.Contains(data, `"message":{`) || strings.Contains(data, `"response":{`) {
			data = withModel(data, model)
		}
		want = append(want, strings.TrimRight(name+"\ndata: "+strings.TrimPrefix(data, " "), " "))
	}
	var have []string
	for block := range strings.SplitSeq(strings.TrimSpace(got), "\n\n") {
		have = append(have, strings.TrimRight(block, " "))
	}
	if !slices.Equal(have, want) {
		t.Errorf("the caller got\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

const (
	messageAnswer  = `{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}`
	responseAnswer = `{"id":"resp_1","object":"response","created_at":1,"status":"completed","error":null,"model":"up","output":[{"id":"m","type":"message","role":"assistant","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}`
	chatAnswer     = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`
)

// The caller's beta headers go along, ours and its key do not.
func TestNativeHeaders(t *testing.T) {
	g, anthropic, openAI := recordedGateway(t)
	anthropic.answers(200, messageAnswer, false)
	openAI.answers(200, responseAnswer, false)
	a := g.send("/v1/messages?beta=true", `{"model":"claude-opus-4.5","max_tokens":5,"messages":[{"role":"user","content":"hi"}],"unheard_of":{"x":1e2}}`,
		"Anthropic-Beta", "one,two", "Anthropic-Beta", "three", "Anthropic-Version", "2024-01-01", "Openai-Beta", "x")
	_, header, body, _ := anthropic.got()
	if a.Status != 200 || header.Get("Anthropic-Beta") != "one,two,three" || header.Get("Anthropic-Version") != "2023-06-01" || header.Get("X-Api-Key") != "sk-ant-test" || header.Get("Openai-Beta") != "" || header.Get("Content-Type") != "application/json" {
		t.Errorf("status %d; the provider got %v", a.Status, header)
	}
	if !strings.Contains(body, `"unheard_of":{"x":1e2}`) || a.Header.Get("X-Pointsman-Lossy") != "" {
		t.Errorf("the provider got %s, lossy %q, want the unknown member and nothing lost", body, a.Header.Get("X-Pointsman-Lossy"))
	}
	g.send("/v1/responses", `{"model":"gpt-5.1-codex","input":"hi"}`, "Openai-Beta", "responses=v1")
	if _, header, _, _ = openAI.got(); header.Get("Openai-Beta") != "responses=v1" || header.Get("Authorization") != "Bearer sk-test" || strings.Contains(fmt.Sprint(header), testKey) {
		t.Errorf("OpenAI got %v", header)
	}
	for _, bad := range []string{strings.Repeat("a", 1025), "a\x80"} {
		if a := g.send("/v1/messages", `{"model":"auto"}`, "Anthropic-Beta", bad); a.Status != 400 {
			t.Errorf("anthropic-beta %.8q… = %d, want 400", bad, a.Status)
		}
	}
}

// What only a provider of the wire can carry goes to it, and is refused by name elsewhere.
func TestNativeOnly(t *testing.T) {
	g, anthropic, openAI := recordedGateway(t)
	anthropic.answers(200, messageAnswer, false)
	openAI.answers(200, responseAnswer, false)
	message := func(model, more string) string {
		return `{"model":"` + model + `","max_tokens":5,"messages":[{"role":"user","content":"hi"}]` + more + `}`
	}
	response := func(model, more string) string { return `{"model":"` + model + `","input":"hi"` + more + `}` }
	tests := []struct {
		name, path, body string
		wantProvider     string // "": refused
		wantParam        string
	}{
		{"a server tool at home", "/v1/messages", message("claude-opus-4.5", `,"tools":[{"type":"web_search_20250305","name":"web_search"}]`), "anthropic", ""},
		{"a server tool elsewhere", "/v1/messages", message("openai/gpt-4o", `,"tools":[{"type":"web_search_20250305","name":"web_search"}]`), "", "tools[0].type"},
		{"its fallback", "/v1/messages", message("gpt-4o", `,"models":["claude-opus-4.5"],"tools":[{"type":"web_search_20250305","name":"web_search"}]`), "anthropic", ""},
		{"a stored answer at home", "/v1/responses", response("gpt-5.1-codex", `,"previous_response_id":"resp_0"`), "openai", ""},
		{"a stored answer for a model of OpenAI's other wire", "/v1/responses", response("openai/gpt-4o", `,"previous_response_id":"resp_0"`), "openai", ""},
		{"a hosted tool for a model of OpenAI's other wire", "/v1/responses", response("gpt-4o", `,"tools":[{"type":"web_search"},{"type":"local_shell"}]`), "openai", ""},
		{"a hosted tool for any model", "/v1/responses", response("auto", `,"tools":[{"type":"web_search"}]`), "openai", ""},
		{"strict, on OpenAI's other wire", "/v1/responses", response("gpt-4o", `,"client_metadata":{"a":"b"},"metadata":{"strict":"true"}`), "openai", ""},
		{"what that model rejects", "/v1/responses", response("openai/gpt-4o", `,"tools":[{"type":"web_search"}],"reasoning":{"effort":"low"}`), "", "tools[0].type"},
		{"a stored answer elsewhere", "/v1/responses", response("anthropic/claude-opus-4.5", `,"previous_response_id":"resp_0"`), "", "previous_response_id"},
		{"a hosted tool at home", "/v1/responses", response("gpt-5.1-codex", `,"tools":[{"type":"web_search"}]`), "openai", ""},
		{"a hosted tool elsewhere", "/v1/responses", response("anthropic/claude-opus-4.5", `,"tools":[{"type":"web_search"}]`), "", "tools[0].type"},
		{"strict, at home", "/v1/messages", message("claude-opus-4.5", `,"container":"c","metadata":{"strict":"true"}`), "anthropic", ""},
		{"strict, elsewhere", "/v1/messages", message("openai/gpt-4o", `,"container":"c","metadata":{"strict":"true"}`), "", "container"},
	}
	for _, tt := range tests {
		for _, stream := range []string{"", `,"stream":true`} {
			t.Run(tt.name+stream, func(t *testing.T) {
				body := tt.body[:len(tt.body)-1] + stream + "}"
				if stream != "" {
					anthropic.answers(200, messageStream, false)
					openAI.answers(200, responseStream, false)
					defer anthropic.answers(200, messageAnswer, false)
					defer openAI.answers(200, responseAnswer, false)
				}
				_, _, _, before := anthropic.got()
				_, _, _, also := openAI.got()
				a := g.send(tt.path, body)
				if tt.wantProvider != "" {
					if a.Status != 200 || a.Header.Get("X-Pointsman-Provider") != tt.wantProvider || a.Header.Get("X-Pointsman-Lossy") != "" {
						t.Errorf("answer = %d from %q, lossy %q, want %s's, nothing lost\n%s", a.Status, a.Header.Get("X-Pointsman-Provider"), a.Header.Get("X-Pointsman-Lossy"), tt.wantProvider, a.Body)
					}
					return
				}
				_, _, _, after := anthropic.got()
				_, _, _, so := openAI.got()
				if a.Status != 400 || !strings.Contains(string(a.Body), "'"+tt.wantParam+"'") || after != before || so != also {
					t.Errorf("answer = %d %s, %d calls, want a refusal of %s before anybody is called", a.Status, a.Body, after-before+so-also, tt.wantParam)
				}
				if tt.path == "/v1/responses" && a.field(t, "error", "param") != tt.wantParam {
					t.Errorf("param = %q, want %q", a.field(t, "error", "param"), tt.wantParam)
				}
			})
		}
	}
}

const (
	messageStream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"up\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n" +
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
		"event: ping\ndata: {\"type\":\"ping\"}\n\n" +
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n" +
		"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":5}}\n\n" +
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
	responseStream = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":7,\"status\":\"in_progress\",\"model\":\"up\",\"output\":[]}}\n\n" +
		"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,\"delta\":\"hi\"}\n\n" +
		"event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":7,\"status\":\"completed\",\"error\":null,\"model\":\"up\",\"output\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":5,\"total_tokens\":8}}}\n\n"
)

// Through real connections: a body that ends early, or breaks off, ends in an error event
// of the caller's wire, or before content in a status.
func TestNativeStreamCutOnTheWire(t *testing.T) {
	g, anthropic, openAI := recordedGateway(t)
	for _, w := range []struct {
		path, body, stream, last string
		upstream                 *recorder
	}{
		{"/v1/messages", `{"model":"anthropic/claude-opus-4.5","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"hi"}]}`, messageStream, "message_stop", anthropic},
		{"/v1/responses", `{"model":"openai/gpt-5.1-codex","input":"hi","stream":true}`, responseStream, "response.completed", openAI},
	} {
		whole := len(strings.TrimRight(w.stream, "\n"))
		for at := 0; at <= len(w.stream); at++ {
			for _, reset := range []bool{false, true} {
				if at%13 != 0 && at < whole-2 && !strings.HasSuffix(w.stream[:at], "\n") {
					continue
				}
				w.upstream.answers(200, w.stream[:at], reset)
				a := g.send(w.path, w.body)
				all := string(a.Body)
				// The blank line after the last event has to come where the body breaks off.
				want := at >= whole && (!reset || at == len(w.stream))
				stopped := strings.Contains(all, "event: "+w.last)
				if a.Status != 200 {
					if want || !strings.Contains(all, `"error"`) {
						t.Fatalf("%s cut at %d, reset %v = %d %s", w.path, at, reset, a.Status, a.Body)
					}
					continue
				}
				if stopped != want || strings.Contains(all, "event: error") == want || strings.Contains(all, "[DONE]") {
					t.Fatalf("%s cut at %d of %d, reset %v = %s\nwant whole: %v", w.path, at, len(w.stream), reset, all, want)
				}
				if !want && w.last == "response.completed" && !strings.Contains(all, "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":3,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":7,") {
					t.Fatalf("%s cut at %d: the failure does not go on where the events stopped:\n%s", w.path, at, all)
				}
			}
		}
	}
}

// From a provider of the wire to one that is translated, in one request.
func TestNativeFailover(t *testing.T) {
	g, anthropic, openAI := recordedGateway(t)
	anthropic.answers(529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, false)
	openAI.answers(200, chatAnswer, false)
	a := g.send("/v1/messages", `{"model":"claude-opus-4.5","models":["gpt-4o"],"max_tokens":5,"messages":[{"role":"user","content":"hi"}],"container":"c"}`)
	if a.Status != 200 || a.field(t, "type") != "message" || a.field(t, "model") != "claude-opus-4.5" || a.field(t, "content", "text") != "hi" || a.Header.Get("X-Pointsman-Model") != "gpt-4o" || !strings.Contains(a.Header.Get("X-Pointsman-Lossy"), "container") {
		t.Errorf("answer = %d by %q, lossy %q: %s", a.Status, a.Header.Get("X-Pointsman-Model"), a.Header.Get("X-Pointsman-Lossy"), a.Body)
	}
	rows := g.usage(a, 2)
	slices.SortFunc(rows, func(a, b usageRow) int { return strings.Compare(a.Provider, b.Provider) })
	if len(rows) != 2 || rows[0].Outcome != "failed" || rows[0].Status != 529 || rows[1].Outcome != "ok" {
		t.Errorf("rows = %+v, want a failed one of anthropic and a good one of openai", rows)
	}

	// And back: an error of the provider, in the caller's own form.
	a = g.send("/v1/messages", `{"model":"anthropic/claude-opus-4.5","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`)
	if a.Status != 529 || a.field(t, "error", "type") != "overloaded_error" || a.Header.Get("Request-Id") == "" {
		t.Errorf("answer = %d %s, want Anthropic's 529", a.Status, a.Body)
	}
	anthropic.answers(400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages.0: nonsense"}}`, false)
	a = g.send("/v1/messages", `{"model":"anthropic/claude-opus-4.5","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`)
	if a.Status != 400 || !strings.Contains(a.field(t, "error", "message"), "messages.0: nonsense") {
		t.Errorf("answer = %d %s, want the provider's own words", a.Status, a.Body)
	}
}

// Upstream ids pin their row on the wires whose clients have them built in.
func TestNativeModelIDs(t *testing.T) {
	g, anthropic, openAI := recordedGateway(t)
	anthropic.answers(200, messageAnswer, false)
	openAI.answers(200, responseAnswer, false)
	for _, tt := range []struct{ path, asked, want string }{
		{"/v1/messages", "claude-opus-4-5-20251101", "claude-opus-4.5"},
		{"/v1/responses", "claude-opus-4-5-20251101", "claude-opus-4.5"},
		{"/v1/responses", "gpt-5.1-codex", "gpt-5.1-codex"},
	} {
		body := `{"model":"` + tt.asked + `","input":"hi"}`
		if tt.path == "/v1/messages" {
			body = `{"model":"` + tt.asked + `","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`
		}
		a := g.send(tt.path, body)
		if a.Status != 200 || a.Header.Get("X-Pointsman-Model") != tt.want || a.field(t, "model") != tt.asked {
			t.Errorf("%s for %s = %d by %q, model %q", tt.path, tt.asked, a.Status, a.Header.Get("X-Pointsman-Model"), a.field(t, "model"))
		}
	}
}
