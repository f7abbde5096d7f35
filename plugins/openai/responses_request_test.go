package openai_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

func TestRequestRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, call, body string }{
		{"no object", `{"target":{"api":"chat"}}`, `[]`},
		{"no messages on the Responses wire", `{"target":{"api":"responses"}}`, `{}`},
		{"tool calls", `{"target":{"api":"responses"}}`, `{"messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]}`},
		{"tool results", `{"target":{"api":"responses"}}`, `{"messages":[{"role":"tool","content":"a"}]}`},
		{"no role", `{"target":{"api":"responses"}}`, `{"messages":[{"content":"a"}]}`},
		{"audio", `{"target":{"api":"responses"}}`, `{"messages":[{"role":"user","content":[{"type":"input_audio"}]}]}`},
		{"an image without an address", `{"target":{"api":"responses"}}`, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}`},
		{"more parts than calls", `{"target":{"api":"responses"}}`,
			`{"messages":[{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"a"},`, 10_000) + `{}]}]}`},
		{"more members than calls", `{"target":{"api":"responses"}}`, `{"messages":[]` + manyMembers(10_000) + `}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := run(t, document.FrameInput{
				Entry: abi.EntryRequest, Call: sdktest.JSON(t, tc.call), Request: sdktest.JSON(t, tc.body),
			}, openai.Adapter{}.Request)
			if code, message, ok := f.Failure(); result != sdk.Failed || !ok || code != 400 || message == "" {
				t.Errorf("Request(%s) = %d, failure %d %q, want one with 400", tc.body, result, code, message)
			}
		})
	}
}

// manyMembers is n members of no known name, each behind a comma.
func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"x` + strconv.Itoa(i) + `":1`)
	}
	return b.String()
}

// Whatever a body holds, the guest stays within the host's limits.
func TestRequestManyMembers(t *testing.T) {
	t.Parallel()
	for _, api := range []string{`"api":"chat"`, `"api":"responses"`} {
		f, result := run(t, document.FrameInput{
			Entry: abi.EntryRequest, Call: call(t, api), Request: sdktest.JSON(t, `{`+messages+manyMembers(1000)+`}`),
		}, openai.Adapter{}.Request)
		if result != sdk.OK || f.Err() != nil || len(f.LossyFields()) > abi.MaxLossy {
			t.Errorf("Request(%s) = %d, %v, %d lost", api, result, f.Err(), len(f.LossyFields()))
		}
	}
}

var longID = strings.Repeat("functions.f:", 6)

func TestRequestResponsesItems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, messages, want, wantLossy string }{
		{"nothing said", `[{"role":"user","content":""},{"role":"assistant","content":null},{"role":"user","content":[]}]`, `[]`, ""},
		{"developer and system stay in place", `[{"role":"user","content":"a"},{"role":"developer","content":"b"},{"role":"system","content":"c"}]`,
			`[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"role":"developer","content":[{"type":"input_text","text":"b"}]},` +
				`{"role":"system","content":[{"type":"input_text","text":"c"}]}]`, ""},
		{"the assistant's own words", `[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":""},{"type":"refusal","refusal":"b"}],"refusal":"c"}]`,
			`[{"role":"assistant","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"b"},{"type":"refusal","refusal":"c"}]}]`, ""},
		{"an image", `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}},{"type":"text","text":"a"}],"name":"n"}]`,
			`[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"low"},{"type":"input_text","text":"a"}]}]`, "messages[].name"},
		{"calls and their outputs", `[{"role":"user","content":"a"},{"role":"assistant","content":"wait","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\": 1"}},{"id":"c2","function":{"name":"g"}}]},` +
			`{"role":"tool","tool_call_id":"c2","content":"two"},{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"one"},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c3","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"c3","content":[{"type":"text","text":""}]},{"role":"tool","tool_call_id":"c4","content":null}]`,
			`[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"role":"assistant","content":[{"type":"output_text","text":"wait"}]},` +
				`{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"x\": 1"},{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},` +
				`{"type":"function_call_output","call_id":"c2","output":"two"},{"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"one"},{"type":"input_image","image_url":"https://x.test/a.png"}]},` +
				`{"type":"function_call","call_id":"c3","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c3","output":""},{"type":"function_call_output","call_id":"c4","output":""}]`, ""},
		{"what the model thought", `[{"role":"assistant","content":"a","reasoning_content":"hm"}]`, `[{"role":"assistant","content":[{"type":"output_text","text":"a"}]}]`, "messages[].reasoning_content"},
		{"an id that is too long", `[{"role":"assistant","tool_calls":[{"id":"` + longID + `","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"` + longID + `","content":"a"}]`,
			`[{"type":"function_call","call_id":"call_25kol1r661yi9","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_25kol1r661yi9","output":"a"}]`, ""},
		{"escapes stay", `[{"role":"user","content":"\u00e9\n\"\\"}]`, `[{"role":"user","content":[{"type":"input_text","text":"\u00e9\n\"\\"}]}]`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := run(t, document.FrameInput{
				Entry: abi.EntryRequest, Call: call(t, `"api":"responses"`), Request: sdktest.JSON(t, `{"messages":`+tc.messages+`}`),
			}, openai.Adapter{}.Request)
			if got, want := string(f.Output()), `{"model":"up","store":false,"input":`+tc.want+`}`; result != sdk.OK || got != want {
				t.Errorf("Request(%s) = %d,\n got %s\nwant %s", tc.messages, result, got, want)
			}
			if got := strings.Join(f.LossyFields(), ","); got != tc.wantLossy {
				t.Errorf("Request(%s) lossy = %q, want %q", tc.messages, got, tc.wantLossy)
			}
		})
	}
}

func TestRequestBetaHeader(t *testing.T) {
	t.Parallel()
	f, _ := run(t, document.FrameInput{
		Entry: abi.EntryRequest, Request: sdktest.JSON(t, `{`+messages+`}`),
		Call: sdktest.JSON(t, `{"target":{"api":"chat","upstream_id":"m"},"headers":{"openai-beta":"x=v1"}}`),
	}, openai.Adapter{}.Request)
	_, _, headers := f.HTTP()
	if got := headers[0]; got != [2]string{"openai-beta", "x=v1"} {
		t.Errorf("headers = %q, want openai-beta first", headers)
	}
}

func TestRequestResponses(t *testing.T) {
	t.Parallel()
	const oneTool = `"tools":[{"type":"function","function":{"name":"f","parameters":{},"strict":false}}]`
	const wantTool = `"tools":[{"type":"function","name":"f","parameters":{},"strict":false}]`
	const hi = `"input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}]`
	for _, tc := range []struct{ name, target, members, want, wantLossy string }{
		{"nothing else", `"api":"responses"`, ``, `{"model":"up","store":false,` + hi + `}`, ""},
		{"the least output", `"api":"responses"`, `,"max_tokens":1`, `{"model":"up","store":false,` + hi + `,"max_output_tokens":16}`, ""},
		{"the newer name wins", `"api":"responses"`, `,"max_tokens":100,"max_completion_tokens":200`,
			`{"model":"up","store":false,` + hi + `,"max_output_tokens":200}`, ""},
		{"null is unsaid", `"api":"responses"`, `,"max_tokens":100,"max_completion_tokens":null,"stop":null,"temperature":null`,
			`{"model":"up","store":false,` + hi + `,"max_output_tokens":100}`, ""},
		{"what the wire lacks", `"api":"responses"`, `,"stop":"x","seed":1,"n":2,"logit_bias":{}`,
			`{"model":"up","store":false,` + hi + `}`, "stop,seed,n"},
		{"what asks for nothing is no loss", `"api":"responses"`, `,"presence_penalty":0,"logprobs":false,"tools":[],"store":false`,
			`{"model":"up","store":false,` + hi + `}`, ""},
		{"one choice is no loss", `"api":"responses"`, `,"n":1,"store":false,"metadata":{"a":"b"},"models":[]`,
			`{"model":"up","store":false,` + hi + `}`, ""},
		{"stream and sampling", `"api":"responses","unsupported":["top_p"]`, `,"stream":true,"temperature":0.5,"top_p":1,"stream_options":{"include_usage":true}`,
			`{"model":"up","store":false,` + hi + `,"stream":true,"temperature":0.5}`, "top_p"},
		{"effort", `"api":"responses"`, `,"reasoning_effort":"high"`,
			`{"model":"up","store":false,` + hi + `,"reasoning":{"effort":"high"},"include":["reasoning.encrypted_content"]}`, ""},
		{"tools are flat", `"api":"responses"`, `,"tools":[{"type":"function","function":{"name":"f","description":null,"parameters":{"type":"object"},"strict":true}},{"type":"function","function":{"name":"g"}},{"type":"custom","custom":{"name":"c"}}],"tool_choice":"required","parallel_tool_calls":false`,
			`{"model":"up","store":false,` + hi + `,"tools":[{"type":"function","name":"f","description":null,"parameters":{"type":"object"},"strict":true},{"type":"function","strict":false,"parameters":{"type":"object","properties":{}},"name":"g"},{"type":"custom","name":"c"}],"tool_choice":"required","parallel_tool_calls":false}`, ""},
		{"a tool of another kind", `"api":"responses"`, `,"tools":[{"type":"mcp","server_label":"x"}]`, `{"model":"up","store":false,` + hi + `}`, "tools[].type"},
		{"one tool must be called", `"api":"responses"`, `,"tool_choice":{"type":"function","function":{"name":"f"}},` + oneTool,
			`{"model":"up","store":false,` + hi + `,"tool_choice":{"type":"function","name":"f"},` + wantTool + `}`, ""},
		{"some of the tools", `"api":"responses"`, `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}},{"type":"custom"},{"type":"function","function":{"name":"g"}}]}},` + oneTool,
			`{"model":"up","store":false,` + hi + `,"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}]},` + wantTool + `}`, ""},
		{"a choice of another kind", `"api":"responses"`, `,"tool_choice":{"type":"mcp"},` + oneTool,
			`{"model":"up","store":false,` + hi + `,` + wantTool + `}`, "tool_choice"},
		{"a choice without tools", `"api":"responses"`, `,"tool_choice":"auto","tools":[]`, `{"model":"up","store":false,` + hi + `}`, ""},
		{"tools that the model rejects", `"api":"responses","unsupported":["tools"]`, `,"tool_choice":"required",` + oneTool,
			`{"model":"up","store":false,` + hi + `}`, "tool_choice,tools"},
		{"json mode", `"api":"responses"`, `,"response_format":{"type":"json_object"}`,
			`{"model":"up","store":false,` + hi + `,"text":{"format":{"type":"json_object"}}}`, ""},
		{"verbosity alone", `"api":"responses","unsupported":["response_format"]`, `,"response_format":{"type":"json_object"},"verbosity":"low"`,
			`{"model":"up","store":false,` + hi + `,"text":{"verbosity":"low"}}`, "response_format"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body := `{"model":"auto",` + messages + tc.members + `}`
			f, result := run(t, document.FrameInput{
				Entry: abi.EntryRequest, Call: call(t, tc.target), Request: sdktest.JSON(t, body),
			}, openai.Adapter{}.Request)
			if got := string(f.Output()); result != sdk.OK || got != tc.want {
				t.Errorf("Request(%s) = %d,\n got %s\nwant %s", body, result, got, tc.want)
			}
			if got := strings.Join(f.LossyFields(), ","); got != tc.wantLossy {
				t.Errorf("Request(%s) lossy = %q, want %q", body, got, tc.wantLossy)
			}
			if _, path, _ := f.HTTP(); path != "/responses" {
				t.Errorf("Request(%s) path = %q, want /responses", body, path)
			}
		})
	}
}
