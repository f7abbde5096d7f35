package wire_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
)

func TestFromResponsesInput(t *testing.T) {
	t.Parallel()
	const call, result = `{"type":"function_call","call_id":"c1","id":"fc_1","name":"f","arguments":"{\"a\":1}","status":"completed"}`, `{"type":"function_call_output","call_id":"c1","output":"4"}`
	const calls = `"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]`
	tests := []struct {
		name, input string // in the Responses wire
		want        string
		wantLossy   []string
	}{
		{"text", `"h\u0069"`, `[{"role":"user","content":"h\u0069"}]`, nil},
		{"a message without a type", `[{"role":"user","content":"hi"}]`, `[{"role":"user","content":"hi"}]`, nil},
		{"one part is a string", `[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}]`, `[{"role":"user","content":"hi"}]`, nil},
		{"roles", `[{"role":"system","content":"s"},{"role":"developer","content":"d"},{"role":"user","content":"u"}]`, `[{"role":"system","content":"s"},{"role":"developer","content":"d"},{"role":"user","content":"u"}]`, nil},
		{
			"parts", `[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"https://a/b.png","detail":"low"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JV\/"},{"type":"input_file","file_id":"file-1"}]}]`,
			`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://a/b.png","detail":"low"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JV\/"}},{"type":"file","file":{"file_id":"file-1"}}]}]`, nil,
		},
		{
			"an answer of ours comes back", `[{"role":"user","content":"q"},{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]}]},{"role":"user","content":"r"}]`,
			`[{"role":"user","content":"q"},{"role":"assistant","content":"a"},{"role":"user","content":"r"}]`, nil,
		},
		{
			"a refusal", `[{"role":"assistant","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"no"}]}]`,
			`[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"refusal","refusal":"no"}]}]`, nil,
		},
		{"a call and its result", `[` + call + `,` + result + `]`, `[{"role":"assistant","content":null,` + calls + `},{"role":"tool","content":"4","tool_call_id":"c1"}]`, nil},
		{"text and calls are one message", `[{"role":"assistant","content":"a"},` + call + `]`, `[{"role":"assistant","content":"a",` + calls + `}]`, nil},
		{"text after its call", `[` + call + `,{"role":"assistant","content":"a"}]`, `[{"role":"assistant","content":"a",` + calls + `}]`, []string{"input.order"}},
		{
			"two texts", `[{"role":"assistant","content":"a"},{"role":"assistant","content":[{"type":"output_text","text":"b"}],"phase":"final_answer"}]`,
			`[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`, []string{"input[].phase"},
		},
		{
			"a result of parts", `[{"type":"function_call_output","call_id":"c1","output":[{"type":"input_image","image_url":"data:image/png;base64,iV"},{"type":"input_text","text":"a"}]},{"type":"function_call_output","call_id":"c2","output":[]}]`,
			`[{"role":"tool","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iV"}},{"type":"text","text":"a"}],"tool_call_id":"c1"},{"role":"tool","content":"","tool_call_id":"c2"}]`, nil,
		},
		{
			"a custom call", `[{"type":"custom_tool_call","call_id":"c1","name":"f","input":"x"},{"type":"custom_tool_call_output","call_id":"c1","output":"y"}]`,
			`[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"custom","custom":{"name":"f","input":"x"}}]},{"role":"tool","content":"y","tool_call_id":"c1"}]`, nil,
		},
		{
			"reasoning of OpenAI keeps its id and its place",
			`[{"type":"reasoning","id":"rs_0aF","summary":[],"encrypted_content":"s"},{"type":"function_call","call_id":"c1","name":"f","arguments":""},{"type":"reasoning","id":"rs_x1_0","summary":[],"encrypted_content":"t"},{"type":"function_call","call_id":"c2","name":"f","arguments":""}]`,
			`[{"role":"assistant","content":null,"thinking_blocks":[{"type":"thinking","thinking":"","signature":"s","provider":"openai","id":"rs_0aF"},{"type":"thinking","thinking":"","signature":"t","provider":"openai","after_calls":1}],"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":""}},{"id":"c2","type":"function","function":{"name":"f","arguments":""}}]}]`, nil,
		},
		{
			"extra content of a call", `[{"type":"function_call","call_id":"c1","name":"f","arguments":"","extra_content":{"google":{"thought_signature":"s"}}}]`,
			`[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":""},"extra_content":{"google":{"thought_signature":"s"}}}]}]`, nil,
		},
		{
			"reasoning of OpenAI", `[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"h"},{"type":"summary_text","text":"m"}],"encrypted_content":"gA=="},` + call + `]`,
			`[{"role":"assistant","content":null,"reasoning_content":"h\n\nm","thinking_blocks":[{"type":"thinking","thinking":"h\n\nm","signature":"gA==","provider":"openai","id":"rs_1"}],` + calls + `}]`, nil,
		},
		{
			"reasoning of others", `[{"type":"reasoning","summary":[{"type":"summary_text","text":"h"}],"encrypted_content":"pointsman:anthropic:s"},{"type":"reasoning","summary":[],"encrypted_content":"pointsman-redacted:anthropic:d"},{"role":"assistant","content":"a"}]`,
			`[{"role":"assistant","content":"a","reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h","signature":"s","provider":"anthropic"},{"type":"redacted_thinking","data":"d","provider":"anthropic"}]}]`, nil,
		},
		{
			"reasoning in its own words", `[{"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"content":[{"type":"reasoning_text","text":"h"}]},{"role":"user","content":"u"}]`,
			`[{"role":"assistant","content":"","reasoning_content":"h"},{"role":"user","content":"u"}]`, []string{"input[].summary"},
		},
		{"reasoning that says nothing", `[{"type":"reasoning","id":"rs_1","summary":[]},{"role":"user","content":"u"}]`, `[{"role":"user","content":"u"}]`, nil},
		{
			"what is said of a text", `[{"role":"user","content":[{"type":"input_text","text":"a","prompt_cache_breakpoint":{}}]},{"role":"assistant","content":[{"type":"output_text","text":"b","annotations":[{"type":"url_citation"}]}]}]`,
			`[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]`, []string{"input[].content[].prompt_cache_breakpoint", "input[].content[].annotations"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.FromResponses(parse(t, `{"model":"m","input":`+tt.input+`}`), "")
			if err != nil {
				t.Fatalf("FromResponses(%s) = %v", tt.input, err)
			}
			if want := `{"model":"m","messages":` + tt.want + `}`; string(got.Body) != want {
				t.Errorf("FromResponses(%s)\n got %s\nwant %s", tt.input, got.Body, want)
			}
			if !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("FromResponses(%s) loses %q, want %q", tt.input, got.Lossy, tt.wantLossy)
			}
			canonical(t, got.Body)
		})
	}
}

func TestFromResponsesSettings(t *testing.T) {
	t.Parallel()
	const tools = `"tools":[{"type":"function","name":"f","parameters":{}}]`
	const nested = `,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]`
	tests := []struct {
		name, members string
		want          string // after the messages
		wantLossy     []string
	}{
		{"sampling", `"temperature":1.5,"top_p":0.5,"max_output_tokens":16,"top_logprobs":0`, `,"temperature":1.5,"top_p":0.5,"max_completion_tokens":16`, nil},
		{"null is absent", `"temperature":null,"previous_response_id":null,"conversation":null,"tools":null,"text":null,"x":null`, ``, nil},
		{"stream", `"stream":true,"stream_options":{"include_obfuscation":false}`, `,"stream":true,"stream_options":{"include_usage":true}`, nil},
		{"names", `"metadata":{"a":"b"},"user":"u","safety_identifier":"s","service_tier":"flex","prompt_cache_key":"k"`, `,"metadata":{"a":"b"},"user":"u","safety_identifier":"s","service_tier":"flex","prompt_cache_key":"k"`, nil},
		{"nothing is stored", `"store":false,"background":false,"truncation":"disabled","include":["reasoning.encrypted_content"]`, ``, nil},
		{"what there is not", `"store":true,"truncation":"auto","include":["message.output_text.logprobs"],"top_logprobs":3,"max_tool_calls":4,"stream_options":{"include_obfuscation":true},"x":1`, ``, []string{"store", "truncation", "include.message.output_text.logprobs", "top_logprobs", "max_tool_calls", "stream_options.include_obfuscation", "x"}},
		{"reasoning", `"reasoning":{"effort":"low","summary":"auto"}`, `,"reasoning_effort":"low"`, []string{"reasoning.summary"}},
		{"text", `"text":{"format":{"type":"text"},"verbosity":"low"}`, `,"verbosity":"low"`, nil},
		{"an object", `"text":{"format":{"type":"json_object"}}`, `,"response_format":{"type":"json_object"}`, nil},
		{
			"a schema", `"text":{"format":{"type":"json_schema","name":"n","description":"d","strict":true,"schema":{"type":"object"}}}`,
			`,"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","strict":true,"schema":{"type":"object"}}}`, nil,
		},
		{
			"tools", `"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":false},{"type":"function","name":"g","description":null,"parameters":null},{"type":"custom","name":"c","format":{"type":"grammar","syntax":"lark","definition":"x"}},{"type":"custom","name":"d","format":{"type":"text"}}]`,
			`,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":false}},{"type":"function","function":{"name":"g"}},{"type":"custom","custom":{"name":"c","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}},{"type":"custom","custom":{"name":"d","format":{"type":"text"}}}]`, nil,
		},
		{"choice", tools + `,"tool_choice":"required","parallel_tool_calls":false`, nested + `,"tool_choice":"required","parallel_tool_calls":false`, nil},
		{"a named choice", tools + `,"tool_choice":{"type":"function","name":"f"}`, nested + `,"tool_choice":{"type":"function","function":{"name":"f"}}`, nil},
		{
			"allowed tools", tools + `,"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}`,
			nested + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}},{"type":"web_search"}]}}`, nil,
		},
		{"a choice of nothing", `"tools":[],"tool_choice":"auto","parallel_tool_calls":true`, ``, nil},
		{"fallbacks", `"models":["a","b"]`, `,"models":["a","b"]`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.FromResponses(parse(t, `{"model":"m","input":"hi",`+tt.members+`}`), "n")
			if err != nil {
				t.Fatalf("FromResponses(%s) = %v", tt.members, err)
			}
			if want := `{"model":"n","messages":[{"role":"user","content":"hi"}]` + tt.want + `}`; string(got.Body) != want {
				t.Errorf("FromResponses(%s)\n got %s\nwant %s", tt.members, got.Body, want)
			}
			if !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("FromResponses(%s) loses %q, want %q", tt.members, got.Lossy, tt.wantLossy)
			}
			canonical(t, got.Body)
		})
	}
}

func TestFromResponsesInstructions(t *testing.T) {
	t.Parallel()
	got, err := wire.FromResponses(parse(t, `{"model":"m","instructions":"s","input":"hi"}`), "")
	if want := `{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"hi"}]}`; err != nil || string(got.Body) != want {
		t.Errorf("FromResponses = %s, %v, want %s", got.Body, err, want)
	}
}

func TestFromResponsesRefuses(t *testing.T) {
	t.Parallel()
	with := func(members string) string { return `{"model":"m","input":"hi",` + members + `}` }
	items := func(items string) string { return `{"model":"m","input":[` + items + `]}` }
	user := func(part string) string { return items(`{"role":"user","content":[` + part + `]}`) }
	tests := []struct{ name, body, want string }{
		{"text", `"a"`, ""},
		{"no model", `{"input":"a"}`, "model"},
		{"a blank model", `{"model":" ","input":"a"}`, "model"},
		{"no input", `{"model":"m"}`, "input"},
		{"input of null", `{"model":"m","input":null}`, "input"},
		{"a number as input", `{"model":"m","input":1}`, "input"},
		{"empty input", `{"model":"m","instructions":"s","input":[]}`, "input"},
		{"input that says nothing", items(`{"type":"reasoning","summary":[]}`), "input"},
		{"instructions that are none", `{"model":"m","input":"a","instructions":[]}`, "instructions"},
		{"in the background", with(`"background":true`), "background"},
		{"a reference without a type", items(`{"id":"msg_1"}`), "input[0].type"},
		{"an item that is text", items(`"a"`), "input[0]"},
		{"a role", items(`{"role":"tool","content":"a"}`), "input[0].role"},
		{"no content", items(`{"role":"user"}`), "input[0].content"},
		{"no parts", user(``), "input[0].content"},
		{"text without text", user(`{"type":"input_text"}`), "input[0].content[0].text"},
		{"an image without address", user(`{"type":"input_image"}`), "input[0].content[0].image_url"},
		{"an empty address", user(`{"type":"input_image","image_url":""}`), "input[0].content[0].image_url"},
		{"a file with a number for an address", user(`{"type":"input_file","file_url":7}`), "input[0].content[0].file_url"},
		{"a file without content", user(`{"type":"input_file","filename":"a"}`), "input[0].content[0]"},
		{"a call without id", items(`{"type":"function_call","name":"f","arguments":""}`), "input[0].call_id"},
		{"arguments that are an object", items(`{"type":"function_call","call_id":"c","name":"f","arguments":{}}`), "input[0].arguments"},
		{"an output without its call", items(`{"type":"function_call_output","output":"a"}`), "input[0].call_id"},
		{"no output", items(`{"type":"function_call_output","call_id":"a"}`), "input[0].output"},
		{"reasoning without text", items(`{"type":"reasoning","summary":[{"type":"summary_text"}]}`), "input[0].summary[0].text"},
		{"too warm", with(`"temperature":2.5`), "temperature"},
		{"no tokens", with(`"max_output_tokens":0`), "max_output_tokens"},
		{"a stream that is text", with(`"stream":"yes"`), "stream"},
		{"a tool of Chat's", with(`"tools":[{"type":"function","function":{"name":"f"}}]`), "tools[0].name"},
		{"a tool without a type", with(`"tools":[{"name":"f"}]`), "tools[0].type"},
		{"a schema that is text", with(`"tools":[{"type":"function","name":"f","parameters":"a"}]`), "tools[0].parameters"},
		{"a grammar without one", with(`"tools":[{"type":"custom","name":"f","format":{"type":"grammar","syntax":"lark"}}]`), "tools[0].format.definition"},
		{"a forced tool without tools", with(`"tool_choice":"required"`), "tool_choice"},
		{"a choice", with(`"tool_choice":"some"`), "tool_choice"},
		{"a choice without a name", with(`"tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function"}`), "tool_choice.name"},
		{"allowed tools without a name", with(`"tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function"}]}`), "tool_choice.tools[0].name"},
		{"a format without a schema", with(`"text":{"format":{"type":"json_schema","name":"n"}}`), "text.format.schema"},
		{"an effort", with(`"reasoning":{"effort":1}`), "reasoning.effort"},
		{"an include", with(`"include":[1]`), "include[0]"},
		{"a user", with(`"user":7`), "user"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.FromResponses(parse(t, tt.body), "")
			var e *wire.Error
			if !errors.As(err, &e) || e.Param != tt.want || e.Why == "" || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("FromResponses(%s) = %s, %v, want an error at %q", tt.body, got.Body, err, tt.want)
			}
		})
	}
}

// Every recorded request of a client is taken, and no part of its content is lost.
func TestFromResponsesRecorded(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "shared", "data", "fixtures", "openai-responses")
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Skip("no recorded fixtures beside this checkout: ", err)
	}
	taken := 0
	for _, dir := range dirs {
		body, err := os.ReadFile(filepath.Join(root, dir.Name(), "request.json"))
		if err != nil {
			continue
		}
		t.Run(dir.Name(), func(t *testing.T) {
			got, err := wire.FromResponses(parse(t, string(body)), "")
			if dir.Name() == "17-error-400-temperature" {
				if err == nil {
					t.Error("FromResponses takes a temperature of -1, which OpenAI refused")
				}
				return
			}
			if err != nil {
				t.Fatalf("FromResponses = %v", err)
			}
			canonical(t, got.Body)
			for _, name := range got.Lossy {
				if strings.HasPrefix(name, "input") || strings.HasPrefix(name, "tools") {
					t.Errorf("%s is lost", name)
				}
			}
			taken++
		})
	}
	if taken < 14 {
		t.Errorf("%d recorded requests were taken, want at least 14", taken)
	}
}

func FuzzFromResponses(f *testing.F) {
	f.Add(`{"model":"m","instructions":"s","input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"b","detail":"low"},{"type":"input_file","file_data":"c"}]},{"type":"reasoning","summary":[{"type":"summary_text","text":"h"}],"encrypted_content":"pointsman:google:s"},{"role":"assistant","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"b"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"custom_tool_call","call_id":"d","name":"g","input":"x"},{"type":"function_call_output","call_id":"c","output":[]}]}`)
	f.Add(`{"model":"m","input":"a","temperature":1,"stream":true,"text":{"format":{"type":"json_schema","name":"n","schema":{}},"verbosity":"low"},"tools":[{"type":"function","name":"f"},{"type":"custom","name":"c","format":{"type":"grammar","syntax":"lark","definition":"x"}}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]},"parallel_tool_calls":true,"reasoning":{"effort":"low"},"include":["a"],"metadata":{"a":"b"},"x":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		// What is written may be a little deeper and longer than what was read.
		doc, err := document.Parse([]byte(body), document.Limits{Depth: 100, Bytes: 1 << 20})
		if err != nil {
			return
		}
		got, err := wire.FromResponses(doc, "")
		if err == nil {
			translated(t, got.Body)
			return
		}
		var e *wire.Error
		if !errors.As(err, &e) || e.Why == "" {
			t.Errorf("FromResponses(%s) = %v, want a *wire.Error", body, err)
		}
	})
}
