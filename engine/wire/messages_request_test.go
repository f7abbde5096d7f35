package wire_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
)

func parse(t testing.TB, text string) *document.Doc {
	t.Helper()
	doc, err := document.Parse([]byte(text), document.Limits{})
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return doc
}

// canonical holds that a body is one that the engine takes.
func canonical(t testing.TB, body []byte) {
	t.Helper()
	doc, err := engine.ParseChat(slices.Clone(body))
	if err != nil {
		t.Fatalf("ParseChat(%s) = %v, want what FromMessages wrote to be taken", body, err)
	}
	doc.Release()
}

const hello = `"messages":[{"role":"user","content":"hi"}]`

func TestFromMessagesTurns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, messages string // in the Messages wire
		want           string
		wantLossy      []string
	}{
		{"text", `[{"role":"user","content":"h\u0069"}]`, `[{"role":"user","content":"h\u0069"}]`, nil},
		{"one plain block is a string", `[{"role":"user","content":[{"type":"text","text":"hi"}]}]`, `[{"role":"user","content":"hi"}]`, nil},
		{
			"several blocks are parts", `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`,
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`, nil,
		},
		{
			"a cache mark stays with its part", `[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]`,
			`[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]`, nil,
		},
		{
			"image in base64", `[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVB\/"}},{"type":"text","text":"a"}]}]`,
			`[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVB\/"}},{"type":"text","text":"a"}]}]`, nil,
		},
		{
			"image by address", `[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://a/b.png"},"cache_control":{"type":"ephemeral"}}]}]`,
			`[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"},"cache_control":{"type":"ephemeral"}}]}]`, nil,
		},
		{
			"documents", `[{"role":"user","content":[{"type":"document","title":"T","context":"c","source":{"type":"base64","media_type":"application/pdf","data":"JVB"}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"},"citations":{"enabled":true}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"e"}]},"citations":{"enabled":false}}]}]`,
			`[{"role":"user","content":[{"type":"file","file":{"filename":"T","file_data":"data:application/pdf;base64,JVB"}},{"type":"text","text":"d"},{"type":"text","text":"e"}]}]`,
			[]string{"messages[].content[].context", "messages[].content[].citations"},
		},
		{
			"calls and results", `[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t1","name":"f","input":{"x": "\"y\""}},{"type":"tool_use","id":"t2","name":"g","input":{},"extra_content":{"google":{"thought_signature":"s"}}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r1"},{"type":"tool_result","tool_use_id":"t2","is_error":true,"content":[{"type":"text","text":"r2"}],"cache_control":{"type":"ephemeral"}},{"type":"text","text":"and?"}]}]`,
			`[{"role":"user","content":"q"},{"role":"assistant","content":"a","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"x\": \"\\\"y\\\"\"}"}},{"id":"t2","type":"function","function":{"name":"g","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}]},{"role":"tool","content":"r1","tool_call_id":"t1"},{"role":"tool","content":"r2","tool_call_id":"t2","is_error":true,"cache_control":{"type":"ephemeral"}},{"role":"user","content":"and?"}]`, nil,
		},
		{
			"results of every form", `[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"},{"type":"tool_result","tool_use_id":"b","content":[]},{"type":"tool_result","tool_use_id":"c","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"i"}}]}]}]`,
			`[{"role":"tool","content":"","tool_call_id":"a"},{"role":"tool","content":"","tool_call_id":"b"},{"role":"tool","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,i"}}],"tool_call_id":"c"}]`, nil,
		},
		{
			"a result after a text", `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"tool_result","tool_use_id":"b","content":"c"}]}]`,
			`[{"role":"tool","content":"c","tool_call_id":"b"},{"role":"user","content":"a"}]`, []string{"messages[].content.order"},
		},
		{
			"thinking", `[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"thinking","thinking":"h\nm","signature":"c2ln"},{"type":"redacted_thinking","data":"ZGF0"},{"type":"thinking","thinking":"g","signature":"pointsman:google:Z28="},{"type":"thinking","thinking":"","signature":"b21pdA"},{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f"}]}]`,
			`[{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"h\nm\n\ng","thinking_blocks":[{"type":"thinking","thinking":"h\nm","signature":"c2ln","provider":"anthropic"},{"type":"redacted_thinking","data":"ZGF0","provider":"anthropic"},{"type":"thinking","thinking":"g","signature":"Z28=","provider":"google"},{"type":"thinking","thinking":"","signature":"b21pdA","provider":"anthropic"}],"tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]}]`, nil,
		},
		{
			"unsigned thinking is reasoning", `[{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":""}]}]`,
			`[{"role":"assistant","content":"","reasoning_content":"h"}]`, nil,
		},
		{
			"calls alone", `[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}]`,
			`[{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]}]`, nil,
		},
		{
			"thinking between", `[{"role":"assistant","content":[{"type":"text","text":"a","citations":[{}]},{"type":"thinking","thinking":"h","signature":"s"}]}]`,
			`[{"role":"assistant","content":[{"type":"text","text":"a"}],"reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h","signature":"s","provider":"anthropic"}]}]`,
			[]string{"messages[].content.order", "messages[].content[].citations"},
		},
		{"an empty assistant turn", `[{"role":"user","content":"q"},{"role":"assistant","content":[]}]`, `[{"role":"user","content":"q"},{"role":"assistant","content":""}]`, nil},
		{
			"a system turn", `[{"role":"user","content":"q"},{"role":"system","content":[{"type":"text","text":"s"}]}]`,
			`[{"role":"user","content":"q"},{"role":"system","content":"s"}]`, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.FromMessages(parse(t, `{"model":"m","max_tokens":5,"messages":`+tt.messages+`}`), "")
			if err != nil {
				t.Fatalf("FromMessages(%s) = %v", tt.messages, err)
			}
			if want := `{"model":"m","messages":` + tt.want + `,"max_tokens":5}`; string(got.Body) != want || !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("FromMessages(%s)\n got %s %q\nwant %s %q", tt.messages, got.Body, got.Lossy, want, tt.wantLossy)
			}
			canonical(t, got.Body)
		})
	}
}

func TestFromMessagesOptions(t *testing.T) {
	t.Parallel()
	const schema = `{"type":"object","properties":{}}`
	tools := func(members string) string {
		return `"tools":[{"name":"f","input_schema":` + schema + `}]` + members
	}
	const wantTools = `,"tools":[{"type":"function","function":{"name":"f","parameters":` + schema + `}}]`
	tests := []struct {
		name, members, want string
		wantLossy           []string
	}{
		{"sampling", `"temperature":0.70,"top_p":1,"top_k":40,"stop_sequences":["a","b"]`, `,"temperature":0.70,"top_p":1,"top_k":40,"stop":["a","b"]`, nil},
		{"null says nothing", `"temperature":null,"system":null,"tools":null,"thinking":null,"context_management":null`, ``, nil},
		{"nothing in lists", `"stop_sequences":[],"tools":[],"system":[],"tool_choice":{"type":"auto"}`, ``, nil},
		{"stream asks for usage", `"stream":true`, `,"stream":true,"stream_options":{"include_usage":true}`, nil},
		{"no stream", `"stream":false`, ``, nil},
		{"user", `"metadata":{"user_id":"u","strict":"true","x":7}`, `,"user":"u","metadata":{"strict":"true"}`, []string{"metadata.x"}},
		{"user alone", `"metadata":{"user_id":"u"}`, `,"user":"u"`, nil},
		{"service tier", `"service_tier":"standard_only"`, `,"service_tier":"default"`, nil},
		{"top-level mark and fallbacks", `"cache_control":{"type":"ephemeral"},"models":["b"]`, `,"cache_control":{"type":"ephemeral"},"models":["b"]`, nil},
		{
			"a tool whole", `"tools":[{"type":"custom","name":"f","description":"d","strict":true,"cache_control":{"type":"ephemeral"},"defer_loading":true,"input_schema":` + schema + `}]`,
			`,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":` + schema + `,"strict":true},"cache_control":{"type":"ephemeral"}}]`, []string{"tools[].defer_loading"},
		},
		{"five stops", `"stop_sequences":["1","2","3","4","5"]`, `,"stop":["1","2","3","4","5"]`, nil},
		{"a tool name of 128", `"tools":[{"name":"` + strings.Repeat("a", 128) + `","input_schema":{}}]`, `,"tools":[{"type":"function","function":{"name":"` + strings.Repeat("a", 128) + `","parameters":{}}}]`, nil},
		{"choice auto", tools(`,"tool_choice":{"type":"auto"}`), wantTools + `,"tool_choice":"auto"`, nil},
		{"choice any", tools(`,"tool_choice":{"type":"any","disable_parallel_tool_use":false}`), wantTools + `,"tool_choice":"required"`, nil},
		{"choice none", tools(`,"tool_choice":{"type":"none"}`), wantTools + `,"tool_choice":"none"`, nil},
		{"choice by name, one at a time", tools(`,"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true}`), wantTools + `,"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false`, nil},
		{"budget of low", `"thinking":{"type":"enabled","budget_tokens":1024,"display":"summarized"}`, `,"reasoning_effort":"low"`, nil},
		{"budget of medium", `"thinking":{"type":"enabled","budget_tokens":5000}`, `,"reasoning_effort":"medium"`, []string{"thinking.budget_tokens"}},
		{"budget of high", `"thinking":{"type":"enabled","budget_tokens":16384,"display":"omitted"}`, `,"reasoning_effort":"high"`, []string{"thinking.display"}},
		{"thinking off", `"thinking":{"type":"disabled"}`, ``, nil},
		{"adaptive", `"thinking":{"type":"adaptive"}`, ``, []string{"thinking"}},
		{"adaptive with an effort", `"thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"}`, `,"reasoning_effort":"xhigh"`, nil},
		{"an effort goes before a budget", `"thinking":{"type":"enabled","budget_tokens":1024},"output_config":{"effort":"max"}`, `,"reasoning_effort":"max"`, []string{"thinking.budget_tokens"}},
		{"schema", `"output_config":{"format":{"type":"json_schema","schema":` + schema + `},"new":1}`, `,"response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":` + schema + `}}`, []string{"output_config.new"}},
		{"what Chat has no place for", `"container":"c","context_management":{"edits":[]},"mcp_servers":[],"n":3`, ``, []string{"container", "context_management", "n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.FromMessages(parse(t, `{"max_tokens":5,"model":"m",`+tt.members+`,`+hello+`}`), "other")
			if err != nil {
				t.Fatalf("FromMessages(%s) = %v", tt.members, err)
			}
			if want := `{"model":"other",` + hello + `,"max_tokens":5` + tt.want + `}`; string(got.Body) != want || !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("FromMessages(%s)\n got %s %q\nwant %s %q", tt.members, got.Body, got.Lossy, want, tt.wantLossy)
			}
			canonical(t, got.Body)
		})
	}
}

func TestFromMessagesSystem(t *testing.T) {
	t.Parallel()
	tests := []struct{ system, want string }{
		{`"s"`, `{"role":"system","content":"s"},`},
		{`""`, ``},
		{`[{"type":"text","text":"s"}]`, `{"role":"system","content":"s"},`},
		{`[{"type":"text","text":"s"},{"type":"text","text":"t","cache_control":{"type":"ephemeral"}}]`, `{"role":"system","content":[{"type":"text","text":"s"},{"type":"text","text":"t","cache_control":{"type":"ephemeral"}}]},`},
	}
	for _, tt := range tests {
		got, err := wire.FromMessages(parse(t, `{"model":"m","max_tokens":5,"system":`+tt.system+`,`+hello+`}`), "")
		if want := `{"model":"m","messages":[` + tt.want + `{"role":"user","content":"hi"}],"max_tokens":5}`; err != nil || string(got.Body) != want {
			t.Errorf("FromMessages(system %s) = %s, %v, want %s", tt.system, got.Body, err, want)
		}
	}
}

func TestFromMessagesRefuses(t *testing.T) {
	t.Parallel()
	user := func(blocks string) string {
		return `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[` + blocks + `]}]}`
	}
	option := func(member string) string { return `{"model":"m","max_tokens":5,` + hello + `,` + member + `}` }
	tests := []struct{ name, body, want string }{
		{"an array", `[]`, ""},
		{"no model", `{"max_tokens":5,` + hello + `}`, "model"},
		{"a blank model", `{"model":" ","max_tokens":5,` + hello + `}`, "model"},
		{"no max_tokens", `{"model":"m",` + hello + `}`, "max_tokens"},
		{"a fraction", `{"model":"m","max_tokens":1.5,` + hello + `}`, "max_tokens"},
		{"no messages", `{"model":"m","max_tokens":5}`, "messages"},
		{"messages without one", `{"model":"m","max_tokens":5,"messages":[]}`, "messages"},
		{"a message that says nothing", `{"model":"m","max_tokens":5,"messages":[{"role":"system","content":""}]}`, "messages"},
		{"a role", `{"model":"m","max_tokens":5,"messages":[{"role":"tool","content":"a"}]}`, "messages[0].role"},
		{"no content", `{"model":"m","max_tokens":5,"messages":[{"role":"user"}]}`, "messages[0].content"},
		{"empty content", user(``), "messages[0].content"},
		{"a block that is text", user(`"a"`), "messages[0].content[0]"},
		{"a block without a type", user(`{"text":"a"}`), "messages[0].content[0].type"},
		{"a result without its call", user(`{"type":"tool_result"}`), "messages[0].content[0].tool_use_id"},
		{"an image that is none", user(`{"type":"image","source":{"type":"base64","media_type":"text/html","data":""}}`), "messages[0].content[0].source.media_type"},
		{"an image without data", user(`{"type":"image","source":{"type":"base64","media_type":"image/png"}}`), "messages[0].content[0].source.data"},
		{"a document without an address", user(`{"type":"document","source":{"type":"url"}}`), "messages[0].content[0].source.url"},
		{"input that is text", `{"model":"m","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":"{}"}]}]}`, "messages[0].content[0].input"},
		{"too warm", option(`"temperature":1.5`), "temperature"},
		{"65 stops", option(`"stop_sequences":[` + strings.Repeat(`"a",`, 64) + `"a"]`), "stop_sequences"},
		{"a stop that is a number", option(`"stop_sequences":[1]`), "stop_sequences[0]"},
		{"a stream that is text", option(`"stream":"yes"`), "stream"},
		{"a long tool name", option(`"tools":[{"name":"` + strings.Repeat("a", 129) + `","input_schema":{}}]`), "tools[0].name"},
		{"a tool name", option(`"tools":[{"name":"a.b","input_schema":{}}]`), "tools[0].name"},
		{"a tool without schema", option(`"tools":[{"name":"a"}]`), "tools[0].input_schema"},
		{"a tool of Chat's", option(`"tools":[{"type":"function","function":{"name":"a"}}]`), "tools[0].type"},
		{"a forced tool without tools", option(`"tool_choice":{"type":"any"}`), "tool_choice"},
		{"thinking without budget", option(`"thinking":{"type":"enabled"}`), "thinking.budget_tokens"},
		{"a user that is a number", option(`"metadata":{"user_id":7}`), "metadata.user_id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.FromMessages(parse(t, tt.body), "")
			var e *wire.Error
			if !errors.As(err, &e) || e.Param != tt.want || e.Why == "" || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("FromMessages(%s) = %s, %v, want an error at %q", tt.body, got.Body, err, tt.want)
			}
		})
	}
}

// Names of what is lost are bounded, however many a body has.
func TestFromMessagesLossyIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 500 {
		b.WriteString(`"` + strings.Repeat("x", 500) + string(rune('a'+i%26)) + strings.Repeat("y", i) + `":1,`)
		b.WriteString(`"k` + strings.Repeat("z", i%60) + string(rune('a'+i/60)) + `":1,`)
	}
	got, err := wire.FromMessages(parse(t, `{`+b.String()+`"model":"m","max_tokens":5,`+hello+`}`), "")
	if err != nil || len(got.Lossy) != 33 || got.Lossy[32] != "..." {
		t.Fatalf("%d names are lost, %v, want 32 and an ellipsis", len(got.Lossy), err)
	}
	for _, name := range got.Lossy {
		if len(name) > 100 {
			t.Errorf("a lost name has %d bytes, want at most 100", len(name))
		}
	}
}

// Every recorded request of a client is taken, and no part of its content is lost.
func TestFromMessagesRecorded(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "shared", "data", "fixtures", "anthropic")
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Skip("no recorded fixtures beside this checkout: ", err)
	}
	taken := 0
	for _, dir := range dirs {
		body, err := os.ReadFile(filepath.Join(root, dir.Name(), "request.json"))
		if err != nil || strings.Contains(dir.Name(), "count-tokens") {
			continue
		}
		t.Run(dir.Name(), func(t *testing.T) {
			doc := parse(t, string(body))
			got, err := wire.FromMessages(doc, "")
			if dir.Name() == "35-error-400-shape" {
				if err == nil {
					t.Error("FromMessages takes a message that is text, which Anthropic refused")
				}
				return
			}
			if err != nil {
				t.Fatalf("FromMessages = %v", err)
			}
			canonical(t, got.Body)
			for _, name := range got.Lossy {
				if strings.HasPrefix(name, "messages[]") {
					t.Errorf("%s is lost", name)
				}
			}
			taken++
		})
	}
	if taken < 20 {
		t.Errorf("%d recorded requests were taken, want at least 20", taken)
	}
}

func FuzzFromMessages(f *testing.F) {
	f.Add(`{"model":"m","max_tokens":5,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"i"}}]},{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"pointsman:google:s"},{"type":"redacted_thinking","data":"d"},{"type":"tool_use","id":"t","name":"f","input":{"a":[1]}}]}]}`)
	f.Add(`{"model":"m","max_tokens":5,` + hello + `,"temperature":0,"top_k":1,"stop_sequences":["a"],"stream":true,"metadata":{"user_id":"u","strict":"true"},"tools":[{"name":"f","input_schema":{}},{"type":"bash_20250124","name":"bash"}],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"thinking":{"type":"enabled","budget_tokens":2000},"output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}},"models":["a"],"x":1}`)
	f.Add(`{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"document","title":"t","source":{"type":"content","content":[{"type":"text","text":"a"}]}}]}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		// What is written may be a little deeper and longer than what was read.
		doc, err := document.Parse([]byte(body), document.Limits{Depth: 100, Bytes: 1 << 20})
		if err != nil {
			return
		}
		got, err := wire.FromMessages(doc, "")
		if err == nil {
			canonical(t, got.Body)
			return
		}
		var e *wire.Error
		if !errors.As(err, &e) || e.Why == "" {
			t.Errorf("FromMessages(%s) = %v, want a *wire.Error", body, err)
		}
	})
}
