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

// request builds a provider request. target holds more members of call.target.
func request(t testing.TB, operation, target, config, body string) (*document.Frame, sdk.Result) {
	t.Helper()
	in := document.FrameInput{Entry: abi.EntryRequest, Call: sdktest.JSON(t,
		`{"operation":"`+operation+`","target":{"upstream_id":"up"`+target+`},"attempt":1}`)}
	if body != "" {
		in.Request = sdktest.JSON(t, body)
	}
	if config != "" {
		in.Config = sdktest.JSON(t, config)
	}
	return run(t, in, openai.Adapter{}.Request)
}

const oneCall = `"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]`

// The messages of the chat wire: what is not OpenAI's goes, what it would refuse is put
// otherwise, and everything else stays byte for byte.
func TestRequestMessages(t *testing.T) {
	t.Parallel()
	const user = `{"role":"user","content":"hi"}`
	const image = `{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}`
	for _, tc := range []struct{ name, target, config, messages, want, wantLossy string }{
		{"all that OpenAI knows", "", "", `[{"role":"developer","content":"d","name":"n"},{"role":"user","content":[{"type":"text","text":"a"},` + image + `,{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}},{"type":"file","file":{"file_id":"f"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}}]},` +
			`{"role":"assistant","content":null, ` + oneCall + `},{"role":"tool","tool_call_id":"c1","content":"ok"},{"role":"assistant","audio":{"id":"a1"}},{"role":"assistant","content":null,"refusal":"no"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"},` +
			`{"role":"assistant","content":"x","tool_calls":[{"id":"c2","type":"custom","custom":{"name":"g","input":"y"}}]},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"z"}]}]`, "", ""},
		{"what another provider thought", "", "", `[` + user + `,{"role":"assistant","content":"a","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s","provider":"anthropic"}]}]`,
			`[` + user + `,{"role":"assistant","content":"a"}]`, ""},
		{"reasoning is told", "", "", `[{"role":"assistant","content":"a","reasoning_content":"hm"},` + user + `,{"role":"assistant","content":"b","reasoning_content":"ah"}]`,
			`[{"role":"assistant","content":"a"},` + user + `,{"role":"assistant","content":"b"}]`, "messages[].reasoning_content"},
		{"nothing but another's thoughts", "", "", `[` + user + `,{"role":"assistant","thinking_blocks":[{"type":"redacted_thinking","data":"x"}]},` + user + `]`,
			`[` + user + `,{"role":"assistant","content":""},` + user + `]`, ""},
		{"what a provider said about a call", "", "", `[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}]}]`,
			`[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}]`, ""},
		{"marks for a cache are no loss", "", "", `[{"role":"system","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"a","cache_control":{"type":"ephemeral"}}]`,
			`[{"role":"system","content":[{"type":"text","text":"s"}]},{"role":"user","content":"a"}]`, ""},
		{"the cache of gpt-5.6", `,"upstream_id":"gpt-5.6-sol"`, "", `[{"role":"user","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}},{"type":"text","text":"t"}]}]`,
			`[{"role":"user","content":[{"prompt_cache_breakpoint":{"mode":"explicit"},"type":"text","text":"s"},{"type":"text","text":"t"}]}]`, ""},
		{"a server that has no such cache", `,"upstream_id":"gpt-5.6-sol"`, `{"cache_breakpoints":false}`, `[{"role":"user","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]}]`,
			`[{"role":"user","content":[{"type":"text","text":"s"}]}]`, ""},
		{"a tool that failed", "", "", `[{"role":"assistant","content":"",` + oneCall + `},{"role":"tool","tool_call_id":"c1","content":"no \"file\"","is_error":true}]`,
			`[{"role":"assistant","content":null,` + oneCall + `},{"role":"tool","content":"Error: no \"file\"","tool_call_id":"c1"}]`, ""},
		{"a tool that did not fail", "", "", `[{"role":"tool","tool_call_id":"c1","content":"a","is_error":false}]`, `[{"role":"tool","content":"a","tool_call_id":"c1"}]`, ""},
		{"a tool that failed in parts", "", "", `[{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"a"}],"is_error":true}]`,
			`[{"role":"tool","content":[{"type":"text","text":"Error: "},{"type":"text","text":"a"}],"tool_call_id":"c1"}]`, ""},
		{"images of tools follow all results", "", "", `[{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"seen"},` + image + `]},{"role":"tool","tool_call_id":"c\"2","content":[` + image + `]},{"role":"tool","tool_call_id":"c3","content":"b"},` + user + `]`,
			`[{"role":"tool","content":[{"type":"text","text":"seen"}],"tool_call_id":"c1"},{"role":"tool","content":[{"type":"text","text":"The result is attached to the user message that follows."}],"tool_call_id":"c\"2"},{"role":"tool","tool_call_id":"c3","content":"b"},` +
				`{"role":"user","content":[{"type":"text","text":"Attached to the result of tool call c1:"},` + image + `,{"type":"text","text":"Attached to the result of tool call c\"2:"},` + image + `]},` + user + `]`, ""},
		{"images of the last tool", "", "", `[{"role":"tool","tool_call_id":"c1","content":[` + image + `]}]`,
			`[{"role":"tool","content":[{"type":"text","text":"The result is attached to the user message that follows."}],"tool_call_id":"c1"},{"role":"user","content":[{"type":"text","text":"Attached to the result of tool call c1:"},` + image + `]}]`, ""},
		{"no developers", "", `{"developer":false}`, `[{"role":"developer","content":"d"},{"role":"system","content":"s"}]`, `[{"role":"system","content":"d"},{"role":"system","content":"s"}]`, ""},
		{"neither of them", `,"unsupported":["developer","system"]`, "", `[{"role":"developer","content":"d"},{"role":"system","content":"s"},` + user + `]`,
			`[{"role":"user","content":"d"},{"role":"user","content":"s"},` + user + `]`, "messages[].role"},
		{"extensions pass", "", `{"extensions":true}`, `[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":"a","reasoning_content":"hm","thinking_blocks":[]}]`, "", ""},
		{"extensions know no failed tool", "", `{"extensions":true}`, `[{"role":"tool","tool_call_id":"c1","content":"a","is_error":true,"cache_control":{}}]`,
			`[{"role":"tool","content":"Error: a","tool_call_id":"c1","cache_control":{}}]`, ""},
		{"reasoning goes back under its name", "", `{"reasoning":"reasoning_content"}`, `[{"role":"assistant","content":"a","reasoning_content":"hm"}]`, `[{"role":"assistant","content":"a","reasoning_content":"hm"}]`, ""},
		{"reasoning goes back under another name", "", `{"reasoning":"reasoning"}`, `[{"role":"assistant","content":"a","reasoning_content":"h\u006d"}]`, `[{"role":"assistant","content":"a","reasoning":"h\u006d"}]`, ""},
		{"both at once", "", `{"reasoning":"reasoning","extensions":true}`, `[{"role":"assistant","content":"a","reasoning_content":"hm","thinking_blocks":[]}]`, `[{"role":"assistant","content":"a","reasoning":"hm","thinking_blocks":[]}]`, ""},
		{"reasoning is there already", "", `{"reasoning":"reasoning"}`, `[{"role":"assistant","content":"a","reasoning_content":"hm","reasoning":"x"}]`, `[{"role":"assistant","content":"a","reasoning":"x"}]`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			target := tc.target
			model := "up"
			if strings.Contains(target, "upstream_id") {
				target, model = "", "gpt-5.6-sol"
			}
			call := `{"target":{"upstream_id":"` + model + `"` + target + `}}`
			in := document.FrameInput{Entry: abi.EntryRequest, Call: sdktest.JSON(t, call), Request: sdktest.JSON(t, `{"messages":`+tc.messages+`}`)}
			if tc.config != "" {
				in.Config = sdktest.JSON(t, tc.config)
			}
			f, result := run(t, in, openai.Adapter{}.Request)
			want := tc.want
			if want == "" {
				want = tc.messages
			}
			if got := string(f.Output()); result != sdk.OK || got != `{"model":"`+model+`","messages":`+want+`}` {
				t.Errorf("Request(%s) = %d,\n got %s\nwant %s", tc.messages, result, got, want)
			}
			if got := strings.Join(f.LossyFields(), ","); got != tc.wantLossy {
				t.Errorf("Request(%s) lossy = %q, want %q", tc.messages, got, tc.wantLossy)
			}
		})
	}
}

// The top-level members under each config.
func TestRequestQuirks(t *testing.T) {
	t.Parallel()
	const tool = `{"type":"function","function":{"name":"f"}}`
	for _, tc := range []struct{ name, target, config, members, want, wantLossy string }{
		{"top_k is not OpenAI's", "", "", `,"top_k":40,"cache_control":{"type":"ephemeral"}`, ``, "top_k"},
		{"top_k of a server that has it", "", `{"extensions":true}`, `,"top_k":40`, `,"top_k":40`, ""},
		{"no tools", "", "", `,"tools":[],"tool_choice":"auto","parallel_tool_calls":true`, ``, ""},
		{"a choice of no tools", "", "", `,"tools":[],"tool_choice":"required"`, ``, "tool_choice"},
		{"rejected tools", `,"unsupported":["tools"]`, "", `,"tools":[` + tool + `],"tool_choice":"auto","parallel_tool_calls":false`, ``, "tools"},
		{"marked tools", "", "", `,"tools":[` + tool + `,{"type":"function","function":{"name":"g"},"cache_control":{"type":"ephemeral"}}]`, `,"tools":[` + tool + `,{"type":"function","function":{"name":"g"}}]`, ""},
		{"custom tools and allowed ones", "", "", `,"tools":[` + tool + `,{"type":"custom","custom":{"name":"c"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}`, "=", ""},
		{"no tool_choice", "", `{"tool_choice":false}`, `,"tools":[` + tool + `],"tool_choice":"required"`, `,"tools":[` + tool + `]`, "tool_choice"},
		{"no tool_choice but the usual", "", `{"tool_choice":false}`, `,"tool_choice":"auto"`, ``, ""},
		{"the older name only", "", `{"max_tokens":"max_tokens"}`, `,"max_completion_tokens":5`, `,"max_tokens":5`, ""},
		{"the older name wins where it is the only one", "", `{"max_tokens":"max_tokens"}`, `,"max_completion_tokens":5,"max_tokens":4`, `,"max_tokens":4`, ""},
		{"the newer name only", "", `{"max_tokens":"max_completion_tokens"}`, `,"max_tokens":5`, `,"max_completion_tokens":5`, ""},
		{"the model's own names decide", `,"rename":{"max_tokens":"max_completion_tokens"}`, `{"max_tokens":"max_tokens"}`, `,"max_tokens":5`, `,"max_completion_tokens":5`, ""},
		{"no stream_options", "", `{"stream_options":false}`, `,"stream":true,"stream_options":{"include_usage":true}`, `,"stream":true`, ""},
		{"what the server rejects", "", `{"unsupported":["seed","logit_bias"]}`, `,"seed":0,"logit_bias":{}`, ``, "seed"},
		{"what passes", "", "", `,"n":2,"logprobs":true,"top_logprobs":3,"logit_bias":{"1":-100},"modalities":["text","audio"],"audio":{"voice":"v","format":"wav"},"prediction":{"type":"content","content":"x"},"service_tier":"flex","verbosity":"low","safety_identifier":"s","prompt_cache_key":"k","prompt_cache_options":{"mode":"explicit"},"web_search_options":{},"functions":[{"name":"f"}],"function_call":"auto","response_format":{"type":"json_object"},"reasoning_effort":"none","unknown_next_year":1`, "=", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := request(t, "chat", tc.target, tc.config, `{"messages":[]`+tc.members+`}`)
			want := tc.want
			if want == "=" {
				want = tc.members
			}
			if got := encodeSorted(t, f.Output()); result != sdk.OK || got != encodeSorted(t, []byte(`{"model":"up","messages":[]`+want+`}`)) {
				t.Errorf("Request(%s) = %d, %s, want the members %s", tc.members, result, f.Output(), want)
			}
			if got := strings.Join(f.LossyFields(), ","); got != tc.wantLossy {
				t.Errorf("Request(%s) lossy = %q, want %q", tc.members, got, tc.wantLossy)
			}
		})
	}
}

func TestRequestMessagesRefused(t *testing.T) {
	t.Parallel()
	const picture = `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}`
	for _, tc := range []struct{ name, target, config, body, want string }{
		{"images by address", "", `{"image_url":false}`, picture, "messages[0].content: this server takes images as data URLs only"},
		{"images by address on Responses", `,"api":"responses"`, `{"image_url":false}`, picture, "messages[0].content: this server takes images as data URLs only"},
		{"files by address", "", "", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_url":"https://x.test/a.pdf"}}]}]}`,
			"messages[0].content: a file is carried on the Chat Completions wire as file_data or file_id, not as an address"},
		{"more messages than calls", "", "", `{"messages":[` + strings.Repeat(`{"role":"user","content":"a"},`, 20_000) + `{}]}`, "messages: there are more messages and parts than can be carried"},
		{"more parts than calls", "", "", `{"messages":[{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"a"},`, 20_000) + `{}]}]}`, "messages: there are more messages and parts than can be carried"},
		{"more calls than calls", "", "", `{"messages":[{"role":"assistant","tool_calls":[` + strings.Repeat(`{"id":"c"},`, 40_000) + `{}]}]}`, "messages: there are more messages and parts than can be carried"},
		{"more to write than can be written", "", "", `{"messages":[` + strings.Repeat(`{"role":"assistant","content":"a","reasoning_content":"b"},`, 3000) + `{}]}`, "messages: there are more messages and parts than can be carried"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := request(t, "chat", tc.target, tc.config, tc.body)
			if code, message, ok := f.Failure(); result != sdk.Failed || !ok || code != 400 || message != tc.want || f.Err() != nil {
				t.Errorf("Request(%.200s) = %d, failure %d %q, %v, want %q", tc.body, result, code, message, f.Err(), tc.want)
			}
		})
	}
}
