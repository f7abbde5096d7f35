package anthropic_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
)

const opus = `{"upstream_id":"claude-opus-4-8","max_output":9}`

func TestConversation(t *testing.T) {
	const (
		sys  = `{"role":"system","content":"s"}`
		hi   = `{"role":"user","content":"hi"}`
		yes  = `{"role":"assistant","content":"yes"}`
		wSys = `{"type":"text","text":"s"}`
		wHi  = `{"role":"user","content":[{"type":"text","text":"hi"}]}`
		wYes = `{"role":"assistant","content":[{"type":"text","text":"yes"}]}`
		mark = `"cache_control":{"type":"ephemeral"}`
		call = `{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}`
		wUse = `{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}`
	)
	image := `{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}`
	wImage := `{"type":"image","source":{"type":"url","url":"https://x.test/a.png"}}`
	tests := []struct {
		name, target, messages string
		system, want           string
		wantLossy              []string
	}{
		{name: "a system message stays where the model takes it", target: opus, messages: sys + `,` + hi + `,` + sys + `,` + yes + `,` + hi + `,` + sys + `,` + sys, system: wSys, want: wHi + `,{"role":"system","content":[` + wSys + `]},` + wYes + `,` + wHi + `,{"role":"system","content":[` + wSys + `,` + wSys + `]}`},
		{name: "not between user messages", target: opus, messages: hi + `,` + sys + `,` + hi, system: wSys, want: wHi + `,` + wHi, wantLossy: []string{"messages[].position"}},
		{name: "not after the assistant", target: `{"upstream_id":"m","max_output":9}`, messages: hi + `,` + yes + `,` + sys, system: wSys, want: wHi + `,` + wYes, wantLossy: []string{"messages[].position"}},
		{name: "not before an assistant that says nothing", target: opus, messages: hi + `,` + sys + `,{"role":"assistant","content":null},` + hi, system: wSys, want: wHi + `,` + wHi, wantLossy: []string{"messages[].position"}},
		{name: "after results", target: opus, messages: hi + `,` + call + `,{"role":"tool","tool_call_id":"a","content":"1"},` + sys, want: wHi + `,` + wUse + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]},{"role":"system","content":[` + wSys + `]}`},
		{name: "an empty one nowhere", target: opus, messages: hi + `,{"role":"system","content":""}`, want: wHi},
		{name: "not for other models", messages: hi + `,` + sys, target: `{"upstream_id":"claude-sonnet-4-5","max_output":9}`, system: wSys, want: wHi, wantLossy: []string{"messages[].position"}},
		{name: "the assistant's last text is cut behind a system message", target: `{"upstream_id":"m","max_output":9}`, messages: hi + `,{"role":"assistant","content":"a "},` + sys, system: wSys, want: wHi + `,{"role":"assistant","content":[{"type":"text","text":"a"}]}`, wantLossy: []string{"messages[].content[].trailing_space", "messages[].position"}},

		{name: "white space is no text", target: opus, messages: `{"role":"system","content":" \n"},{"role":"user","content":[{"type":"text","text":"\t"},{"type":"text","text":"hi"}]},{"role":"assistant","content":"  "},` + hi, want: wHi + `,` + wHi},
		{name: "thinking alone is no turn", target: opus, messages: hi + `,{"role":"assistant","content":null,"thinking_blocks":[{"type":"redacted_thinking","data":"d"}]},` + hi, want: wHi + `,` + wHi, wantLossy: []string{"messages[].thinking_blocks"}},
		{name: "long white space is not looked at", target: opus, messages: `{"role":"user","content":"` + strings.Repeat(" ", 65) + `"}`, want: `{"role":"user","content":[{"type":"text","text":"` + strings.Repeat(" ", 65) + `"}]}`},

		{name: "a mark of a message is of its last block", target: opus, messages: `{"role":"user","content":"hi",` + mark + `},{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],` + mark + `},` + hi, want: `{"role":"user","content":[{"type":"text","text":"hi",` + mark + `}]},{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b",` + mark + `}]},` + wHi},
		{name: "a mark of a system message", target: opus, messages: `{"role":"system","content":"s",` + mark + `},` + hi, system: `{"type":"text","text":"s",` + mark + `}`, want: wHi},
		{
			name: "marks of calls and results", target: opus,
			messages: hi + `,` + strings.Replace(call, `}}]}`, `},`+mark+`}]}`, 1) + `,{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"1"}],` + mark + `}`,
			want:     wHi + `,` + strings.Replace(wUse, `{}}]}`, `{},`+mark+`}]}`, 1) + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"}],` + mark + `}]}`,
		},
		{
			name: "the fifth mark is too many", target: opus, messages: `{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"a",`+mark+`},`, 5) + `{"type":"text","text":"a","cache_control":1}]}`,
			want: `{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"a",`+mark+`},`, 4) + `{"type":"text","text":"a"},{"type":"text","text":"a"}]}`, wantLossy: []string{"messages[].content[].cache_control"},
		},

		{name: "a tool that failed", target: opus, messages: hi + `,` + call + `,{"role":"tool","tool_call_id":"a","content":"1","is_error":true}`, want: wHi + `,` + wUse + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1","is_error":true}]}`},
		{name: "a tool that failed in silence", target: opus, messages: hi + `,` + call + `,{"role":"tool","tool_call_id":"a","content":"","is_error":true}`, want: wHi + `,` + wUse + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"error","is_error":true}]}`},
		{
			name: "a picture of a failure is kept, that it failed is not", target: opus, messages: hi + `,` + call + `,{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"1"},` + image + `],"is_error":true}`,
			want: wHi + `,` + wUse + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"},` + wImage + `]}]}`, wantLossy: []string{"messages[].is_error"},
		},
		{name: "a tool that did not fail", target: opus, messages: hi + `,` + call + `,{"role":"tool","tool_call_id":"a","content":"1","is_error":false}`, want: wHi + `,` + wUse + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Request(t, anthropic.Adapter{}, tt.target, `{"messages":[`+tt.messages+`]}`)
			want := `"messages":[` + tt.want + `]}`
			if tt.system != "" {
				want = `"system":[` + tt.system + `],` + want
			}
			if _, after, _ := strings.Cut(got.Output, `"max_tokens":9,`); got.Failed || after != want {
				t.Errorf("Request of %s\n got %s %s\nwant %s", tt.messages, after, got.Message, want)
			}
			if err := checkRequest(got.Output); err != nil && !got.Failed {
				t.Errorf("Request of %s is one that the API refuses: %v", tt.messages, err)
			}
			slices.Sort(got.Lossy)
			if !slices.Equal(got.Lossy, tt.wantLossy) {
				t.Errorf("Request of %s loses %q, want %q", tt.messages, got.Lossy, tt.wantLossy)
			}
		})
	}
}

// What is known of a model decides how it is asked.
func TestModels(t *testing.T) {
	const thinks = `,"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"high"}`
	for _, tt := range []struct {
		id, more, want string
		wantLossy      []string
	}{
		{"claude-opus-5-5", `"temperature":0.5,"top_p":0.97,"top_k":3`, ``, []string{"temperature", "top_k", "top_p"}},
		{"claude-opus-4-8", `"temperature":1,"top_p":1`, ``, nil},
		{"claude-opus-4-6", `"temperature":0.5`, `,"temperature":0.5`, nil},
		{"claude-fable-5", `"temperature":0.5`, ``, []string{"temperature"}},
		{"claude-sonnet-5", `"reasoning_effort":"none"`, `,"thinking":{"type":"disabled"}`, nil},
		{"claude-opus-4-6", `"reasoning_effort":"none"`, `,"thinking":{"type":"disabled"}`, nil},
		{"claude-mythos-5", `"reasoning_effort":"none"`, ``, []string{"reasoning_effort"}},
		{"claude-haiku-4-5", `"reasoning_effort":"none"`, ``, nil},
		{"glm-5", `"reasoning_effort":"none"`, ``, nil},
		{"claude-haiku-5-5", `"reasoning_effort":"high"`, thinks, nil},
		{"glm-5", `"reasoning_effort":"high"`, thinks, nil},
		{"claude-opus-4-1-20250805", `"reasoning_effort":"low"`, `,"thinking":{"type":"enabled","budget_tokens":1024}`, nil},
		{"claude-sonnet-4-20250514", `"reasoning_effort":"low"`, `,"thinking":{"type":"enabled","budget_tokens":1024}`, nil},
		{"anthropic/claude-sonnet-4.5", `"reasoning_effort":"low"`, `,"thinking":{"type":"enabled","budget_tokens":1024}`, nil},
		{"claude-x", `"service_tier":"priority"`, ``, []string{"service_tier"}},
	} {
		got := adaptertest.Request(t, anthropic.Adapter{}, `{"upstream_id":"`+tt.id+`","max_output":5000}`, `{`+tt.more+`,"messages":[{"role":"user","content":"hi"}]}`)
		want := `{"model":"` + tt.id + `","max_tokens":5000` + tt.want + `,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}`
		if got.Failed || got.Output != want || !slices.Equal(got.Lossy, tt.wantLossy) {
			t.Errorf("%s with %s\n got %s, loses %q\nwant %s, losing %q", tt.id, tt.more, got.Output, got.Lossy, want, tt.wantLossy)
		}
	}
	got := adaptertest.Request(t, anthropic.Adapter{}, opus, `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"},{"role":"assistant","content":""},{"role":"system","content":"s"}]}`)
	if want := "messages[1]: this model does not continue"; !got.Failed || !strings.HasPrefix(got.Message, want) {
		t.Errorf("the beginning of an answer = %s, %q, want the failure %q…", got.Output, got.Message, want)
	}
	got = adaptertest.Request(t, anthropic.Adapter{}, target, `{"cache_control":{"type":"ephemeral","ttl":"1h"},"messages":[{"role":"user","content":"hi"}]}`)
	if want := `"max_tokens":64000,"cache_control":{"type":"ephemeral","ttl":"1h"},`; !strings.Contains(got.Output, want) || len(got.Lossy) > 0 {
		t.Errorf("the mark of a whole request = %s, loses %q, want %s in it", got.Output, got.Lossy, want)
	}
	got = adaptertest.Request(t, anthropic.Adapter{}, target, `{"tools":[{"type":"function","function":{"name":"f"}},{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"hi"}]}`)
	if want := "tools[1].type: tools of type 'web_search_20250305'"; !got.Failed || !strings.HasPrefix(got.Message, want) {
		t.Errorf("a server's tool = %s, %q, want the failure %q…", got.Output, got.Message, want)
	}
}
