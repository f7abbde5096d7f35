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

// What a turn of the model becomes on the Responses wire: thoughts before what they led
// to, calls of every kind, their outputs, and files.
func TestRequestResponsesTurns(t *testing.T) {
	t.Parallel()
	const (
		thinks  = `,"capabilities":["reasoning"]`
		block   = `{"type":"thinking","thinking":"hm","signature":"sealed","provider":"openai"}`
		thought = `{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"sealed"}`
		later   = `{"type":"thinking","thinking":"","signature":"s2","provider":"openai","after_calls":1}`
		call    = `{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}`
		item    = `{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}`
		include = `,"include":["reasoning.encrypted_content"]`
	)
	for _, tc := range []struct{ name, target, messages, want, wantMore, wantLossy string }{
		{"before the call", thinks, `[{"role":"assistant","content":null,"thinking_blocks":[` + block + `],"tool_calls":[` + call + `]}]`, `[` + thought + `,` + item + `]`, include, ""},
		{"before the text", thinks, `[{"role":"assistant","content":"a","reasoning_content":"hm","thinking_blocks":[` + block + `],"tool_calls":[` + call + `]}]`,
			`[` + thought + `,{"role":"assistant","content":[{"type":"output_text","text":"a"}]},` + item + `]`, include, ""},
		{"between two calls", thinks, `[{"role":"assistant","thinking_blocks":[` + block + `,` + later + `],"tool_calls":[` + call + `,{"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]}]`,
			`[` + thought + `,` + item + `,{"type":"reasoning","summary":[],"encrypted_content":"s2"},{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"}]`, include, ""},
		{"the text of a stream", thinks, `[{"role":"assistant","content":"a","reasoning_content":"ah","thinking_blocks":[{"type":"thinking","thinking":"","signature":"sealed","provider":"openai"}]}]`,
			`[{"type":"reasoning","summary":[{"type":"summary_text","text":"ah"}],"encrypted_content":"sealed"},{"role":"assistant","content":[{"type":"output_text","text":"a"}]}]`, include, ""},
		{"never without what it led to", thinks, `[{"role":"assistant","content":null,"thinking_blocks":[` + block + `]},{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":""}],"thinking_blocks":[` + block + `]},{"role":"assistant","thinking_blocks":[` + later + `],"tool_calls":[` + call + `]}]`,
			`[{"role":"user","content":[{"type":"input_text","text":"a"}]},` + item + `]`, include, ""},
		{"of another provider", thinks, `[{"role":"assistant","content":"a","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s","provider":"anthropic"},{"type":"redacted_thinking","data":"x","provider":"openai"}]}]`,
			`[{"role":"assistant","content":[{"type":"output_text","text":"a"}]}]`, include, ""},
		{"for a model that does not think", ``, `[{"role":"assistant","content":"a","reasoning_content":"hm","thinking_blocks":[` + block + `]}]`,
			`[{"role":"assistant","content":[{"type":"output_text","text":"a"}]}]`, "", "messages[].reasoning_content"},
		{"a custom tool", "", `[{"role":"assistant","tool_calls":[{"id":"c1","type":"custom","custom":{"name":"patch","input":"*** Begin\n"}},{"id":"c2","type":"custom","custom":{"name":"patch"}}]},{"role":"tool","tool_call_id":"c1","content":"ok"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"no"}],"is_error":true}]`,
			`[{"type":"custom_tool_call","call_id":"c1","name":"patch","input":"*** Begin\n"},{"type":"custom_tool_call","call_id":"c2","name":"patch","input":""},{"type":"custom_tool_call_output","call_id":"c1","output":"ok"},` +
				`{"type":"custom_tool_call_output","call_id":"c2","output":[{"type":"input_text","text":"Error: "},{"type":"input_text","text":"no"}]}]`, "", ""},
		{"a tool that failed", "", `[{"role":"assistant","tool_calls":[` + call + `]},{"role":"tool","tool_call_id":"c1","content":"no \"file\"","is_error":true}]`,
			`[` + item + `,{"type":"function_call_output","call_id":"c1","output":"Error: no \"file\""}]`, "", ""},
		{"files", "", `[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}},{"type":"file","file":{"file_url":"https://x.test/a.pdf"}}]}]`,
			`[{"role":"user","content":[{"type":"input_file","file_id":"file-1"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="},{"type":"input_file","file_url":"https://x.test/a.pdf"}]}]`, "", ""},
		{"a file of a tool", "", `[{"role":"assistant","tool_calls":[` + call + `]},{"role":"tool","tool_call_id":"c1","content":[{"type":"file","file":{"file_id":"file-1"}}]}]`,
			`[` + item + `,{"type":"function_call_output","call_id":"c1","output":[{"type":"input_file","file_id":"file-1"}]}]`, "", ""},
		{"the older form", "", `[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}},{"role":"function","name":"f","content":"1"},{"role":"assistant","function_call":{"name":"g","arguments":""}},{"role":"function","name":"g","content":null}]`,
			`[{"type":"function_call","call_id":"call_message_0","name":"f","arguments":"{\"a\":1}"},{"type":"function_call_output","call_id":"call_message_0","output":"1"},{"type":"function_call","call_id":"call_message_2","name":"g","arguments":"{}"},{"type":"function_call_output","call_id":"call_message_2","output":""}]`, "", ""},
		{"marks for a cache", "", `[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"explicit"}}]}]`,
			`[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b","prompt_cache_breakpoint":{"mode":"explicit"}}]}]`, "", ""},
		{"neither developer nor system", `,"unsupported":["developer","system"]`, `[{"role":"developer","content":"a"},{"role":"system","content":"b"}]`,
			`[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"role":"user","content":[{"type":"input_text","text":"b"}]}]`, "", "messages[].role"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := request(t, "chat", `,"api":"responses"`+tc.target, "", `{"messages":`+tc.messages+`}`)
			if got, want := string(f.Output()), `{"model":"up","store":false,"input":`+tc.want+tc.wantMore+`}`; result != sdk.OK || got != want {
				t.Errorf("Request(%s) = %d,\n got %s\nwant %s", tc.messages, result, got, want)
			}
			if got := strings.Join(f.LossyFields(), ","); got != tc.wantLossy {
				t.Errorf("Request(%s) lossy = %q, want %q", tc.messages, got, tc.wantLossy)
			}
		})
	}
}

// Parameters of the Responses wire that chat has under other names, or a config adds.
func TestRequestResponsesOptions(t *testing.T) {
	t.Parallel()
	const hi = `"input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}]`
	for _, tc := range []struct{ name, target, config, members, want, wantLossy string }{
		{"a summary where the config asks", `,"capabilities":["reasoning"]`, `{"reasoning_summary":"auto"}`, `,"reasoning_effort":"high"`,
			`,"reasoning":{"effort":"high","summary":"auto"},"include":["reasoning.encrypted_content"]`, ""},
		{"a summary without effort", `,"capabilities":["reasoning"]`, `{"reasoning_summary":"detailed"}`, ``, `,"reasoning":{"summary":"detailed"},"include":["reasoning.encrypted_content"]`, ""},
		{"no summary of a model that does not think", ``, `{"reasoning_summary":"auto"}`, ``, ``, ""},
		{"a server without include", `,"capabilities":["reasoning"]`, `{"unsupported":["include"]}`, ``, ``, ""},
		{"log probabilities", ``, ``, `,"logprobs":true,"top_logprobs":2`, `,"top_logprobs":2,"include":["message.output_text.logprobs"]`, ""},
		{"no log probabilities", ``, ``, `,"logprobs":false,"top_logprobs":2`, ``, ""},
		{"both to include", `,"capabilities":["reasoning"]`, ``, `,"logprobs":true`, `,"include":["reasoning.encrypted_content","message.output_text.logprobs"]`, ""},
		{"a grammar", ``, ``, `,"tools":[{"type":"custom","custom":{"name":"c","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: x"}}}}],"tool_choice":{"type":"custom","custom":{"name":"c"}}`,
			`,"tools":[{"type":"custom","format":{"type":"grammar","syntax":"lark","definition":"start: x"},"name":"c","description":"d"}],"tool_choice":{"type":"custom","name":"c"}`, ""},
		{"any text", ``, ``, `,"tools":[{"type":"custom","custom":{"name":"c","format":{"type":"text"}}}]`, `,"tools":[{"type":"custom","name":"c","format":{"type":"text"}}]`, ""},
		{"some tools of both kinds", ``, ``, `,"tools":[{"type":"custom","custom":{"name":"c"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"custom","custom":{"name":"c"}},{"type":"function","function":{"name":"f"}}]}}`,
			`,"tools":[{"type":"custom","name":"c"}],"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"custom","name":"c"},{"type":"function","name":"f"}]}`, ""},
		{"the search of the web", ``, ``, `,"web_search_options":{"search_context_size":"low","user_location":{"type":"approximate","approximate":{"city":"Lyon"}}}`,
			`,"tools":[{"type":"web_search","user_location":{"type":"approximate","city":"Lyon"},"search_context_size":"low"}]`, ""},
		{"the older form of tools", ``, ``, `,"functions":[{"name":"f","parameters":{}}],"function_call":{"name":"f"}`,
			`,"tools":[{"type":"function","strict":false,"name":"f","parameters":{}}],"tool_choice":{"type":"function","name":"f"}`, ""},
		{"padding", ``, ``, `,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}`, `,"stream":true,"stream_options":{"include_obfuscation":false}`, ""},
		{"what asks for what is so anyway", `,"unsupported":["parallel_tool_calls"]`, ``, `,"modalities":["text"],"parallel_tool_calls":true`, ``, ""},
		{"what is lost", `,"unsupported":["parallel_tool_calls"]`, ``, `,"modalities":["audio"],"audio":{"voice":"v"},"prediction":{"type":"content"},"parallel_tool_calls":false,"top_k":3,"store":true`, ``,
			"modalities,audio,prediction,parallel_tool_calls,top_k,store"},
		{"what is the same", ``, ``, `,"service_tier":"flex","safety_identifier":"s","prompt_cache_key":"k","prompt_cache_retention":"24h","prompt_cache_options":{"mode":"implicit"},"moderation":{"model":"m"},"user":"u"`, "=", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := request(t, "chat", `,"api":"responses"`+tc.target, tc.config, `{`+messages+tc.members+`}`)
			want := tc.want
			if want == "=" {
				want = tc.members
			}
			if got, want := string(f.Output()), `{"model":"up","store":false,`+hi+want+`}`; result != sdk.OK || got != want {
				t.Errorf("Request(%s) = %d,\n got %s\nwant %s", tc.members, result, got, want)
			}
			if got := strings.Join(f.LossyFields(), ","); got != tc.wantLossy {
				t.Errorf("Request(%s) lossy = %q, want %q", tc.members, got, tc.wantLossy)
			}
		})
	}
}

// A response object as a chat completion: the members that chat nests or names otherwise.
func TestResponseResponses(t *testing.T) {
	t.Parallel()
	const body = `{"id":"resp_1","model":"m","status":"completed","output":[
		{"type":"reasoning","summary":[{"type":"summary_text","text":"h\u006d"},{"type":"summary_text","text":" ah"}],"encrypted_content":"sealed"},
		{"type":"web_search_call","id":"ws_1","status":"completed"},
		{"type":"custom_tool_call","call_id":"c1","name":"patch","input":"*** Begin\n"},
		{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"s2"},
		{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},
		{"type":"computer_call","id":"cc_1"},
		{"type":"message","content":[{"type":"output_text","text":"a","annotations":[{"type":"url_citation","start_index":0,"end_index":1,"url":"https://x.test","title":"T"},{"type":"file_citation","file_id":"f"}],
			"logprobs":[{"token":"a","logprob":-0.10,"bytes":[97],"top_logprobs":[]}]},{"type":"refusal","refusal":"no"}]}],
		"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}`
	const want = `{"id":"resp_1","object":"chat.completion","created":1782907200,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a","reasoning_content":"hm ah",` +
		`"thinking_blocks":[{"type":"thinking","thinking":"hm ah","signature":"sealed","provider":"openai"},{"type":"thinking","thinking":"","signature":"s2","provider":"openai","after_calls":1}],` +
		`"refusal":"no","tool_calls":[{"id":"c1","type":"custom","custom":{"name":"patch","input":"*** Begin\n"}},{"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}],` +
		`"annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":1,"url":"https://x.test","title":"T"}}]},` +
		`"logprobs":{"content":[{"token":"a","logprob":-0.10,"bytes":[97],"top_logprobs":[]}],"refusal":null},"finish_reason":"tool_calls"}],` +
		`"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0},"server_tool_calls":1}}`
	f, result := run(t, document.FrameInput{
		Entry: abi.EntryResponse, Call: call(t, `"api":"responses"`), Response: sdktest.Body(body), Status: 200,
	}, openai.Adapter{}.Response)
	if got := string(f.Output()); result != sdk.OK || encodeSorted(t, []byte(got)) != encodeSorted(t, []byte(want)) {
		t.Errorf("Response(%s) = %d,\n got %s\nwant %s", body, result, got, want)
	}
	if got := strings.Join(f.LossyFields(), ","); got != "output[].type" {
		t.Errorf("Response lossy = %q, want the item of an unknown type", got)
	}
}
