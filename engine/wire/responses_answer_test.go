package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/wire"
)

func TestToResponseGolden(t *testing.T) {
	t.Parallel()
	const completion = `{"id":"chatcmpl-1","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"a\nb","reasoning_content":"h","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"k\":1}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":30,"completion_tokens":7,"total_tokens":37,"prompt_tokens_details":{"cached_tokens":20},"completion_tokens_details":{"reasoning_tokens":2}}}`
	const want = `{"id":"resp_1","object":"response","created_at":1700000000,"status":"completed","background":false,"error":null,"incomplete_details":null,"model":"gpt-x","output":[` +
		`{"id":"rs_1_0","type":"reasoning","summary":[{"type":"summary_text","text":"h"}]},` +
		`{"id":"msg_1_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"a\nb","annotations":[],"logprobs":[]}]},` +
		`{"id":"fc_1_2","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"k\":1}"}],` +
		`"previous_response_id":null,"store":false,"truncation":"disabled","instructions":"s","max_output_tokens":null,"metadata":{},"parallel_tool_calls":true,"reasoning":{"effort":null,"summary":null},"temperature":0.5,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[ {"type":"web_search"}],"top_p":null,"user":null,"prompt_cache_key":null,"safety_identifier":null,` +
		`"usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":20,"cache_write_tokens":0},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":37}}`
	if got := string(wire.ToResponse(parse(t, completion), asked(t))); got != want {
		t.Errorf("ToResponse\n got %s\nwant %s", got, want)
	}
}

func TestToResponse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, choice               string
		want                       []answeredItem
		wantStatus, wantIncomplete string
	}{
		{"text", `{"message":{"content":"a"},"finish_reason":"stop"}`, []answeredItem{{Type: "message", Text: "a", Status: "completed"}}, "completed", ""},
		{"cut by its length", `{"message":{"content":"a"},"finish_reason":"length"}`, []answeredItem{{Type: "message", Text: "a", Status: "incomplete"}}, "incomplete", "max_output_tokens"},
		{"filtered", `{"message":{"content":null},"finish_reason":"content_filter"}`, nil, "incomplete", "content_filter"},
		{"a refusal", `{"message":{"content":"","refusal":"no"},"finish_reason":"stop"}`, []answeredItem{{Type: "message", Refusal: "no", Status: "completed"}}, "completed", ""},
		{"content of parts", `{"message":{"content":[{"type":"text","text":"a"},{"type":"refusal","refusal":"b"}]},"finish_reason":"stop"}`, []answeredItem{{Type: "message", Text: "ab", Status: "completed"}}, "completed", ""},
		{
			"calls", `{"message":{"content":null,"tool_calls":[{"id":"c","type":"custom","custom":{"name":"f","input":"x"}},{"id":"d","function":{"name":"g","arguments":{"k":"\n"}}}]},"finish_reason":"stop"}`,
			[]answeredItem{{Type: "custom_tool_call", CallID: "c", Name: "f", Text: "x", Status: "completed"}, {Type: "function_call", CallID: "d", Name: "g", Text: `{"k":"\n"}`, Status: "completed"}}, "completed", "",
		},
		{
			"blocks", `{"message":{"content":"a","reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h","signature":"s","provider":"google"},{"type":"redacted_thinking","data":"d"},{"type":"other"}]},"finish_reason":"stop"}`,
			[]answeredItem{{Type: "reasoning", Text: "h", Encrypted: "pointsman:google:s"}, {Type: "reasoning", Encrypted: "pointsman-redacted:anthropic:d"}, {Type: "message", Text: "a", Status: "completed"}}, "completed", "",
		},
		{"nothing at all", `1`, nil, "completed", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := wire.ToResponse(parse(t, `{"choices":[`+tt.choice+`]}`), wire.Asked{})
			var got struct {
				ID, Status string
				Output     []any
				Details    struct{ Reason string } `json:"incomplete_details"`
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatalf("ToResponse(%s) = %s: %v", tt.choice, out, err)
			}
			if got.ID == "resp_" || got.Status != tt.wantStatus || got.Details.Reason != tt.wantIncomplete || len(got.Output) != len(tt.want) {
				t.Fatalf("ToResponse(%s) = %s, want %s %s and %d items", tt.choice, out, tt.wantStatus, tt.wantIncomplete, len(tt.want))
			}
			for i, item := range got.Output {
				if it := itemOf(item); it != tt.want[i] {
					t.Errorf("ToResponse(%s) item %d = %+v, want %+v", tt.choice, i, it, tt.want[i])
				}
			}
		})
	}
}

// What was answered comes back in the next request as it was.
func TestResponseComesBack(t *testing.T) {
	t.Parallel()
	const message = `{"role":"assistant","content":"a","reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h","signature":"s","provider":"anthropic"},{"type":"redacted_thinking","data":"d","provider":"anthropic"}],"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"k":1}},{"id":"c2","type":"custom","custom":{"name":"g","input":"x"}}]}`
	out := wire.ToResponse(parse(t, `{"choices":[{"message":`+message+`,"finish_reason":"tool_calls"}]}`), wire.Asked{})
	output := parse(t, string(out)).Root().Get("output").Raw()
	got, err := wire.FromResponses(parse(t, `{"model":"m","input":`+string(output)+`}`), "")
	if want := `{"model":"m","messages":[` + message + `]}`; err != nil || string(got.Body) != want || got.Lossy != nil {
		t.Errorf("FromResponses(%s)\n got %s, %q, %v\nwant %s", output, got.Body, got.Lossy, err, want)
	}
}

func TestResponseIDs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ id, want string }{
		{"chatcmpl-Ab_1", "resp_Ab_1"},
		{"msg_01", "resp_01"},
		{"resp_0", "resp_0"},
		{"plain.id", "resp_plain.id"},
		{"", "resp_req-1"},
		{"a\"b", "resp_b111451a581d0028"},
	} {
		id, err := json.Marshal(c.id)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ ID string }
		if err := json.Unmarshal(wire.ToResponse(parse(t, `{"id":`+string(id)+`}`), asked(t)), &got); err != nil || got.ID != c.want {
			t.Errorf("id of %q = %q, %v, want %q", c.id, got.ID, err, c.want)
		}
	}
}

// A large request is not repeated three times.
func TestAskedIsBounded(t *testing.T) {
	t.Parallel()
	body := `{"model":"m","input":"q","user":"u","instructions":"` + strings.Repeat("a", 300<<10) + `"}`
	got := string(wire.ToResponse(parse(t, `{}`), wire.AskedOf(parse(t, body), "", "")))
	if len(got) > 1000 || !strings.Contains(got, `"instructions":null`) || !strings.Contains(got, `"user":"u"`) {
		t.Errorf("ToResponse repeats %d bytes of a request, want the short members only: %.300s", len(got), got)
	}
}

// The id of reasoning that OpenAI signed is the one that it wants back.
func TestToResponseKeepsReasoningID(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]string{
		`{"type":"thinking","thinking":"h","signature":"s","provider":"openai","id":"rs_0aF"}`:    "rs_0aF",
		`{"type":"thinking","thinking":"h","signature":"s","provider":"anthropic","id":"rs_0aF"}`: "rs_1_0",
		`{"type":"thinking","thinking":"h","signature":"s","provider":"openai","id":"rs_0-1"}`:    "rs_1_0",
	} {
		out := wire.ToResponse(parse(t, `{"id":"resp_1","choices":[{"message":{"thinking_blocks":[`+block+`]},"finish_reason":"stop"}]}`), wire.Asked{})
		if got := parse(t, string(out)).Root().Get("output").At(0).Get("id").Text(); got != want {
			t.Errorf("ToResponse(%s) has the id %q, want %q", block, got, want)
		}
	}
}
