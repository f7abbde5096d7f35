package openai_test

import (
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// What the events of a response stream say beyond text and functions: the choices of
// the chunks that come out.
func TestEventResponses(t *testing.T) {
	t.Parallel()
	const (
		begin = `{"type":"response.created","response":{"id":"c","model":"m"}}`
		role  = `[{"delta":{"content":"","role":"assistant"},"finish_reason":null,"index":0}]`
		end   = `{"type":"response.completed","response":{"status":"completed"}}`
		stop  = `[{"delta":{},"finish_reason":"stop","index":0}]`
		calls = `[{"delta":{},"finish_reason":"tool_calls","index":0}]`
	)
	custom := func(kind, members string) string {
		return `{"type":"response.output_item.` + kind + `","output_index":4,"item":{"type":"custom_tool_call","call_id":"c1","name":"patch"` + members + `}}`
	}
	const opened = `[{"delta":{"tool_calls":[{"custom":{"input":"","name":"patch"},"id":"c1","index":0,"type":"custom"}]},"finish_reason":null,"index":0}]`
	const input = `[{"delta":{"tool_calls":[{"custom":{"input":"*** \"x\""},"index":0}]},"finish_reason":null,"index":0}]`
	for _, tc := range []struct {
		name         string
		events, want []string
	}{
		{"a custom tool in pieces", []string{begin, custom("added", `,"input":""`),
			`{"type":"response.custom_tool_call_input.delta","output_index":4,"delta":"*** \"x\""}`,
			`{"type":"response.custom_tool_call_input.done","output_index":4,"input":"*** \"x\""}`,
			custom("done", `,"input":"*** \"x\""`), end}, []string{role, opened, input, calls}},
		{"a custom tool at its end only", []string{begin, custom("added", ``),
			`{"type":"response.custom_tool_call_input.done","output_index":4,"input":"*** \"x\""}`,
			custom("done", `,"input":"*** \"x\""`), end}, []string{role, opened, input, calls}},
		{"a custom tool without input", []string{begin, custom("added", ``), custom("done", `,"input":""`), end}, []string{role, opened, calls}},
		{"a citation", []string{begin,
			`{"type":"response.output_text.annotation.added","output_index":0,"annotation":{"type":"url_citation","url":"https://x.test","title":"T","start_index":0,"end_index":1}}`,
			`{"type":"response.output_text.annotation.added","output_index":0,"annotation":{"type":"file_citation","file_id":"f"}}`, end},
			[]string{role, `[{"delta":{"annotations":[{"type":"url_citation","url_citation":{"end_index":1,"start_index":0,"title":"T","url":"https://x.test"}}]},"finish_reason":null,"index":0}]`, stop}},
		{"log probabilities", []string{begin, `{"type":"response.output_text.delta","delta":"a","logprobs":[{"token":"a","logprob":-1}]}`, end},
			[]string{role, `[{"delta":{"content":"a"},"finish_reason":null,"index":0}]`, `[{"delta":{},"finish_reason":null,"index":0,"logprobs":{"content":[{"logprob":-1,"token":"a"}],"refusal":null}}]`, stop}},
		{"a search that OpenAI made", []string{begin, `{"type":"response.output_item.done","output_index":0,"item":{"type":"web_search_call","id":"ws"}}`,
			`{"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":1,"output_tokens":1}}}`}, []string{role, stop, `[]`}},
		{"a filter", []string{begin, `{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}`},
			[]string{role, `[{"delta":{},"finish_reason":"content_filter","index":0}]`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			state := new(document.State)
			for _, event := range tc.events {
				f, result := run(t, document.FrameInput{Entry: abi.EntryEvent, Call: call(t, `"api":"responses"`), Response: sdktest.Body(event), Status: 200, State: state}, openai.Adapter{}.Event)
				if result != sdk.OK {
					t.Fatalf("Event(%s) = %d", event, result)
				}
				for _, c := range f.Chunks() {
					got = append(got, choicesOf(t, string(c)))
				}
			}
			if len(got) != len(tc.want) {
				t.Fatalf("%d chunks %s, want %d", len(got), got, len(tc.want))
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Errorf("choices of chunk %d:\n got %s\nwant %s", i, got[i], tc.want[i])
				}
			}
		})
	}
}
