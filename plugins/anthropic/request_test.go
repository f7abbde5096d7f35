package anthropic_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
)

const target = `{"id":"claude","upstream_id":"claude-x","api":"messages","max_output":64000,"capabilities":[],"unsupported":[],"rename":{}}`

// An assistant turn with the calls a and b, and their results out of order.
const (
	askB    = `{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1.50}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]}`
	answerB = `{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"two"}]},{"role":"tool","tool_call_id":"a","content":"one"}`
)

func TestRequest(t *testing.T) {
	const head = `{"model":"claude-x","max_tokens":64000`
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	const jsonOnly = `{"type":"text","text":"Answer with a single JSON object and nothing else: no text around it and no code fence."}`
	const oneTool = `"tools":[{"type":"function","function":{"name":"f"}}]`
	const wantTool = `,"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]`
	const wantHi = `"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]`
	tests := []struct {
		name, target, body string
		want               string
		wantLossy          []string
	}{
		{name: "one user message", body: `{"model":"auto",` + hi + `}`, want: head + `,` + wantHi + `}`},
		{
			name: "system messages become blocks in order",
			body: `{"messages":[{"role":"system","content":"a"},{"role":"developer","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]},{"role":"user","content":"hi"}]}`,
			want: head + `,"system":[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"text","text":"c"}],` + wantHi + `}`,
		},
		{
			name:      "a system message after a turn loses its place",
			body:      `{"messages":[{"role":"user","content":"hi"},{"role":"system","content":"a"},{"role":"system","content":"b"}]}`,
			want:      head + `,"system":[{"type":"text","text":"a"},{"type":"text","text":"b"}],` + wantHi + `}`,
			wantLossy: []string{"messages[].position"},
		},
		{name: "an empty system message says nothing", body: `{"messages":[{"role":"system","content":""},{"role":"user","content":"hi"}]}`, want: head + `,` + wantHi + `}`},
		{
			name: "history with parts, empty parts and texts that need escapes",
			body: `{"messages":[{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"a\"\n\u00e9\ud83d\ude00"}]},{"role":"assistant","content":"b\\"},{"role":"user","content":"c"}]}`,
			want: head + `,"messages":[{"role":"user","content":[{"type":"text","text":"a\"\n\u00e9\ud83d\ude00"}]},{"role":"assistant","content":[{"type":"text","text":"b\\"}]},{"role":"user","content":[{"type":"text","text":"c"}]}]}`,
		},
		{
			name: "an assistant turn without content is left out, a refusal is its text",
			body: `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null},{"role":"assistant","content":null,"refusal":"no"},{"role":"user","content":"b"}]}`,
			want: head + `,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"no"}]},{"role":"user","content":[{"type":"text","text":"b"}]}]}`,
		},
		{
			name:      "white space at the end of a final assistant text is cut",
			body:      `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b \n\t"}]}`,
			want:      head + `,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"b"}]}]}`,
			wantLossy: []string{"messages[].content[].trailing_space"},
		},
		{name: "max_completion_tokens wins", body: `{"max_tokens":5,"max_completion_tokens":7,` + hi + `}`, want: `{"model":"claude-x","max_tokens":7,` + wantHi + `}`},
		{name: "max_tokens, null max_completion_tokens", body: `{"max_completion_tokens":null,"max_tokens":5,` + hi + `}`, want: `{"model":"claude-x","max_tokens":5,` + wantHi + `}`},
		{name: "max_tokens written as 1e3", body: `{"max_tokens":1e3,` + hi + `}`, want: `{"model":"claude-x","max_tokens":1000,` + wantHi + `}`},
		{name: "max_tokens 0 warms a cache", body: `{"max_tokens":0,` + hi + `}`, want: `{"model":"claude-x","max_tokens":0,` + wantHi + `}`},
		{name: "more tokens than the model can write", body: `{"max_tokens":64001,` + hi + `}`, want: head + `,` + wantHi + `}`, wantLossy: []string{"max_tokens"}},
		{name: "no bound known", target: `{"upstream_id":"m","max_output":0}`, body: `{` + hi + `}`, want: `{"model":"m","max_tokens":4096,` + wantHi + `}`},
		{name: "stream", body: `{"stream":true,"stream_options":{"include_usage":true},` + hi + `}`, want: head + `,"stream":true,` + wantHi + `}`},
		{name: "stream false", body: `{"stream":false,` + hi + `}`, want: head + `,` + wantHi + `}`},
		{
			name: "sampling members",
			body: `{"temperature":0.20,"top_p":0.9,"top_k":3,"stop":["a","b"],` + hi + `}`,
			want: head + `,"temperature":0.20,"top_p":0.9,"top_k":3,"stop_sequences":["a","b"],` + wantHi + `}`,
		},
		{name: "temperature 0 is said", body: `{"temperature":0,` + hi + `}`, want: head + `,"temperature":0,` + wantHi + `}`},
		{name: "temperature above 1 is clamped", body: `{"temperature":1.7,` + hi + `}`, want: head + `,"temperature":1,` + wantHi + `}`, wantLossy: []string{"temperature"}},
		{name: "null members are unset", body: `{"temperature":null,"top_p":null,"stop":null,"n":null,"user":null,"tools":null,` + hi + `}`, want: head + `,` + wantHi + `}`},
		{
			name:      "white space alone is no stop sequence",
			body:      `{"stop":["\n\n","x"," ",""],` + hi + `}`,
			want:      head + `,"stop_sequences":["x"],` + wantHi + `}`,
			wantLossy: []string{"stop"},
		},
		{name: "one stop text", body: `{"stop":"x",` + hi + `}`, want: head + `,"stop_sequences":["x"],` + wantHi + `}`},
		{
			name:      "members that the target rejects",
			target:    `{"upstream_id":"m","max_output":9,"unsupported":["temperature","top_p","stop"]}`,
			body:      `{"temperature":0.2,"top_p":1,"stop":"x",` + hi + `}`,
			want:      `{"model":"m","max_tokens":9,` + wantHi + `}`,
			wantLossy: []string{"temperature", "stop"}, // top_p 1 is the default
		},
		{
			name:      "temperature and top_p not together",
			target:    `{"upstream_id":"m","max_output":9,"unsupported":["temperature+top_p"]}`,
			body:      `{"temperature":0.2,"top_p":0.5,` + hi + `}`,
			want:      `{"model":"m","max_tokens":9,"temperature":0.2,` + wantHi + `}`,
			wantLossy: []string{"top_p"},
		},
		{
			name:   "top_p alone where the two exclude each other",
			target: `{"upstream_id":"m","max_output":9,"unsupported":["temperature+top_p"]}`,
			body:   `{"top_p":0.5,` + hi + `}`,
			want:   `{"model":"m","max_tokens":9,"top_p":0.5,` + wantHi + `}`,
		},
		{name: "user", body: `{"user":"u1",` + hi + `}`, want: head + `,"metadata":{"user_id":"u1"},` + wantHi + `}`},
		{name: "safety_identifier wins", body: `{"user":"u1","safety_identifier":"s1",` + hi + `}`, want: head + `,"metadata":{"user_id":"s1"},` + wantHi + `}`},
		{name: "service tier default", body: `{"service_tier":"default",` + hi + `}`, want: head + `,"service_tier":"standard_only",` + wantHi + `}`},
		{name: "service tier auto", body: `{"service_tier":"auto",` + hi + `}`, want: head + `,` + wantHi + `}`},
		{name: "service tier flex", body: `{"service_tier":"flex",` + hi + `}`, want: head + `,` + wantHi + `}`, wantLossy: []string{"service_tier"}},
		{
			name:      "what the wire has no place for",
			body:      `{"seed":0,"presence_penalty":0.1,"logit_bias":{"1":2},"logprobs":true,"response_format":{"type":"json_object"},"reasoning_effort":"some","store":true,"tools":[{"type":"function"}],"shape":"odd",` + hi + `}`,
			want:      head + `,"system":[` + jsonOnly + `],` + wantHi + `}`,
			wantLossy: []string{"logit_bias", "logprobs", "presence_penalty", "reasoning_effort", "response_format", "seed", "shape", "store", "tools[].type"},
		},
		{
			name: "what asks for nothing is not lost",
			body: `{"n":1,"presence_penalty":0,"frequency_penalty":0,"logit_bias":{},"logprobs":false,"response_format":{"type":"text"},"modalities":["text"],"reasoning_effort":"none","verbosity":"medium","store":false,"tools":[],"parallel_tool_calls":false,"metadata":{"task_type":"x"},"models":["a"],` + hi + `}`,
			want: head + `,` + wantHi + `}`,
		},
		{
			name:      "members of messages and parts",
			body:      `{"messages":[{"role":"user","name":"bob","content":[{"type":"text","text":"hi","odd":1}],"audio":null}]}`,
			want:      head + `,` + wantHi + `}`,
			wantLossy: []string{"messages[].content[].odd", "messages[].name"},
		},
		{
			name: "cache marks are carried",
			body: `{"messages":[{"role":"system","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}]},{"role":"user","content":[{"type":"text","text":"hi","prompt_cache_breakpoint":{"mode":"explicit"}}]}]}`,
			want: head + `,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}`,
		},
		{
			name:      "the fifth cache mark is too many",
			body:      `{"messages":[{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}},`, 4) + `{"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"explicit"}}]}]}`,
			want:      head + `,"messages":[{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},`, 4) + `{"type":"text","text":"b"}]}]}`,
			wantLossy: []string{"messages[].content[].prompt_cache_breakpoint"},
		},
		{
			name: "images, inline and by URL",
			body: `{"messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/JPG;base64,AAE=","detail":"auto"}},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}`,
			want: head + `,"messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AAE="}},{"type":"image","source":{"type":"url","url":"https://x.test/a.png"}}]}]}`,
		},
		{
			name: "a schema",
			body: `{"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","additionalProperties":false}}},` + hi + `}`,
			want: head + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{},"additionalProperties":false}}},` + wantHi + `}`,
		},
		{
			name: "a schema for a model without formats", target: `{"upstream_id":"claude-sonnet-4-20250514","max_output":9}`,
			body: `{"response_format":{"type":"json_schema","json_schema":{"schema":{"properties":{}}}},` + hi + `}`,
			want: `{"model":"claude-sonnet-4-20250514","max_tokens":9,"tools":[{"name":"respond_with_json","description":"Gives the final answer. Its input is the whole answer.","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"tool","name":"respond_with_json","disable_parallel_tool_use":true},` + wantHi + `}`,
		},
		{name: "an effort", body: `{"reasoning_effort":"max",` + hi + `}`, want: head + `,"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"max"},` + wantHi + `}`},
		{
			name: "an effort that the model does not know, and a schema", target: `{"upstream_id":"claude-opus-4-6","max_output":9}`,
			body:      `{"reasoning_effort":"xhigh","response_format":{"type":"json_schema","json_schema":{"schema":{}}},` + hi + `}`,
			want:      `{"model":"claude-opus-4-6","max_tokens":9,"thinking":{"type":"adaptive"},"output_config":{"effort":"high","format":{"type":"json_schema","schema":{}}},` + wantHi + `}`,
			wantLossy: []string{"reasoning_effort"},
		},
		{name: "a forced call is not thought about", body: `{"reasoning_effort":"high","tool_choice":"required",` + oneTool + `,` + hi + `}`, want: head + `,"output_config":{"effort":"high"}` + wantTool + `,"tool_choice":{"type":"any"},` + wantHi + `}`},
		{
			name: "an effort as a budget, and what the API refuses beside it", target: `{"upstream_id":"claude-sonnet-4-5-20250929","max_output":64000}`,
			body:      `{"reasoning_effort":"high","temperature":0.5,"top_p":0.5,"top_k":3,` + hi + `}`,
			want:      `{"model":"claude-sonnet-4-5-20250929","max_tokens":64000,"thinking":{"type":"enabled","budget_tokens":16384},` + wantHi + `}`,
			wantLossy: []string{"temperature", "top_p", "top_k"},
		},
		{
			name: "a budget leaves room for the answer", target: `{"upstream_id":"claude-3-7-sonnet","max_output":64000}`,
			body: `{"reasoning_effort":"medium","max_tokens":4096,"temperature":1,` + hi + `}`,
			want: `{"model":"claude-3-7-sonnet","max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":2048},` + wantHi + `}`,
		},
		{
			name: "no room for a budget", target: `{"upstream_id":"claude-haiku-4-5","max_output":64000}`,
			body:      `{"reasoning_effort":"minimal","max_tokens":1024,"temperature":0.5,` + hi + `}`,
			want:      `{"model":"claude-haiku-4-5","max_tokens":1024,"temperature":0.5,` + wantHi + `}`,
			wantLossy: []string{"reasoning_effort"},
		},
		{
			name: "a model that does not think", target: `{"upstream_id":"claude-3-5-haiku-latest","max_output":8192}`,
			body:      `{"reasoning_effort":"low",` + hi + `}`,
			want:      `{"model":"claude-3-5-haiku-latest","max_tokens":8192,` + wantHi + `}`,
			wantLossy: []string{"reasoning_effort"},
		},
		{
			name: "signed thinking goes back", target: `{"upstream_id":"claude-sonnet-4-5","max_output":64000}`,
			body: `{"reasoning_effort":"low","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"b","reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"h\u006d","signature":"s","provider":"anthropic"},{"type":"thinking","thinking":"x","signature":"g","provider":"google"},{"type":"redacted_thinking","data":"d"},{"type":"thinking","thinking":"unsigned"}]},{"role":"user","content":"c"},` +
				`{"role":"assistant","content":null,"reasoning_content":"tool","thinking_blocks":[{"type":"thinking","thinking":"","signature":"t"}],"tool_calls":[{"id":"a","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"a","content":"1"}]}`,
			want: `{"model":"claude-sonnet-4-5","max_tokens":64000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},` +
				`{"role":"assistant","content":[{"type":"thinking","thinking":"h\u006d","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"b"}]},{"role":"user","content":[{"type":"text","text":"c"}]},` +
				`{"role":"assistant","content":[{"type":"thinking","thinking":"tool","signature":"t"},{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]}`,
		},
		{
			name: "calls that began without signed thinking go on without", target: `{"upstream_id":"claude-sonnet-4-5","max_output":64000}`,
			body: `{"reasoning_effort":"low","messages":[{"role":"user","content":"hi"},{"role":"assistant","reasoning_content":"hm","tool_calls":[{"id":"a","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"a","content":"1"}]}`,
			want: `{"model":"claude-sonnet-4-5","max_tokens":64000,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]}`,
			wantLossy: []string{"messages[].reasoning_content", "reasoning_effort"},
		},
		{
			name: "tools and their choice",
			body: `{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"number"}}}},"cache_control":{"type":"ephemeral"}},{"type":"function","function":{"name":"g","description":"","parameters":null,"strict":false}}],"tool_choice":"auto","parallel_tool_calls":true,` + hi + `}`,
			want: head + `,"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"x":{"type":"number"}}},"cache_control":{"type":"ephemeral"}},{"name":"g","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"auto"},` + wantHi + `}`,
		},
		{name: "a tool must be called", body: `{` + oneTool + `,"tool_choice":"required","parallel_tool_calls":false,` + hi + `}`, want: head + wantTool + `,"tool_choice":{"type":"any","disable_parallel_tool_use":true},` + wantHi + `}`},
		{name: "no tool may be called", body: `{` + oneTool + `,"tool_choice":"none","parallel_tool_calls":false,` + hi + `}`, want: head + wantTool + `,"tool_choice":{"type":"none"},` + wantHi + `}`},
		{name: "one tool must be called", body: `{` + oneTool + `,"tool_choice":{"type":"function","function":{"name":"f"}},` + hi + `}`, want: head + wantTool + `,"tool_choice":{"type":"tool","name":"f"},` + wantHi + `}`},
		{name: "one call at a time, whichever", body: `{` + oneTool + `,"parallel_tool_calls":false,` + hi + `}`, want: head + wantTool + `,"tool_choice":{"type":"auto","disable_parallel_tool_use":true},` + wantHi + `}`},
		{name: "a choice between no tools", body: `{"tools":[],"tool_choice":"auto","parallel_tool_calls":false,` + hi + `}`, want: head + `,` + wantHi + `}`},
		{
			name: "some of the tools",
			body: `{"tools":[{"type":"function","function":{"name":"e"}},{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}},` + hi + `}`,
			want: head + wantTool + `,"tool_choice":{"type":"any"},` + wantHi + `}`,
		},
		{
			name:      "what is said about a tool beside",
			body:      `{"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{}},"strict":true},"odd":1},{"type":"function","custom":{"name":"c"}}],` + hi + `}`,
			want:      head + `,"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],` + wantHi + `}`,
			wantLossy: []string{"tools[].function.strict", "tools[].odd", "tools[].type"},
		},
		{
			name: "calls, their results in one turn in the calls' order, then the user",
			body: `{"messages":[{"role":"user","content":"hi"},` + askB + `,` + answerB + `,{"role":"user","content":"and"},{"role":"assistant","content":"c"}]}`,
			want: head + `,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"x":1.50}},{"type":"tool_use","id":"b","name":"g","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"one"},{"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"two"}]},{"type":"text","text":"and"}]},` +
				`{"role":"assistant","content":[{"type":"text","text":"c"}]}]}`,
		},
		{
			name: "text before a call, an empty result, two turns of calls",
			body: `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"wait","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":""},` +
				`{"role":"assistant","content":"","tool_calls":[{"id":"b","function":{"name":"f","arguments":null}}]},{"role":"system","content":"s"},{"role":"tool","tool_call_id":"b","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}`,
			want: head + `,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},` +
				`{"role":"assistant","content":[{"type":"text","text":"wait"},{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"b","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"b","content":[{"type":"image","source":{"type":"url","url":"https://x.test/a.png"}}]}]}]}`,
			wantLossy: []string{"messages[].position"},
		},
		{
			name: "ids of other vendors, none, and one again",
			body: `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"functions.f:0","function":{"name":"f","arguments":"[1]"}},{"id":"","function":{"name":"f","arguments":"{\"a\":"}}]},` +
				`{"role":"tool","tool_call_id":"functions.f:0","content":"1"},{"role":"tool","tool_call_id":"","content":"2"},{"role":"assistant","tool_calls":[{"id":"functions.f:0","function":{"name":"f"}}]},{"role":"tool","tool_call_id":"functions.f:0","content":"3"}]}`,
			want: head + `,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"call_15jgfutco9ha0","name":"f","input":{}},{"type":"tool_use","id":"call_4hapc77c759z","name":"f","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_15jgfutco9ha0","content":"1"},{"type":"tool_result","tool_use_id":"call_4hapc77c759z","content":"2"}]},` +
				`{"role":"assistant","content":[{"type":"tool_use","id":"call_3m8p3kt8u4ufw","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_3m8p3kt8u4ufw","content":"3"}]}]}`,
			wantLossy: []string{"messages[].tool_calls[].function.arguments"},
		},
		{
			name:      "the detail of an image",
			body:      `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png","detail":"low"}}]}]}`,
			want:      head + `,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x.test/a.png"}}]}]}`,
			wantLossy: []string{"messages[].content[].image_url.detail"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.target == "" {
				tt.target = target
			}
			got := adaptertest.Request(t, anthropic.Adapter{}, tt.target, tt.body)
			if got.Failed || got.Output != tt.want {
				t.Errorf("Request(%s)\n got %s %s\nwant %s", tt.body, got.Output, got.Message, tt.want)
			}
			if err := checkRequest(got.Output); err != nil && !got.Failed {
				t.Errorf("Request(%s) is one that the API refuses: %v", tt.body, err)
			}
			if got.Path != "/v1/messages" {
				t.Errorf("path = %q, want /v1/messages", got.Path)
			}
			slices.Sort(got.Lossy)
			slices.Sort(tt.wantLossy)
			if !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("Request(%s) loses %q, want %q", tt.body, got.Lossy, tt.wantLossy)
			}
		})
	}
}

func TestRequestRefuses(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"two choices", `{"n":2,"messages":[{"role":"user","content":"hi"}]}`, "n: "},
		{"no turn", `{"messages":[{"role":"system","content":"hi"}]}`, "messages: "},
		{"no messages", `{}`, "messages: "},
		{"an assistant first", `{"messages":[{"role":"system","content":"s"},{"role":"assistant","content":"hi"},{"role":"user","content":"x"}]}`, "messages[1]: "},
		{"an empty user message", `{"messages":[{"role":"user","content":"x"},{"role":"user","content":[{"type":"text","text":""}]}]}`, "messages[1]: "},
		{"audio", `{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"input_audio","input_audio":{}}]}]}`, "messages[0].content[1]: content of type 'input_audio'"},
		{"a file", `{"messages":[{"role":"user","content":[{"type":"file","file":{}}]}]}`, "messages[0].content[0]: "},
		{"an image of another kind", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AA=="}}]}]}`, "messages[0].content[0]: Anthropic takes PNG"},
		{"an image that is not base64", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,AA"}}]}]}`, "messages[0].content[0]: "},
		{"an image of the assistant", `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}`, "messages[1].content[0]: "},
		{"a tool result", `{"messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"c","content":"y"}]}`, "messages[1].tool_call_id: no call that is open there has the id 'c'"},
		{"a tool call", `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]}]}`, "messages[1].tool_calls[0]: "},
		{"a role of old", `{"messages":[{"role":"function","content":"x"}]}`, "messages[0]: the role 'function'"},
		{"a call of old", `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"function_call":{"name":"f"}}]}`, "messages[1].function_call: "},
		{"a call without its result", `{"messages":[{"role":"user","content":"x"},` + askB + `,{"role":"tool","tool_call_id":"b","content":"y"},{"role":"user","content":"z"}]}`, "messages[1].tool_calls: the call 'a' is not answered"},
		{"a call at the end", `{"messages":[{"role":"user","content":"x"},` + askB + `]}`, "messages[1].tool_calls: the call 'a' is not answered"},
		{"a result too many", `{"messages":[{"role":"user","content":"x"},` + askB + `,` + answerB + `,{"role":"tool","tool_call_id":"a","content":"y"}]}`, "messages[4].tool_call_id: "},
		{"a tool choice without tools", `{"tool_choice":"required","messages":[{"role":"user","content":"x"}]}`, "tool_choice: "},
		{"a tool choice of another kind", `{"tool_choice":{"type":"hosted","hosted":{"name":"f"}},"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"}]}`, "tool_choice: "},
		{"a choice of a tool that is not there", `{"tool_choice":{"type":"function","function":{"name":"g"}},"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"}]}`, "tool_choice: "},
		{"a tool whose arguments are no object", `{"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"string"}}}],"messages":[{"role":"user","content":"x"}]}`, "tools[0].function.parameters.type: "},
		{"a tool choice that is no word of ours", `{"tool_choice":"maybe","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"}]}`, "tool_choice: "},
		{"audio in a result", `{"messages":[{"role":"user","content":"x"},` + askB + `,{"role":"tool","tool_call_id":"b","content":""},{"role":"tool","tool_call_id":"a","content":[{"type":"input_audio"}]}]}`, "messages[3].content[0]: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Request(t, anthropic.Adapter{}, target, tt.body)
			if !got.Failed || !strings.HasPrefix(got.Message, tt.want) {
				t.Errorf("Request(%s) = %q, failed %v, want failure %q…", tt.body, got.Message, got.Failed, tt.want)
			}
		})
	}
}

func TestRequestCall(t *testing.T) {
	const body = `{"messages":[{"role":"user","content":"hi"}]}`
	got := adaptertest.Call(t, anthropic.Adapter{}, `{"operation":"chat","target":{"upstream_id":"m"},"headers":{"anthropic-beta":"a,b"}}`, body)
	want := [][2]string{{"content-type", "application/json"}, {"anthropic-beta", "a,b"}}
	if !slices.Equal(got.Headers, want) {
		t.Errorf("headers = %q, want %q", got.Headers, want)
	}
	got = adaptertest.Call(t, anthropic.Adapter{}, `{"operation":"embeddings","target":{"upstream_id":"m"}}`, body)
	if !got.Failed || !strings.Contains(got.Message, "embeddings") {
		t.Errorf("embeddings = %q, failed %v, want a refusal that names the operation", got.Message, got.Failed)
	}
}

// However many pieces a request has, it is answered or refused: breaking a limit
// of the boundary, which adaptertest fails the test for, would count against the plugin.
func TestRequestKeepsWithinLimits(t *testing.T) {
	parts := func(part string, n int) string {
		return `{"messages":[{"role":"user","content":[` + strings.Repeat(part+",", n-1) + part + `]}]}`
	}
	message := `{"role":"user","content":"x"},{"role":"assistant","content":"y","name":"z"},`
	for name, body := range map[string]string{
		"exchanges": `{"messages":[{"role":"user","content":"x"}` + strings.Repeat(`,{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\":1.50}"}}]},{"role":"tool","tool_call_id":"a","content":"{}"}`, 1350) + `]}`,
		"messages":  `{"messages":[` + strings.Repeat(message, 2000) + `{"role":"user","content":"x"}]}`,
		"texts":     parts(`{"type":"text","text":"x"}`, 5600),
		"marks":     parts(`{"type":"text","text":"x","cache_control":{"type":"ephemeral"},"prompt_cache_breakpoint":{}}`, 5600),
		"images":    parts(`{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}`, 5600),
		"calls":     `{"messages":[{"role":"user","content":"x"}` + strings.Repeat(`,`+askB+`,`+answerB, 1400) + `]}`,
		"tools":     `{"messages":[{"role":"user","content":"x"}],"tools":[` + strings.Repeat(`{"type":"function","function":{"name":"f","description":"d","parameters":{},"strict":true},"odd":1},`, 1000) + `{"type":"function","function":{"name":"f"}}]}`,
		"answers":   `{"messages":[{"role":"user","content":"x"}` + strings.Repeat(`,{"role":"assistant","content":[{"type":"text","text":"x"}],"thinking_blocks":[{"data":"d"}],"cache_control":{}},{"role":"system","content":"s"}`, 1800) + `]}`,
		"blanks":    `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[` + strings.Repeat(`{"type":"text","text":" "},`, 5500) + `{"type":"text","text":" "}],"thinking_blocks":[{"data":"d"}]}]}`,
		"places":    `{"messages":[` + strings.Repeat(`{"role":"user","content":"x"},{"role":"system","content":[{"type":"text","text":"s"}]},{"role":"assistant","content":[{"type":"text","text":" "},{"type":"text","text":"x"}]},`, 1100) + `{"role":"user","content":"x"}]}`,
		"files":     parts(`{"type":"file","file":{"filename":"f","file_data":"data:text/plain;base64,YQ=="},"cache_control":{"type":"ephemeral"}}`, 5000),
		"results":   `{"messages":[{"role":"user","content":"x"}` + strings.Repeat(`,{"role":"assistant","tool_calls":[{"id":"a","type":"custom","custom":{"name":"f","input":"y"},"cache_control":{}}]},{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}],"is_error":true,"cache_control":{}}`, 800) + `],"tools":[{"type":"custom","custom":{"name":"f"}}]}`,
		"systems":   `{"messages":[` + strings.Repeat(`{"role":"system","content":"x"},`, 5000) + `{"role":"user","content":"x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, target := range []string{target, opus, older} {
				if got := adaptertest.Request(t, anthropic.Adapter{}, target, body); !got.Failed && got.Output == "" {
					t.Errorf("Request of many %s gave neither an answer nor a refusal: %q", name, got.Message)
				}
			}
		})
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","thinking_blocks":[{"signature":"s","thinking":1},{"data":"d"}],"tool_calls":[{"id":"a.b","function":{"name":"f","arguments":"{\"x\":1}"},"extra_content":{"google":{"thought_signature":"s"}}},{"id":7,"function":{"name":"g","arguments":{}}}]},{"role":"tool","tool_call_id":"a.b","content":"{"},{"role":"tool","content":[{"type":"text","text":"x"}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{}},"cache_control":{}},{}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"function":{"name":"f"}},1]}},"parallel_tool_calls":false,"reasoning_effort":"high","response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`)
	f.Add(`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"a "}]}],"stop":[" ",1],"n":1e9}`)
	f.Add(`{"messages":[{"role":"system","content":[{"type":"text","text":7,"cache_control":{}}]},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}],"temperature":"hot","top_p":{},"seed":-1,"user":[],"service_tier":"flex"}`)
	f.Add(`{"messages":{"role":"user"},"max_tokens":-5,"stream":1}`)
	f.Add(`{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"system","content":"s"},{"role":"assistant","content":" a ","thinking_blocks":[{"signature":"s","thinking":"t"}]},{"role":"user","content":[{"type":"file","file":{"filename":"f","file_data":"data:text/plain;base64,YQ=="}},{"type":"image_url","image_url":{"url":"HTTPS://x/y"},"cache_control":{}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"custom","custom":{"name":"c","input":"x"}}]},{"role":"tool","tool_call_id":"a","content":"","is_error":true},{"role":"system","content":"z"}],"tools":[{"type":"custom","custom":{"name":"c"}}],"tool_choice":"required","stream":true}`)
	f.Add(`{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"system","content":"s"}],"max_tokens":1500,"temperature":2,"top_p":0.5,"stop":["\n","x"],"reasoning_effort":"medium","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}},"cache_control":{}}],"tool_choice":{"type":"function","function":{"name":"f"}},"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"minimum":1,"$ref":"#"}}}}}}`)
	targets := []string{target, opus, older, `{"upstream_id":"claude-haiku-4-5","max_output":2000,"unsupported":["temperature+top_p"]}`}
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := document.Parse([]byte(body), document.Limits{}); err != nil {
			t.Skip("the host lets only JSON through")
		}
		doc, err := engine.ParseChat([]byte(body))
		for _, target := range targets {
			// adaptertest fails the test for output that is not JSON and for a broken limit.
			got := adaptertest.Request(t, anthropic.Adapter{}, target, body)
			if err != nil {
				continue
			}
			// The body is one that the host would send: it is refused with a reason, or carried.
			if got.Failed && got.Message == "" {
				t.Errorf("Request(%s) is refused without a reason", body)
			}
			if got.Failed {
				continue
			}
			if err := checkRequest(got.Output); err != nil {
				t.Errorf("Request(%s) of %s is one that the API refuses: %v\n%s", body, target, err, got.Output)
			}
		}
		if err == nil {
			doc.Release()
		}
	})
}
