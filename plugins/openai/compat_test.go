package openai_test

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// Whole answers of servers that write them otherwise than OpenAI.
func TestResponseCompatible(t *testing.T) {
	t.Parallel()
	answer := func(message, finish string) string {
		return `{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",` + message + `},"finish_reason":` + finish + `,"stop_reason":null}],"usage":{"prompt_tokens":1}}`
	}
	const f = `"function":{"name":"f","arguments":"{}"}`
	for _, tc := range []struct{ name, body, want string }{
		{"OpenAI", answer(`"content":null,"refusal":null,"annotations":[],"tool_calls":[{"id":"c1","type":"function",`+f+`}]`, `"tool_calls"`), "="},
		{"OpenAI, custom tool", answer(`"content":null,"tool_calls":[{"id":"c1","type":"custom","custom":{"name":"f","input":""}}]`, `"tool_calls"`), "="},
		{"OpenAI, audio", answer(`"content":null,"audio":{"id":"a","data":"AA==","transcript":"t","expires_at":1}`, `"stop"`), "="},
		{"vLLM, no calls beside content", answer(`"content":"a","tool_calls":[]`, `"stop"`), answer(`"content":"a"`, `"stop"`)},
		{"Ollama, reasoning", answer(`"content":"a","reasoning":"hm"`, `"stop"`), answer(`"reasoning_content":"hm","content":"a"`, `"stop"`)},
		{"both names", answer(`"content":"a","reasoning":"hm","reasoning_content":"hm"`, `"stop"`), "="},
		{"SGLang, stop with calls", answer(`"content":null,"tool_calls":[{"id":"c1","type":"function",`+f+`}]`, `"stop"`), answer(`"tool_calls":[{"id":"c1","type":"function",`+f+`}],"content":null`, `"tool_calls"`)},
		{"a call that was cut off", answer(`"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a"}}]`, `"length"`), "="},
		{"arguments that are an object", answer(`"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":{"a":"\"b\""}}}]`, `"tool_calls"`), answer(`"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":\"\\\"b\\\"\"}"}}]`, `"tool_calls"`)},
		{"arguments that are none", answer(`"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":""}},{"id":"c2","type":"function","function":{"name":"g"}}]`, `"tool_calls"`),
			answer(`"tool_calls":[{"id":"c1","type":"function",`+f+`},{"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]`, `"tool_calls"`)},
		{"llama.cpp, calls without ids", answer(`"tool_calls":[{"index":0,`+f+`}]`, `"tool_calls"`), answer(`"tool_calls":[{"id":"call_MADE","type":"function",`+f+`}]`, `"tool_calls"`)},
		{"words of others", answer(`"content":"a"`, `"eos"`), answer(`"content":"a"`, `"stop"`)},
		{"a limit of others", answer(`"content":"a"`, `"max_tokens"`), answer(`"content":"a"`, `"length"`)},
		{"no object", `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`, `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}`},
		{"several choices", `{"object":"chat.completion","choices":[{"index":1,"message":{"role":"assistant","content":"a","logprobs":1},"finish_reason":"stop","logprobs":{"content":[]}},{"index":0,"message":{"role":"assistant","content":"b"},"finish_reason":"stop"}]}`, "="},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := run(t, document.FrameInput{
				Entry: abi.EntryResponse, Call: call(t, `"api":"chat"`), Response: sdktest.Body(tc.body), Status: 200,
			}, openai.Adapter{}.Response)
			got, want := string(f.Output()), tc.want
			if want == "=" {
				if got != tc.body {
					t.Errorf("Response(%s) = %d, %s, want it as it came", tc.body, result, got)
				}
				return
			}
			if got = encodeSorted(t, []byte(anyID(got))); got != encodeSorted(t, []byte(want)) {
				t.Errorf("Response(%s) = %d,\n got %s\nwant %s", tc.body, result, got, encodeSorted(t, []byte(want)))
			}
		})
	}
}

// anyID replaces ids that were made.
func anyID(s string) string {
	const mark = `"call_`
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, mark)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(mark + "MADE")
		s = after[strings.IndexByte(after, '"'):]
	}
}

// Streams of servers that write them otherwise than OpenAI: the deltas that come out.
func TestEventCompatible(t *testing.T) {
	t.Parallel()
	const (
		stop  = `{"delta":{},"finish_reason":"stop","index":0}`
		calls = `{"delta":{},"finish_reason":"tool_calls","index":0}`
	)
	chunk := func(choice string) string { return `{"id":"c","choices":[` + choice + `]}` }
	delta := func(members string) string {
		return chunk(`{"index":0,"delta":{` + members + `},"finish_reason":null}`)
	}
	for _, tc := range []struct {
		name   string
		events []string
		want   []string // choices; nil: as the events came
		class  abi.Class
	}{
		{name: "OpenAI, two calls at once", events: []string{
			delta(`"role":"assistant","content":null`),
			delta(`"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]`),
			delta(`"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]`),
			delta(`"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]`),
			delta(`"tool_calls":[{"index":1,"function":{"arguments":"{}"}},{"index":0,"function":{"arguments":"1}"}}]`),
			chunk(calls)}},
		{name: "OpenAI, custom tool", events: []string{
			delta(`"tool_calls":[{"index":0,"id":"a","type":"custom","custom":{"name":"f","input":""}}]`),
			delta(`"tool_calls":[{"index":0,"custom":{"input":"x"}}]`), chunk(calls)}},
		{name: "OpenAI, the older form, audio, log probabilities", events: []string{
			delta(`"function_call":{"name":"f","arguments":""}`), delta(`"audio":{"id":"a","data":"AA=="}`),
			chunk(`{"index":1,"delta":{"content":"x"},"logprobs":{"content":[]},"finish_reason":null}`),
			chunk(`{"delta":{},"finish_reason":"function_call","index":0}`)}},
		{name: "Ollama, whole calls without index", events: []string{
			delta(`"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]`),
			delta(`"tool_calls":[{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}},{"function":{"name":"g","arguments":{"x":1}}}]`), chunk(stop)},
			want: []string{
				`[{"delta":{"tool_calls":[{"function":{"arguments":"{}","name":"f"},"id":"a","index":0,"type":"function"}]},"finish_reason":null,"index":0}]`,
				`[{"delta":{"tool_calls":[{"function":{"arguments":"{}","name":"f"},"id":"b","index":1,"type":"function"},{"function":{"arguments":"{\"x\":1}","name":"g"},"id":"call_MADE","index":2,"type":"function"}]},"finish_reason":null,"index":0}]`,
				`[` + calls + `]`}},
		{name: "every call is the first", events: []string{
			delta(`"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]`),
			delta(`"tool_calls":[{"index":0,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]`), chunk(calls)},
			want: []string{
				`[{"delta":{"tool_calls":[{"function":{"arguments":"{}","name":"f"},"id":"a","index":0,"type":"function"}]},"finish_reason":null,"index":0}]`,
				`[{"delta":{"tool_calls":[{"function":{"arguments":"{}","name":"g"},"id":"b","index":1,"type":"function"}]},"finish_reason":null,"index":0}]`,
				`[` + calls + `]`}},
		{name: "id and name again and again", events: []string{
			delta(`"tool_calls":[{"index":1,"id":"a","type":"function","function":{"name":"f","arguments":""}}]`),
			delta(`"tool_calls":[{"index":1,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]`), chunk(calls)},
			want: []string{
				`[{"delta":{"tool_calls":[{"function":{"arguments":"","name":"f"},"id":"a","index":0,"type":"function"}]},"finish_reason":null,"index":0}]`,
				`[{"delta":{"tool_calls":[{"function":{"arguments":"{}"},"index":0}]},"finish_reason":null,"index":0}]`,
				`[` + calls + `]`}},
		{name: "no id, the name late", events: []string{
			delta(`"tool_calls":[{"index":0,"type":"function","function":{"arguments":""}}]`),
			delta(`"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]`),
			delta(`"tool_calls":[{"function":{"arguments":"{}"}}]`), chunk(stop)},
			want: []string{
				`[{"delta":{"tool_calls":[{"function":{"arguments":""},"id":"call_MADE","index":0,"type":"function"}]},"finish_reason":null,"index":0}]`,
				`[{"delta":{"tool_calls":[{"function":{"arguments":"","name":"f"},"index":0}]},"finish_reason":null,"index":0}]`,
				`[{"delta":{"tool_calls":[{"function":{"arguments":"{}"},"index":0}]},"finish_reason":null,"index":0}]`,
				`[` + calls + `]`}},
		{name: "calls without arguments", events: []string{
			delta(`"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]`),
			chunk(`{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g"}}]},"finish_reason":"stop"}`)},
			want: []string{
				`[{"delta":{"tool_calls":[{"function":{"arguments":"","name":"f"},"id":"a","index":0,"type":"function"}]},"finish_reason":null,"index":0}]`,
				`[{"delta":{"tool_calls":[{"function":{"arguments":"{}"},"index":0}]},"finish_reason":null,"index":0}]`,
				`[{"delta":{"tool_calls":[{"function":{"arguments":"{}","name":"g"},"id":"b","index":1,"type":"function"}]},"finish_reason":"tool_calls","index":0}]`}},
		{name: "a call that was cut off", events: []string{
			delta(`"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]`),
			chunk(`{"index":0,"delta":{},"finish_reason":"length"}`)},
			want: []string{
				`[{"delta":{"tool_calls":[{"function":{"arguments":"","name":"f"},"id":"a","index":0,"type":"function"}]},"finish_reason":null,"index":0}]`,
				`[{"delta":{},"finish_reason":"length","index":0}]`}},
		{name: "vLLM, no calls beside content", events: []string{delta(`"content":"a","tool_calls":[]`), chunk(stop)},
			want: []string{`[{"delta":{"content":"a"},"finish_reason":null,"index":0}]`, `[` + stop + `]`}},
		{name: "Ollama and vLLM, reasoning", events: []string{delta(`"role":"assistant","content":"","reasoning":"hm"`), delta(`"reasoning":null,"content":"a"`), chunk(stop)},
			want: []string{`[{"delta":{"content":"","reasoning_content":"hm","role":"assistant"},"finish_reason":null,"index":0}]`,
				`[{"delta":{"content":"a","reasoning":null},"finish_reason":null,"index":0}]`, `[` + stop + `]`}},
		{name: "an empty reason before the end", events: []string{chunk(`{"index":0,"delta":{"content":"a"},"finish_reason":""}`), chunk(stop)},
			want: []string{`[{"delta":{"content":"a"},"finish_reason":null,"index":0}]`, `[` + stop + `]`}},
		{name: "words of others", events: []string{chunk(`{"index":0,"delta":{},"finish_reason":"eos_token"}`)}, want: []string{`[` + stop + `]`}},
		{name: "choices that are null", events: []string{delta(`"content":"a"`), chunk(stop), `{"id":"c","choices":null,"usage":{"prompt_tokens":1}}`},
			want: []string{`[{"delta":{"content":"a"},"finish_reason":null,"index":0}]`, `[` + stop + `]`, `[]`}},
		{name: "vLLM gives up", events: []string{delta(`"content":"a"`), chunk(`{"index":0,"delta":{},"finish_reason":"abort"}`)}, class: abi.ClassServer},
		{name: "an error and the end mark", events: []string{delta(`"content":"a"`), `{"error":{"message":"m","type":"BadRequestError","code":400}}`, `[DONE]`}, class: abi.ClassInvalid},
		{name: "older vLLM, a flat error", events: []string{`{"object":"error","message":"m","type":"InternalServerError","param":null,"code":500}`, `[DONE]`}, class: abi.ClassServer},
		{name: "a router's error beside choices", events: []string{`{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"m"}}`}, class: abi.ClassServer},
		{name: "more calls than can be meant", events: []string{delta(`"tool_calls":[` + strings.Repeat(`{"function":{"name":"f"}},`, 1500) + `{}]`)}, class: abi.ClassServer},
		{name: "more fragments than can be meant", events: []string{delta(`"tool_calls":[` + strings.Repeat(`{"index":0},`, 30_000) + `{}]`)}, class: abi.ClassServer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			state := new(document.State)
			for _, event := range tc.events {
				f, result := run(t, document.FrameInput{Entry: abi.EntryEvent, Call: call(t, `"api":"chat"`), Response: sdktest.Body(event), Status: 200, State: state}, openai.Adapter{}.Event)
				if result != sdk.OK {
					if f.Class() != tc.class {
						t.Errorf("Event(%.200s) fails with class %d, want %d", event, f.Class(), tc.class)
					}
					return
				}
				for _, c := range f.Chunks() {
					got = append(got, string(c))
				}
			}
			if tc.class != abi.ClassNone {
				t.Fatalf("the stream did not fail, want class %d", tc.class)
			}
			want := tc.want
			if want == nil {
				want = tc.events
			}
			if len(got) != len(want) {
				t.Fatalf("%d chunks %s, want %d", len(got), got, len(want))
			}
			for i := range got {
				if tc.want == nil && got[i] != want[i] {
					t.Errorf("chunk %d = %s, want %s as it came", i, got[i], want[i])
				}
				if tc.want != nil {
					if g, w := choicesOf(t, anyID(got[i])), encodeSorted(t, []byte(want[i])); g != w {
						t.Errorf("choices of chunk %d:\n got %s\nwant %s", i, g, w)
					}
				}
			}
		})
	}
}
