package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
)

// nativeAsk asks for auto in a wire of the caller's own.
func nativeAsk(t testing.TB, wire API, source string) *Request {
	t.Helper()
	r := rigRequest(t, "")
	own, err := document.Parse([]byte(source), document.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	r.Wire, r.Source = wire, own
	return r
}

// nativeRig is a rig whose provider a speaks the wire itself, and b only Chat.
func nativeRig(t testing.TB, wire API, a, b *script) *rig {
	t.Helper()
	a.native = []string{string(wire)}
	scripts := map[string]*script{"a": a}
	if b != nil {
		scripts["b"] = b
	}
	g := newRig(t, scripts)
	c := rigCatalogue("a", "b")
	models := slices.Clone(c.Models("acme"))
	for i := range models {
		if models[i].ID == "m-a" {
			models[i].API = wire
		}
	}
	g.catalogue.Store(NewCatalogue(models,
		[]Provider{{ID: "a", Adapter: "a", Enabled: true}, {ID: "b", Adapter: "b", Enabled: true}},
		[]Price{{ProviderID: "a", UpstreamID: "up-a", Input: promptPrice * 1e6, Output: completionPrice * 1e6}, {ProviderID: "b", UpstreamID: "up-b", Input: promptPrice * 1e6, Output: completionPrice * 1e6}}))
	return g
}

// What a provider that speaks the wire is sent is the caller's body, but for what is ours.
func TestNativeRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		wire       API
		params     []Pair
		want       string
	}{
		{"as it is", "{ \"model\" : \"auto\" ,\n \"max_tokens\": 1e1, \"new\":{\"a\" : [ 1.0 ]} }\n", APIMessages, nil, "{ \"model\" : \"up\" ,\n \"max_tokens\": 1e1, \"new\":{\"a\" : [ 1.0 ]} }"},
		{"fallbacks", `{"models":["a"],"model":"auto","input":"x","z":1}`, APIResponses, nil, `{"model":"up","input":"x","z":1}`},
		{"fallbacks last", `{"model":"auto","models":["a"]}`, APIResponses, nil, `{"model":"up"}`},
		{"our metadata at Anthropic", `{"model":"auto","metadata":{"session_id":"s", "user_id" : "u","x":"y"},"max_tokens":1}`, APIMessages, nil, `{"model":"up","metadata":{ "user_id" : "u"},"max_tokens":1}`},
		{"only ours", `{"model":"auto","metadata":{"session_id":"s"},"max_tokens":1}`, APIMessages, nil, `{"model":"up","max_tokens":1}`},
		{"our metadata at OpenAI", `{"model":"auto","metadata":{"session_id":"s","x":"y","strict":"true"}}`, APIResponses, nil, `{"model":"up","metadata":{"x":"y"}}`},
		{"metadata of the caller", `{"model":"auto","metadata":{}}`, APIResponses, nil, `{"model":"up","metadata":{}}`},
		{"a limit is lowered", `{"model":"auto","max_tokens":100}`, APIMessages, []Pair{{"max_tokens", "50"}}, `{"model":"up","max_tokens":50}`},
		{"a lower limit stays", `{"model":"auto","max_tokens":10}`, APIMessages, []Pair{{"max_tokens", "50"}}, `{"model":"up","max_tokens":10}`},
		{"but not below the thinking", `{"model":"auto","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000}}`, APIMessages, []Pair{{"max_tokens", "50"}}, `{"model":"up","max_tokens":2001,"thinking":{"type":"enabled","budget_tokens":2000}}`},
		{"a limit is set", `{"model":"auto"}`, APIResponses, []Pair{{"max_tokens", "50"}}, `{"model":"up","max_output_tokens":50}`},
		{"OpenAI's least", `{"model":"auto","max_output_tokens":90}`, APIResponses, []Pair{{"max_tokens", "5"}}, `{"model":"up","max_output_tokens":16}`},
		{"an effort", `{"model":"auto"}`, APIResponses, []Pair{{"max_tokens", "50"}, {"reasoning_effort", "low"}}, `{"model":"up","max_output_tokens":50,"reasoning":{"effort":"low"}}`},
		{"an effort beside a summary", `{"model":"auto","reasoning":{"summary":"auto"}}`, APIResponses, []Pair{{"reasoning_effort", "low"}}, `{"model":"up","reasoning":{"summary":"auto","effort":"low"}}`},
		{"in place of null", `{"model":"auto","reasoning":{"effort":null}}`, APIResponses, []Pair{{"reasoning_effort", "low"}}, `{"model":"up","reasoning":{"effort":"low"}}`},
		{"the caller's effort stays", `{"model":"auto","reasoning":{"effort":"high"}}`, APIResponses, []Pair{{"reasoning_effort", "low"}}, `{"model":"up","reasoning":{"effort":"high"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := nativeAsk(t, tt.wire, tt.body)
			r.Headers = []Pair{{"anthropic-beta", "a,b"}, {"openai-beta", "c"}}
			r.propose(tt.params)
			got := r.nativeRequest(Target{Model: &Model{UpstreamID: "up", API: tt.wire}}, "")
			if string(got.Body) != tt.want {
				t.Errorf("body = %s, want %s", got.Body, tt.want)
			}
			wantPath, wantHeaders := "/v1/messages", []Pair{{"anthropic-beta", "a,b"}}
			if tt.wire == APIResponses {
				wantPath, wantHeaders = "/responses", []Pair{{"openai-beta", "c"}}
			}
			if got.Path != wantPath || !slices.Equal(got.Headers, wantHeaders) {
				t.Errorf("path, headers = %s, %v, want %s, %v", got.Path, got.Headers, wantPath, wantHeaders)
			}
		})
	}
}

// What needs the adapter's knowledge goes through the adapter.
func TestSpeaks(t *testing.T) {
	t.Parallel()
	quirky := NewCatalogue(nil, []Provider{{ID: "p", Config: json.RawMessage(`{"developer":false}`)}, {ID: "plain", Config: json.RawMessage(`{}`)}}, nil)
	p, _ := quirky.Provider("", "plain")
	q, _ := quirky.Provider("", "p")
	tests := []struct {
		name, body string
		wire       API
		model      Model
		provider   *Provider
		native     string
		effort     string // proposed
		want       bool
	}{
		{"its own wire", `{}`, APIMessages, Model{API: APIMessages}, p, "messages", "", true},
		{"Responses", `{}`, APIResponses, Model{API: APIResponses}, p, "responses", "", true},
		{"another of its wires", `{}`, APIResponses, Model{API: APIChat}, p, "responses", "", false},
		{"not listed", `{}`, APIMessages, Model{API: APIMessages}, p, "chat", "", false},
		{"Chat", `{}`, APIChat, Model{API: APIChat}, p, "chat", "", false},
		{"thinking of another provider", `{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"pointsman:google:x"}]}]}`, APIMessages, Model{API: APIMessages}, p, "messages", "", false},
		{"reasoning of another provider", `{"input":[{"type":"reasoning","encrypted_content":"pointsman:google:x"}]}`, APIResponses, Model{API: APIResponses}, p, "responses", "", false},
		{"a server with quirks", `{}`, APIResponses, Model{API: APIResponses}, q, "responses", "", false},
		{"an unsupported member", `{"temperature":1}`, APIResponses, Model{API: APIResponses, Unsupported: []string{"temperature"}}, p, "responses", "", false},
		{"which is null", `{"temperature":null}`, APIResponses, Model{API: APIResponses, Unsupported: []string{"temperature"}}, p, "responses", "", true},
		{"one of two", `{"temperature":1}`, APIMessages, Model{API: APIMessages, Unsupported: []string{"temperature+top_p"}}, p, "messages", "", true},
		{"both of two", `{"temperature":1,"top_p":1}`, APIMessages, Model{API: APIMessages, Unsupported: []string{"temperature+top_p"}}, p, "messages", "", false},
		{"by its other name", `{"stop_sequences":["a"]}`, APIMessages, Model{API: APIMessages, Unsupported: []string{"stop"}}, p, "messages", "", false},
		{"thinking", `{"thinking":{"type":"adaptive"}}`, APIMessages, Model{API: APIMessages, Unsupported: []string{"reasoning_effort"}}, p, "messages", "", false},
		{"no thinking", `{"thinking":{"type":"disabled"}}`, APIMessages, Model{API: APIMessages, Unsupported: []string{"reasoning_effort"}}, p, "messages", "", true},
		{"an effort", `{"reasoning":{"effort":"low"}}`, APIResponses, Model{API: APIResponses, Unsupported: []string{"reasoning_effort"}}, p, "responses", "", false},
		{"a format of text", `{"text":{"format":{"type":"text"}}}`, APIResponses, Model{API: APIResponses, Unsupported: []string{"response_format"}}, p, "responses", "", true},
		{"a renamed member", `{"user":"u"}`, APIResponses, Model{API: APIResponses, Rename: map[string]string{"user": "safety_identifier"}}, p, "responses", "", false},
		{"a proposed effort at Anthropic", `{}`, APIMessages, Model{API: APIMessages}, p, "messages", "low", false},
		{"beside the caller's", `{"thinking":{"type":"disabled"}}`, APIMessages, Model{API: APIMessages}, p, "messages", "low", true},
		{"a proposed effort at OpenAI", `{}`, APIResponses, Model{API: APIResponses}, p, "responses", "low", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := nativeAsk(t, tt.wire, tt.body)
			r.proposed.effort = tt.effort
			if got := r.speaks(&tt.model, tt.provider, &ManifestProvider{Native: []string{tt.native}}); got != tt.want {
				t.Errorf("speaks = %v, want %v", got, tt.want)
			}
		})
	}
}

const nativeAnswerText = `{"id":"msg_1","type":"message","role":"assistant","model":"up-a","content":[{"type":"text","text":"hi","odd":1.0}],"stop_reason":"end_turn","usage":{"input_tokens":3,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":15},"output_tokens":7,"output_tokens_details":{"thinking_tokens":2}}}`

// A plain answer is the provider's own, and its counts are read in its own form.
func TestNativeAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, source, answer string
		wire                 API
		want                 string // instead of the model
		tokens               Tokens
	}{
		{"messages", `{"model":"claude-x","max_tokens":9}`, nativeAnswerText, APIMessages, "claude-x", Tokens{Prompt: 123, Cached: 100, CacheWrite: 5, CacheWrite1h: 15, Completion: 7, Reasoning: 2}},
		{"messages, auto", `{"model":"auto","max_tokens":9}`, nativeAnswerText, APIMessages, "m-a", Tokens{Prompt: 123, Cached: 100, CacheWrite: 5, CacheWrite1h: 15, Completion: 7, Reasoning: 2}},
		{"responses", `{"model":"gpt-x"}`, `{"id":"resp_1","status":"incomplete","error":null,"model":"up-a","output":[{"type":"web_search_call"}],"usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":10,"cache_write_tokens":4},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":8}}}`, APIResponses, "gpt-x", Tokens{Prompt: 30, Cached: 10, CacheWrite: 4, Completion: 9, Reasoning: 8}},
		{"without usage", `{"model":"gpt-x"}`, `{"status":"completed","model":"up-a","output":[{"type":"message","content":[{"type":"output_text","text":"12345678"}]}]}`, APIResponses, "gpt-x", Tokens{Prompt: rigPrompt, Completion: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := nativeRig(t, tt.wire, &script{body: tt.answer}, nil)
			got, err := g.Complete(t.Context(), nativeAsk(t, tt.wire, tt.source))
			if want := strings.Replace(tt.answer, "up-a", tt.want, 1); err != nil || !got.Meta.Native || string(got.Body) != want {
				t.Errorf("Complete = %s, native %v, %v, want %s", got.Body, got.Meta.Native, err, want)
			}
			rows := g.ledger.all()
			if len(rows) != 1 || rows[0].Tokens != tt.tokens || rows[0].Outcome != OutcomeOK || rows[0].Estimated != (tt.name == "without usage") {
				t.Errorf("rows = %+v, want one with %+v", rows, tt.tokens)
			}
			for _, asked := range g.asked {
				if strings.HasPrefix(asked, "adapter") {
					t.Errorf("%s was opened, want no guest", asked)
				}
			}
			g.closed(t)
		})
	}
}

// A native target that fails before content is followed by a translated one, whose answer
// is canonical.
func TestNativeFailsOver(t *testing.T) {
	t.Parallel()
	const begun = `{"type":"message_start","message":{"model":"up-a","content":[],"usage":{"input_tokens":9}}}`
	for name, a := range map[string]*script{
		"a status":                {status: 529, body: `{"fail":6}`},
		"a failure for an answer": {body: `{"fail":7}`},
		"no answer":               {body: `{"choices":[]}`},
		"an error event":          {events: []string{begun, `{"type":"ping"}`, `{"type":"error","fail":6}`}},
		"a cut":                   {events: []string{begun, markCut}},
		"an end":                  {events: []string{begun}},
		"not JSON":                {events: []string{begun, `{"type":"content_block_delta"`}},
	} {
		for _, stream := range []bool{false, true} {
			if stream == (a.events == nil) && a.status == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s, stream %v", name, stream), func(t *testing.T) {
				t.Parallel()
				s := *a
				g := nativeRig(t, APIMessages, &s, &script{body: answerOf("b", ""), events: []string{deltaOf(0, "b"), finishOf(0)}})
				r := nativeAsk(t, APIMessages, `{"model":"auto","max_tokens":5}`)
				r.Lossy = []string{"container"}
				var meta Meta
				if stream {
					got := g.stream(t, t.Context(), r)
					if meta = got.meta; got.err != nil || got.text() != "b" {
						t.Errorf("stream = %q, %v, want b's", got.chunks, got.err)
					}
				} else {
					got, err := g.Complete(t.Context(), r)
					if meta = got.Meta; err != nil || !strings.Contains(string(got.Body), `"choices"`) {
						t.Errorf("Complete = %s, %v, want b's canonical answer", got.Body, err)
					}
				}
				if meta.Native || meta.Provider != "b" || meta.Attempts != 2 || !slices.Equal(meta.Lossy, []string{"container"}) {
					t.Errorf("meta = %+v, want b's, translated, with what was lost", meta)
				}
				if rows := g.ledger.all(); len(rows) != 2 || rows[0].Outcome == OutcomeOK || rows[1].Outcome != OutcomeOK {
					t.Errorf("rows = %+v, want a failed one and a good one", rows)
				}
				g.closed(t)
			})
		}
	}
}

// What only the wire can say is asked of nobody else, and refused by name when nobody is left.
func TestWireOnly(t *testing.T) {
	t.Parallel()
	only := Errorf(CodeInvalid, "'tools[0].type' cannot be carried.")
	only.Param = "tools[0].type"
	for _, strict := range []bool{false, true} {
		for _, native := range []bool{false, true} {
			t.Run(fmt.Sprintf("strict %v, native %v", strict, native), func(t *testing.T) {
				t.Parallel()
				wire := APIMessages
				if !native {
					wire = APIResponses
				}
				g := nativeRig(t, wire, &script{body: nativeAnswerText}, &script{body: answerOf("b", "")})
				g.decide = func(context.Context, *Request) (Decision, error) {
					return Decision{Source: "r", Models: []string{"m-b", "m-a"}, Only: true}, nil
				}
				r := nativeAsk(t, APIMessages, `{"model":"auto","max_tokens":5}`)
				want := "tools[0].type"
				if strict {
					want = "container"
					doc, _ := ParseChat([]byte(`{"model":"auto","messages":[{"role":"user","content":"a"}],"metadata":{"strict":"true"}}`))
					var err error
					if r, err = NewRequest(doc, Arrival{Received: rigTime, Wire: APIMessages, Source: r.Source, Lossy: []string{"container"}}); err != nil {
						t.Fatal(err)
					}
				} else {
					r.WireOnly = only
				}
				got, err := g.Complete(t.Context(), r)
				if native {
					if err != nil || got.Meta.Provider != "a" || !got.Meta.Native || len(got.Meta.Lossy) != 0 || !strings.Contains(got.Meta.Decision, "m-b wire ("+want+")") {
						t.Errorf("Complete = %+v, %v, want a's answer, b skipped for the wire", got.Meta, err)
					}
					return
				}
				var e *Error
				if !errors.As(err, &e) || e.Code != CodeInvalid || e.Param != want || !strings.Contains(e.Message, "'"+want+"'") {
					t.Errorf("Complete = %v, want it refused because of %s", err, want)
				}
				if rows := g.ledger.all(); len(rows) != 0 {
					t.Errorf("rows = %+v, want none: nobody was asked", rows)
				}
			})
		}
	}
}

// A recorded stream passes as it came, but for the model.
func TestNativeStreamRecorded(t *testing.T) {
	t.Parallel()
	for _, rec := range recordings(t) {
		t.Run(rec.name, func(t *testing.T) {
			t.Parallel()
			g := nativeRig(t, rec.wire, &script{events: rec.events}, nil)
			got := g.stream(t, t.Context(), nativeAsk(t, rec.wire, `{"model":"mine"}`))
			if rec.failed {
				if got.err == nil {
					t.Fatalf("the stream of a failed response ends well: %q", got.chunks)
				}
				return
			}
			if got.err != nil || !got.meta.Native {
				t.Fatalf("stream = %v, native %v", got.err, got.meta.Native)
			}
			want := make([]string, 0, len(rec.events))
			started := false
			for _, e := range rec.events {
				if strings.HasPrefix(e, `{"type":"message_start"`) {
					if started {
						continue // repeated by a proxy
					}
					started = true
				}
				want = append(want, namedAs(t, e))
			}
			if len(got.chunks) != len(want) {
				t.Fatalf("%d events, want %d", len(got.chunks), len(want))
			}
			for i := range want {
				if got.chunks[i] != want[i] {
					t.Errorf("event %d = %q, want %q", i, got.chunks[i], want[i])
				}
			}
			rows := g.ledger.all()
			if len(rows) != 1 || rows[0].Outcome != OutcomeOK || rows[0].Estimated || rows[0].Tokens.Prompt == 0 && !strings.Contains(rec.text, `"input_tokens":0`) {
				t.Errorf("rows = %+v, want one with the provider's counts", rows)
			}
		})
	}
}

// Cut at every byte, a stream never looks whole before its last event.
func TestNativeStreamCutAtEveryByte(t *testing.T) {
	t.Parallel()
	for _, rec := range recordings(t) {
		if rec.failed || len(rec.text) > 24<<10 {
			continue
		}
		t.Run(rec.name, func(t *testing.T) {
			t.Parallel()
			last := strings.LastIndex(rec.text, "data:")
			whole := last + len(strings.TrimRight(rec.text[last:], " \r\n"))
			step := 1
			if testing.Short() {
				step = 17
			}
			before := -1
			for at := 0; at < len(rec.text); at += step {
				events := eventsOf(rec.text[:at])
				if at < whole && len(events) == before && at%64 != 0 && !strings.HasSuffix(rec.text[:at], "}") {
					continue // the same complete events, and a piece that is not JSON yet
				}
				before = len(events)
				g := nativeRig(t, rec.wire, &script{events: events}, nil)
				got := g.stream(t, t.Context(), nativeAsk(t, rec.wire, `{"model":"mine"}`))
				g.closed(t)
				if (got.err == nil) != (at >= whole) {
					t.Fatalf("cut at %d of %d: error %v, want one only before byte %d", at, len(rec.text), got.err, whole)
				}
				all := strings.Join(got.chunks, "")
				if at < whole && (strings.Contains(all, "event: message_stop") || strings.Contains(all, "event: response.completed")) {
					t.Fatalf("cut at %d: the caller got a stop that was not sent", at)
				}
				if rows := g.ledger.all(); len(rows) != 1 || (rows[0].Outcome == OutcomeOK) != (at >= whole) {
					t.Fatalf("cut at %d: rows = %+v", at, rows)
				}
			}
		})
	}
}

type recording struct {
	name   string
	wire   API
	text   string
	events []string // data
	failed bool
}

func recordings(t *testing.T) (list []recording) {
	t.Helper()
	for folder, wire := range map[string]API{"anthropic": APIMessages, "openai-responses": APIResponses} {
		files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "data", "fixtures", folder, "*", "stream.sse"))
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := string(raw)
			list = append(list, recording{
				name: filepath.Base(filepath.Dir(file)), wire: wire, text: text, events: eventsOf(text),
				failed: !strings.Contains(text, `"type":"message_stop"`) && !strings.Contains(text, "event: response.completed") && !strings.Contains(text, "event: response.incomplete"),
			})
		}
	}
	if len(list) == 0 {
		t.Skip("no recorded fixtures beside this checkout")
	}
	return list
}

// eventsOf are the data of a body's events; a last one without its blank line counts, as
// for the client of the providers.
func eventsOf(body string) (list []string) {
	for block := range strings.SplitSeq(strings.ReplaceAll(body, "\r\n", "\n"), "\n\n") {
		for line := range strings.SplitSeq(block, "\n") {
			if data, ok := strings.CutPrefix(line, "data:"); ok && strings.TrimPrefix(data, " ") != "" {
				list = append(list, strings.TrimPrefix(data, " "))
			}
		}
	}
	return list
}

// namedAs is the event as the caller gets it: framed, its model replaced.
func namedAs(t *testing.T, data string) string {
	t.Helper()
	doc, err := document.Parse([]byte(data), document.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	kind := doc.Root().Get("type").Text()
	for _, name := range []string{"message", "response"} {
		if n := doc.Root().Get(name).Get("model"); n.Exists() {
			start, end := n.Span()
			data = data[:start] + `"mine"` + data[end:]
		}
	}
	return "event: " + kind + "\ndata: " + data + "\n\n"
}

// BenchmarkNativeEvent is one text delta of a stream that is passed on; plugins'
// BenchmarkStreamEvent is the same translated.
func BenchmarkNativeEvent(b *testing.B) {
	for wire, data := range map[API]string{
		APIMessages:  `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello there, how"}}`,
		APIResponses: `{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_68c7ffcd3f3c81a3","output_index":0,"content_index":0,"delta":"Hello there","logprobs":[],"obfuscation":"Xz81jR"}`,
	} {
		b.Run(string(wire), func(b *testing.B) {
			r := nativeAsk(b, wire, `{"model":"mine"}`)
			a := &attempt{x: &execution{r: r}, native: true}
			s := &chunkStream{a: a, model: "mine", native: &passing{wire: wire}, content: true}
			event := []byte(data)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				s.recycle()
				if _, err := s.pass(ctx, "x", event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
