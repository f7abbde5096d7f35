package google_test

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/google"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

const freeTool = `{"type":"custom","custom":{"name":"say","description":"d"}}`

// What the request keeps of its custom tools, the answer finds: their calls have a
// text, those of functions arguments.
func TestCustomTools(t *testing.T) {
	call := sdktest.JSON(t, `{"operation":"chat","target":{"upstream_id":"gemini-3.5-flash"}}`)
	request := sdktest.JSON(t, `{"tools":[`+freeTool+`,{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"hi"}]}`)
	tests := []struct{ name, function, want string }{
		{"a text", `{"name":"say","id":"a","args":{"input":"\"é\"\n"}}`, `"id":"a","type":"custom","custom":{"name":"say","input":"\"é\"\n"},"extra_content"`},
		{"an empty text", `{"name":"say","id":"a","args":{"input":""}}`, `"id":"a","type":"custom","custom":{"name":"say","input":""},"extra_content"`},
		{"no text", `{"name":"say","id":"a"}`, `"id":"a","type":"custom","custom":{"name":"say","input":""},"extra_content"`},
		{"another object", `{"name":"say","id":"a","args":{"text":1}}`, `"id":"a","type":"custom","custom":{"name":"say","input":"{\"text\":1}"},"extra_content"`},
		{"a function", `{"name":"f","id":"a","args":{"input":"x"}}`, `"id":"a","type":"function","function":{"name":"f","arguments":"{\"input\":\"x\"}"},"extra_content"`},
		{"a part of the name", `{"name":"sa","id":"a","args":{"input":"x"}}`, `"type":"function","function":{"name":"sa"`},
		{"a name of two lines", `{"name":"say\n","id":"a","args":{"input":"x"}}`, `"type":"function","function":{"name":"say\n"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"functionCall":` + tt.function + `,"thoughtSignature":"c2ln"}]},"finishReason":"STOP"}]}`
			state, random := new(document.State), document.NewRandom("req_1", 1, "test")
			run := func(entry string, response document.Node, f func() sdk.Result) string {
				frame := sdktest.Call(t, document.FrameInput{
					Kind: abi.KindProvider, Entry: entry, Call: call, Request: request, Response: response, State: state, Random: random, Status: 200,
				}, func() { f() })
				out := string(frame.Output())
				for _, c := range frame.Chunks() {
					out += string(c)
				}
				return out
			}
			built := run(abi.EntryRequest, document.Node{}, google.Adapter{}.Request)
			if want := `{"name":"say","description":"d","parametersJsonSchema":{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}}`; !strings.Contains(built, want) {
				t.Errorf("Request = %s, want it to hold %s", built, want)
			}
			whole := run(abi.EntryResponse, sdktest.Body(body), google.Adapter{}.Response)
			if !strings.Contains(whole, tt.want) || !strings.Contains(whole, `"extra_content":{"google":{"thought_signature":"c2ln"}}`) || !strings.Contains(whole, `"finish_reason":"tool_calls"`) {
				t.Errorf("Response(%s) = %s, want it to hold %s", body, whole, tt.want)
			}
			streamed := run(abi.EntryEvent, sdktest.Body(body), google.Adapter{}.Event)
			if !strings.Contains(streamed, tt.want) || !strings.Contains(streamed, `"finish_reason":"tool_calls"`) {
				t.Errorf("Event(%s) = %s, want it to hold %s", body, streamed, tt.want)
			}
		})
	}
}
