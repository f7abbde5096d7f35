package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/pointsman/pointsman/engine/wire"
)

const noUsage = `"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}`

func TestToMessage(t *testing.T) {
	t.Parallel()
	completion := func(message, finish, usage string) string {
		return `{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant",` + message + `},"finish_reason":` + finish + `}]` + usage + `}`
	}
	const head = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":`
	stop := func(reason string) string {
		return `,"stop_reason":"` + reason + `","stop_sequence":null,"stop_details":null,`
	}
	tests := []struct{ name, completion, want string }{
		{"text", completion(`"content":"a\n\u00e9"`, `"stop"`, ``), head + `[{"type":"text","text":"a\n\u00e9"}]` + stop("end_turn") + noUsage},
		{"nothing", completion(`"content":null`, `"stop"`, ``), head + `[]` + stop("end_turn") + noUsage},
		{"parts", completion(`"content":[{"type":"text","text":"a"},{"type":"text","text":""},{"type":"refusal","refusal":"b"}]`, `"stop"`, ``), head + `[{"type":"text","text":"a"},{"type":"text","text":"b"}]` + stop("end_turn") + noUsage},
		{"cut", completion(`"content":"a"`, `"length"`, ``), head + `[{"type":"text","text":"a"}]` + stop("max_tokens") + noUsage},
		{"filtered", completion(`"content":null,"refusal":"no \"way\""`, `"content_filter"`, ``), head + `[],"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":null,"explanation":"no \"way\""},` + noUsage},
		{"filtered without a word", completion(`"content":null,"refusal":null`, `"content_filter"`, ``), head + `[]` + stop("refusal") + noUsage},
		{"the model refuses", completion(`"content":null,"refusal":"no"`, `"stop"`, ``), head + `[{"type":"text","text":"no"}]` + stop("refusal") + noUsage},
		{
			"calls", completion(`"content":"a","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"x\": 1.0}"}},{"id":"call_2","type":"function","function":{"name":"g","arguments":""},"extra_content":{"google":{"thought_signature":"s"}}}]`, `"tool_calls"`, ``),
			head + `[{"type":"text","text":"a"},{"type":"tool_use","id":"call_1","name":"f","input":{"x": 1.0}},{"type":"tool_use","id":"call_2","name":"g","input":{},"extra_content":{"google":{"thought_signature":"s"}}}]` + stop("tool_use") + noUsage,
		},
		{
			"a forced call that says stop", completion(`"content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":1}}}]`, `"stop"`, ``),
			head + `[{"type":"tool_use","id":"c","name":"f","input":{"a":1}}]` + stop("tool_use") + noUsage,
		},
		{"no calls after all", completion(`"content":"a","tool_calls":[]`, `"tool_calls"`, ``), head + `[{"type":"text","text":"a"}]` + stop("end_turn") + noUsage},
		{
			"a call that was cut", completion(`"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"x"}}]`, `"length"`, ``),
			head + `[{"type":"tool_use","id":"c","name":"f","input":{"invalid_arguments":"{\"x"}}]` + stop("max_tokens") + noUsage,
		},
		{
			"ids of other alphabets", completion(`"tool_calls":[{"id":"functions.f:0","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"","type":"custom","custom":{"name":"g","input":"a\"b"}}]`, `"tool_calls"`, ``),
			head + `[{"type":"tool_use","id":"toolu_edd929eff7169948","name":"f","input":{}},{"type":"tool_use","id":"toolu_3c1675bd034a3783","name":"g","input":{"input":"a\"b"}}]` + stop("tool_use") + noUsage,
		},
		{
			"thinking blocks", completion(`"content":"a","reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h","signature":"c2ln","provider":"anthropic"},{"type":"thinking","thinking":"","signature":"Z28=","provider":"google"},{"type":"redacted_thinking","data":"ZA==","provider":"anthropic"}]`, `"stop"`, ``),
			head + `[{"type":"thinking","thinking":"h","signature":"c2ln"},{"type":"thinking","thinking":"","signature":"pointsman:google:Z28="},{"type":"redacted_thinking","data":"ZA=="},{"type":"text","text":"a"}]` + stop("end_turn") + noUsage,
		},
		{"reasoning", completion(`"content":"a","reasoning":"h"`, `"stop"`, ``), head + `[{"type":"thinking","thinking":"h","signature":""},{"type":"text","text":"a"}]` + stop("end_turn") + noUsage},
		{
			"all counters", completion(`"content":"a"`, `"stop"`, `,"usage":{"prompt_tokens":321,"completion_tokens":4000,"total_tokens":4321,"prompt_tokens_details":{"cached_tokens":20,"cache_write_tokens":100,"cache_write_1h_tokens":200},"completion_tokens_details":{"reasoning_tokens":50}}`),
			head + `[{"type":"text","text":"a"}]` + stop("end_turn") + `"usage":{"input_tokens":1,"cache_creation_input_tokens":300,"cache_read_input_tokens":20,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":4000,"output_tokens_details":{"thinking_tokens":50}}}`,
		},
		{
			"counters that make no sense", completion(`"content":"a"`, `"stop"`, `,"usage":{"prompt_tokens":3,"completion_tokens":-1,"prompt_tokens_details":{"cached_tokens":20}}`),
			head + `[{"type":"text","text":"a"}]` + stop("end_turn") + `"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":20,"output_tokens":0}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := wire.ToMessage(parse(t, tt.completion), "claude-x")
			if string(got) != tt.want {
				t.Errorf("ToMessage(%s)\n got %s\nwant %s", tt.completion, got, tt.want)
			}
			if !json.Valid(got) {
				t.Errorf("ToMessage(%s) is no JSON", tt.completion)
			}
		})
	}
}

func TestToMessageNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ completion, model, wantID, wantModel string }{
		{`{"id":"msg_01A","model":"m"}`, "", "msg_01A", "m"},
		{`{"id":"resp-7","model":"m"}`, "asked", "msg_resp-7", "asked"},
		{`{}`, "", "msg_", ""},
	}
	for _, tt := range tests {
		var got struct{ ID, Model string }
		body := wire.ToMessage(parse(t, tt.completion), tt.model)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		ok := got.ID == tt.wantID
		if tt.wantID == "msg_" {
			ok = len(got.ID) > 8
		}
		if !ok || got.Model != tt.wantModel {
			t.Errorf("ToMessage(%s, %q) has id %q and model %q, want %q and %q", tt.completion, tt.model, got.ID, got.Model, tt.wantID, tt.wantModel)
		}
	}
}

// What an answer said comes back as the history that says the same.
func TestMessageComesBack(t *testing.T) {
	t.Parallel()
	const message = `"content":"a","reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h","signature":"Z28=","provider":"google"}],"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"x\":1}"},"extra_content":{"google":{"thought_signature":"s"}}}]`
	answer := wire.ToMessage(parse(t, `{"id":"1","choices":[{"message":{"role":"assistant",`+message+`},"finish_reason":"tool_calls"}]}`), "m")
	content := string(parse(t, string(answer)).Root().Get("content").Raw())
	back, err := wire.FromMessages(parse(t, `{"model":"m","max_tokens":5,"messages":[{"role":"assistant","content":`+content+`}]}`), "")
	if want := `{"model":"m","messages":[{"role":"assistant",` + message + `}],"max_tokens":5}`; err != nil || string(back.Body) != want {
		t.Errorf("FromMessages(%s) = %s, %v, want %s", content, back.Body, err, want)
	}
}

func FuzzToMessage(f *testing.F) {
	f.Add(`{"id":"1","model":"m","choices":[{"message":{"content":"a","refusal":"r","thinking_blocks":[{"type":"thinking","thinking":"h","signature":"s","provider":"x"},{"type":"redacted_thinking"}],"tool_calls":[{"id":"a.b","function":{"name":"f","arguments":"{\"a\":"},"extra_content":{}},{"custom":{"input":1}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1e300}}`)
	f.Add(`{"choices":[{"message":{"content":[{"type":"text","text":1}],"reasoning":"r"}}]}`)
	f.Fuzz(func(t *testing.T, completion string) {
		doc, ok := lenient(completion)
		if !ok {
			return
		}
		got := wire.ToMessage(doc, "")
		var m struct {
			Type, Role string
			Content    []map[string]any
		}
		if err := json.Unmarshal(got, &m); err != nil || m.Type != "message" || m.Content == nil {
			t.Errorf("ToMessage(%s) = %s, %v, want a message", completion, got, err)
		}
	})
}
