package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// chatAttempt is an attempt on a target that speaks Chat.
func chatAttempt(doc *document.Doc, m Model, headers ...Pair) *attempt {
	m.ID, m.UpstreamID, m.API = "m", "up", APIChat
	r := &Request{ID: "r", Doc: doc, Headers: headers}
	return &attempt{x: &execution{r: r}, target: Target{Model: &m, Provider: &Provider{ID: "p"}}, number: 1, chat: true}
}

// adapted runs an entry point of the OpenAI adapter with the documents of the attempt.
func adapted(t testing.TB, a *attempt, entry string, response document.Node, state *document.State) (*document.Frame, sdk.Result) {
	call := callDocument(a.x.r, a.target, 1)
	entries := map[string]func() sdk.Result{
		abi.EntryRequest: openai.Adapter{}.Request, abi.EntryResponse: openai.Adapter{}.Response, abi.EntryEvent: openai.Adapter{}.Event,
	}
	var result sdk.Result
	f := sdktest.Call(t, document.FrameInput{
		Kind: abi.KindProvider, Entry: entry, Request: a.x.r.Doc.Root(), Response: response, Call: call.Root(), State: state, Status: 200,
	}, func() { result = entries[entry]() })
	return f, result
}

// sameJSON reports whether two texts mean the same, to the digit.
func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	read := func(text []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return v
	}
	return reflect.DeepEqual(read(a), read(b))
}

// sameChatRequest compares what is sent without the adapter with what the adapter makes of
// it, and reports whether the adapter was needed.
func sameChatRequest(t testing.TB, a *attempt) (adapter bool) {
	t.Helper()
	got, ok := a.chatRequest()
	if !ok {
		return true
	}
	f, result := adapted(t, a, abi.EntryRequest, document.Node{}, nil)
	body := a.x.r.Doc.Bytes()
	if result != sdk.OK || len(f.LossyFields()) > 0 {
		t.Errorf("%s passes, where the adapter answers %v and loses %q", body, result, f.LossyFields())
		return false
	}
	if !sameJSON(t, got.Body, f.Output()) {
		t.Errorf("%s is sent as\n%s, by the adapter as\n%s", body, got.Body, f.Output())
	}
	method, path, headers := f.HTTP()
	want := make([]Pair, 0, len(headers))
	for _, h := range headers {
		want = append(want, Pair{Name: h[0], Value: h[1]})
	}
	if got.Path != path || !slices.Equal(got.Headers, want) || method != "" && got.Method != method {
		t.Errorf("%s is sent with %s %s %v, by the adapter with %s %s %v", body, got.Method, got.Path, got.Headers, method, path, want)
	}
	return false
}

// What is sent without the adapter is what the adapter would send, and what needs it is left to it.
func TestChatRequest(t *testing.T) {
	t.Parallel()
	const user = `{"role":"user","content":"hi"}`
	ask := func(more string, messages ...string) string {
		return `{"model":"auto",` + more + `"messages":[` + strings.Join(messages, ",") + `]}`
	}
	part := func(parts string) string { return `{"role":"user","content":[` + parts + `]}` }
	const text = `{"type":"text","text":"hi"}`
	const call = `{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}`
	asked := `{"role":"assistant","content":null,"tool_calls":[` + call + `]}`
	tests := []struct {
		name, body string
		model      Model
		adapter    bool // is needed
	}{
		{name: "a text", body: ask(``, user)},
		{name: "with blanks", body: " { \"model\" : \"auto\" ,\n \"seed\": 9007199254740993, \"new\":{\"a\" : [ 1.0 ]} ,\"messages\" : [ " + user + " ] }\n"},
		{name: "ours at the top", body: ask(`"models":["a"],"metadata":{"session_id":"s","x":"y"},`, user)},
		{name: "ours at the end", body: `{"messages":[` + user + `],"model":"auto","metadata":{}}`},
		{name: "stored", body: ask(`"store":true,"metadata":{"x":"y"},`, user), adapter: true},
		{name: "stored without metadata", body: ask(`"store":true,`, user)},
		{name: "not stored", body: ask(`"store":false,"metadata":{"x":"y"},`, user)},
		{name: "a stream", body: ask(`"stream":true,`, user)},
		{name: "a stream with usage", body: ask(`"stream":true,"stream_options":{"include_usage":true},`, user)},
		{name: "a stream without", body: ask(`"stream_options":{"include_usage":false},"stream":true,`, user)},
		{name: "a stream with empty options", body: ask(`"stream":true,"stream_options":{},`, user)},
		{name: "a stream with other options", body: ask(`"stream":true,"stream_options":{"include_obfuscation":false},`, user), adapter: true},
		{name: "options of null", body: ask(`"stream":true,"stream_options":null,`, user), adapter: true},
		{name: "system and name", body: ask(``, `{"role":"system","content":"be brief","name":"n"}`, `{"role":"developer","content":"x"}`, user)},
		{name: "parts", body: ask(``, part(text+`,{"type":"image_url","image_url":{"url":"https://x/y.png"}},{"type":"input_audio","input_audio":{"data":"","format":"wav"}},{"type":"file","file":{"file_id":"f"}}`))},
		{name: "a file by address", body: ask(``, part(`{"type":"file","file":{"file_url":"https://x"}}`)), adapter: true},
		{name: "a marked part", body: ask(``, part(`{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}`)), adapter: true},
		{name: "calls and results", body: ask(``, user, asked, `{"role":"tool","tool_call_id":"c","content":"r"}`)},
		{name: "a result in texts", body: ask(``, user, asked, `{"role":"tool","tool_call_id":"c","content":[`+text+`]}`)},
		{name: "a result with a picture", body: ask(``, user, asked, `{"role":"tool","tool_call_id":"c","content":[{"type":"image_url","image_url":{"url":"data:"}}]}`), adapter: true},
		{name: "a failed result", body: ask(``, user, asked, `{"role":"tool","tool_call_id":"c","content":"r","is_error":true}`), adapter: true},
		{name: "a text beside calls", body: ask(``, user, `{"role":"assistant","content":"so","tool_calls":[`+call+`]}`)},
		{name: "an empty text beside calls", body: ask(``, user, `{"role":"assistant","content":"","tool_calls":[`+call+`]}`), adapter: true},
		{name: "calls without content", body: ask(``, user, `{"role":"assistant","tool_calls":[`+call+`]}`)},
		{name: "what another provider said about a call", body: ask(``, user, `{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{}}]}`), adapter: true},
		{name: "reasoning", body: ask(``, user, `{"role":"assistant","content":"a","reasoning_content":"hm"}`), adapter: true},
		{name: "thinking", body: ask(``, user, `{"role":"assistant","content":"a","thinking_blocks":[]}`), adapter: true},
		{name: "only thinking", body: ask(``, user, `{"role":"assistant","content":null,"thinking_blocks":[]}`), adapter: true},
		{name: "a refusal", body: ask(``, user, `{"role":"assistant","content":null,"refusal":"no"}`), adapter: true},
		{name: "a text and a refusal of null", body: ask(``, user, `{"role":"assistant","content":"a","refusal":null}`)},
		{name: "a marked message", body: ask(``, `{"role":"user","content":"hi","cache_control":{}}`), adapter: true},
		{name: "tools", body: ask(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto",`, user)},
		{name: "no tools", body: ask(`"tools":[],"tool_choice":"auto",`, user), adapter: true},
		{name: "marked tools", body: ask(`"tools":[{"type":"function","function":{"name":"f"},"cache_control":{}}],`, user), adapter: true},
		{name: "top_k", body: ask(`"top_k":3,`, user), adapter: true},
		{name: "cache_control", body: ask(`"cache_control":{},`, user), adapter: true},
		{name: "an unsupported member", body: ask(`"temperature":1,`, user), model: Model{Unsupported: []string{"temperature"}}, adapter: true},
		{name: "another one", body: ask(`"top_p":1,`, user), model: Model{Unsupported: []string{"temperature"}}},
		{name: "an unknown role", body: ask(``, user), model: Model{Unsupported: []string{"developer"}}, adapter: true},
		{name: "a renamed member", body: ask(`"max_tokens":1,`, user), model: Model{Rename: map[string]string{"max_tokens": "max_completion_tokens"}}, adapter: true},
		{name: "its new name", body: ask(`"max_completion_tokens":1,`, user), model: Model{Rename: map[string]string{"max_tokens": "max_completion_tokens"}}, adapter: true},
		{name: "neither", body: ask(`"n":1,`, user), model: Model{Rename: map[string]string{"max_tokens": "max_completion_tokens"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := ParseChat([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for _, headers := range [][]Pair{nil, {{"anthropic-beta", "a"}, {"openai-beta", "b"}}} {
				if got := sameChatRequest(t, chatAttempt(doc, tt.model, headers...)); got != tt.adapter {
					t.Errorf("%s needs the adapter: %v, want %v", tt.body, got, tt.adapter)
				}
			}
		})
	}
}

// sameChatAnswer compares an answer, and an event, that pass with what the adapter makes of them.
func sameChatAnswer(t testing.TB, data []byte) (answer, chunk bool) {
	t.Helper()
	doc, err := document.Parse(data, document.Limits{})
	if err != nil {
		return false, false
	}
	ask, err := document.Parse([]byte(`{}`), document.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	a := chatAttempt(ask, Model{})
	if answer = isPlainAnswer(doc.Root()); answer {
		f, result := adapted(t, a, abi.EntryResponse, doc.Root(), new(document.State))
		if _, _, failed := f.Failure(); failed || result != sdk.OK || !bytes.Equal(f.Output(), doc.Root().Raw()) {
			t.Errorf("%s passes; the adapter makes %s of it, %v", data, f.Output(), result)
		}
	}
	if chunk = isPlainChunk(doc.Root(), true); chunk {
		state := new(document.State)
		f, result := adapted(t, a, abi.EntryEvent, doc.Root(), state)
		want := document.Splice(nil, doc, without(nil, doc, doc.Root(), []string{"obfuscation"})...)
		if _, _, failed := f.Failure(); failed || result != sdk.OK || len(f.Chunks()) != 1 || !sameJSON(t, f.Chunks()[0], want) {
			t.Errorf("%s passes; the adapter makes %q of it, %v", data, f.Chunks(), result)
		}
		if len(state.Bytes()) > 0 {
			t.Errorf("%s passes; the adapter remembers %q of it", data, state.Bytes())
		}
	}
	return answer, chunk
}

// An answer or an event that the adapter does not see is one that it would have left as it is.
func TestChatAnswer(t *testing.T) {
	t.Parallel()
	answer := func(message, reason string) string {
		return `{"id":"1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":` + message + `,"finish_reason":` + reason + `}],"usage":null}`
	}
	const said = `{"role":"assistant","content":"a","refusal":null}`
	calls := func(call string) string { return `{"role":"assistant","content":null,"tool_calls":[` + call + `]}` }
	const call = `{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}`
	delta := func(delta, reason string) string {
		return `{"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + reason + `}],"usage":null,"obfuscation":"x"}`
	}
	tests := []struct {
		name, data string
		passes     bool
	}{
		{name: "an answer", data: answer(said, `"stop"`), passes: true},
		{name: "a cut one", data: answer(said, `"length"`), passes: true},
		{name: "in other words", data: answer(said, `"eos"`)},
		{name: "without a reason", data: answer(said, `null`)},
		{name: "given up", data: answer(said, `"abort"`)},
		{name: "calls", data: answer(calls(call), `"tool_calls"`), passes: true},
		{name: "calls that stop", data: answer(calls(call), `"stop"`)},
		{name: "a call without an id", data: answer(calls(`{"type":"function","function":{"name":"f","arguments":"{}"}}`), `"tool_calls"`)},
		{name: "a call without arguments", data: answer(calls(`{"id":"c","type":"function","function":{"name":"f","arguments":""}}`), `"tool_calls"`)},
		{name: "arguments as an object", data: answer(calls(`{"id":"c","type":"function","function":{"name":"f","arguments":{}}}`), `"tool_calls"`)},
		{name: "an empty list of calls", data: answer(calls(``), `"stop"`)},
		{name: "calls of null", data: answer(`{"content":"a","tool_calls":null}`, `"stop"`), passes: true},
		{name: "reasoning", data: answer(`{"content":"a","reasoning":"b"}`, `"stop"`)},
		{name: "reasoning_content", data: answer(`{"content":"a","reasoning_content":"b"}`, `"stop"`), passes: true},
		{name: "an error", data: `{"error":{"message":"m"},"choices":[]}`},
		{name: "a flat error", data: `{"object":"error","message":"m","choices":[]}`},
		{name: "no object", data: `{"choices":[{"index":0,"message":` + said + `,"finish_reason":"stop"}]}`},
		{name: "no choices", data: `{"object":"chat.completion","choices":[]}`},
		{name: "a list", data: `[]`},
		{name: "a text", data: `"page"`},
		{name: "a piece", data: delta(`{"content":"a"}`, `null`), passes: true},
		{name: "the role", data: delta(`{"role":"assistant","content":"","refusal":null}`, `null`), passes: true},
		{name: "the end", data: delta(`{}`, `"stop"`), passes: true},
		{name: "the end for length", data: delta(`{}`, `"length"`), passes: true},
		{name: "the end in other words", data: delta(`{}`, `"eos"`)},
		{name: "no end", data: delta(`{"content":"a"}`, `""`)},
		{name: "a fragment of a call", data: delta(`{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}`, `null`)},
		{name: "the end of calls", data: delta(`{}`, `"tool_calls"`)},
		{name: "reasoning in a piece", data: delta(`{"reasoning":"a"}`, `null`)},
		{name: "usage", data: `{"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":1}}`, passes: true},
		{name: "usage alone", data: `{"usage":{"prompt_tokens":1}}`},
		{name: "an error in a stream", data: `{"choices":[],"error":"overloaded"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, chunk := sameChatAnswer(t, []byte(tt.data))
			if strings.Contains(tt.data, `"delta"`) || strings.Contains(tt.data, ".chunk") {
				got = chunk
			}
			if got != tt.passes {
				t.Errorf("%s passes: %v, want %v", tt.data, got, tt.passes)
			}
		})
	}
}

func FuzzChatPass(f *testing.F) {
	f.Add([]byte(`{"model":"auto","stream":true,"stream_options":{},"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}`))
	f.Add([]byte(`{"model":"auto","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":""}]}]}`))
	f.Add([]byte(`{"object":"chat.completion","choices":[{"message":{"content":"a","tool_calls":null},"finish_reason":"stop"}]}`))
	f.Add([]byte(`{"choices":[{"delta":{"content":"a"},"finish_reason":null}],"obfuscation":"x","usage":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sameChatAnswer(t, data)
		if doc, err := ParseChat(data); err == nil {
			sameChatRequest(t, chatAttempt(doc, Model{}))
			sameChatRequest(t, chatAttempt(doc, Model{Unsupported: []string{"temperature", "system"}, Rename: map[string]string{"user": "name"}}))
		}
	})
}

// Members leave an object with their commas, wherever they stand.
func TestWithout(t *testing.T) {
	t.Parallel()
	members := []string{`"a" : 1`, ` "b":[2,{"x":","}]`, "\n\"c\":\"d,e\" ", `"":null`}
	for mask := range 1 << len(members) {
		var names []string
		var kept []string
		for i, m := range members {
			if mask>>i&1 == 1 {
				names = append(names, strings.Split(m, `"`)[1])
			} else {
				kept = append(kept, m)
			}
		}
		text := " {" + strings.Join(members, ",") + "} "
		doc, err := document.Parse([]byte(text), document.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := document.Splice(nil, doc, without(nil, doc, doc.Root(), append(names, "z"))...)
		if !sameJSON(t, got, []byte("{"+strings.Join(kept, ",")+"}")) {
			t.Errorf("%s without %q = %s", text, names, got)
		}
	}
}

// A whole exchange and a whole stream of OpenAI's need no adapter; one that has calls does.
func TestChatNeedsNoAdapter(t *testing.T) {
	t.Parallel()
	opened := func(g *rig) (n int) {
		for _, asked := range g.asked {
			if strings.HasPrefix(asked, "adapter") {
				n++
			}
		}
		return n
	}
	for _, native := range []bool{true, false} {
		t.Run(fmt.Sprintf("native %v", native), func(t *testing.T) {
			t.Parallel()
			s := &script{body: `{"object":"chat.completion","model":"up","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5}}`}
			if s.native = []string{}; native {
				s.native = []string{"chat"}
			}
			g := newRig(t, map[string]*script{"a": s})
			got, err := g.Complete(t.Context(), rigRequest(t, ""))
			if want := `{"object":"chat.completion","model":"m-a","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5}}`; err != nil || string(got.Body) != want || got.Meta.Native {
				t.Errorf("Complete = %s, %v, want %s", got.Body, err, want)
			}
			if rows := g.ledger.all(); len(rows) != 1 || rows[0].Tokens != (Tokens{Prompt: 7, Completion: 5}) {
				t.Errorf("rows = %+v, want one with the provider's counts", rows)
			}
			if n := opened(g); (n == 0) != native {
				t.Errorf("%d adapters were opened", n)
			}
			g.closed(t)
		})
	}
	fragment := `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}]}`
	for _, tt := range []struct {
		name    string
		events  []string
		adapter int
	}{
		{"a text", []string{roleChunk, deltaOf(0, "four"), deltaOf(0, "more"), finishOf(0), usageOf(7, 5), "[DONE]"}, 0},
		{"calls", []string{roleChunk, fragment, deltaOf(0, "x"), `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, usageOf(7, 5), "[DONE]"}, 1},
		{"an error", []string{roleChunk, deltaOf(0, "four"), `{"error":{"message":"m"},"fail":6}`}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, map[string]*script{"a": {native: []string{"chat"}, events: tt.events}})
			got := g.stream(t, t.Context(), rigRequest(t, ""))
			if (got.err != nil) != (tt.name == "an error") || len(got.chunks) < 2 {
				t.Errorf("stream = %q, %v", got.chunks, got.err)
			}
			if n := opened(g); n != tt.adapter {
				t.Errorf("%d adapters were opened, want %d", n, tt.adapter)
			}
			g.closed(t)
		})
	}
}

// BenchmarkChatPass is what a request, an answer and an event cost the target that speaks the
// canonical wire; the adapter for the same: BenchmarkFirstParty in engine/wasm.
func BenchmarkChatPass(b *testing.B) {
	doc, err := ParseChat([]byte(`{"model":"auto","temperature":0.7,"max_tokens":1000,"messages":[{"role":"system","content":"You answer questions about trains."},{"role":"user","content":"` +
		strings.Repeat("The slow train stops everywhere. ", 6) + `"}]}`))
	if err != nil {
		b.Fatal(err)
	}
	a := chatAttempt(doc, Model{})
	b.Run("request", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := a.chatRequest(); !ok {
				b.Fatal("the adapter is needed")
			}
		}
	})
	a.x.r.Model = "auto"
	a.reply = &UpstreamResponse{Status: 200, Body: []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1760000001,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat("It leaves at ten. ", 5) + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":40,"completion_tokens":50,"total_tokens":90}}`)}
	b.Run("answer", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			answer := a.plainAnswer()
			if answer == nil {
				b.Fatal("the adapter is needed")
			}
			a.chatBody(answer)
		}
	})
	s := &chunkStream{a: a, model: "m", asked: 1, open: map[int64]bool{}}
	event := []byte(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000001,"model":"up","choices":[{"index":0,"delta":{"content":" and"},"finish_reason":null}],"usage":null,"obfuscation":"xx"}`)
	b.Run("event", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.translate(b.Context(), "", event); err != nil || s.translated {
				b.Fatal(err, s.translated)
			}
			s.recycle()
		}
	})
}

// TestChatPassAllocates: what is sent, answered and passed on is made in one piece of memory, beside the
// documents' own.
func TestChatPassAllocates(t *testing.T) {
	doc, err := ParseChat([]byte(`{"model":"auto","messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	a := chatAttempt(doc, Model{})
	a.x.r.Model = "auto"
	a.reply = &UpstreamResponse{Status: 200, Body: []byte(`{"object":"chat.completion","model":"up","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5}}`)}
	s := &chunkStream{a: a, model: "m", asked: 1, open: map[int64]bool{}}
	event := []byte(`{"model":"up","choices":[{"index":0,"delta":{"content":" and"},"finish_reason":null}],"usage":null,"obfuscation":"xx"}`)
	for _, tt := range []struct {
		name string
		most float64
		call func()
	}{
		{"request", 2, func() { a.chatRequest() }},
		{"answer", 3, func() { a.chatBody(a.plainAnswer()) }},
		{"event", 1, func() {
			if err := s.translate(t.Context(), "", event); err != nil {
				t.Fatal(err)
			}
			s.recycle()
		}},
	} {
		// Pools lose what they hold at random under the race detector, and in a collection.
		least := testing.AllocsPerRun(1, tt.call)
		for range 300 {
			least = min(least, testing.AllocsPerRun(1, tt.call))
		}
		if least > tt.most {
			t.Errorf("%s allocates %v times, want at most %v", tt.name, least, tt.most)
		}
	}
	if s.translated {
		t.Error("the event was given to the adapter")
	}
}
