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

func TestAnswerFails(t *testing.T) {
	t.Parallel()
	const chat, responses = `"api":"chat"`, `"api":"responses"`
	for _, tc := range []struct {
		name, target string
		stream       bool
		body         string
		want         abi.Class
	}{
		{"a page with status 200", chat, false, `<html>`, abi.ClassServer},
		{"an error with status 200", chat, false, `{"error":{"message":"m","type":"invalid_request_error"}}`, abi.ClassInvalid},
		{"a vLLM status inside", chat, false, `{"error":{"message":"m","type":"NotFoundError","code":404}}`, abi.ClassNotFound},
		{"empty", chat, false, ``, abi.ClassServer},
		{"no choices", chat, false, `{"object":"chat.completion","choices":[]}`, abi.ClassServer},
		{"choices of another kind", chat, false, `{"choices":{"a":1}}`, abi.ClassServer},
		{"an event that is not JSON", chat, true, `{"choices":[`, abi.ClassServer},
		{"an error event", chat, true, `{"error":{"message":"m","type":"server_error"}}`, abi.ClassServer},
		{"a page for a response", responses, false, `<html>`, abi.ClassServer},
		{"a failed response", responses, false, `{"status":"failed","error":{"code":"server_error","message":"m"},"output":[]}`, abi.ClassServer},
		{"a failed response without a word", responses, false, `{"status":"failed","error":null,"output":[]}`, abi.ClassServer},
		{"a response in the background", responses, false, `{"status":"queued","output":[]}`, abi.ClassServer},
		{"more parts than calls", responses, false, `{"output":[` + strings.Repeat(`{"type":"message","content":[{"text":"a"}]},`, 6000) + `{}]}`, abi.ClassServer},
		{"a chat completion for a response", responses, false, `{"choices":[]}`, abi.ClassServer},
		{"a torn event", responses, true, `{"type":"resp`, abi.ClassServer},
		{"a failed event without a word", responses, true, `{"type":"response.failed"}`, abi.ClassServer},
		{"an overload in a failed event", responses, true,
			`{"type":"response.failed","response":{"error":{"code":"server_error","message":"Our servers are currently overloaded."}}}`, abi.ClassOverloaded},
		{"an unnamed error event", responses, true, `{"error":{"code":"rate_limit_exceeded","message":"m"}}`, abi.ClassRateLimited},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := document.FrameInput{Entry: abi.EntryResponse, Call: call(t, tc.target), Status: 200}
			if tc.body != "" {
				in.Response = sdktest.Body(tc.body)
			}
			entry := openai.Adapter{}.Response
			if tc.stream {
				in.Entry, entry = abi.EntryEvent, openai.Adapter{}.Event
			}
			f, result := run(t, in, entry)
			_, message, said := f.Failure()
			if result != sdk.Failed || !said || message == "" || f.Class() != tc.want || len(f.Output()) != 0 {
				t.Errorf("answer %s = %d, class %d, message %q, output %q; want a failure of class %d",
					tc.body, result, f.Class(), message, f.Output(), tc.want)
			}
		})
	}
}

// A chunk whose members are odd passes; what is no chunk says nothing.
func TestEventChat(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, event, want string }{
		{"end marker", `[DONE]`, ""},
		{"quoted end marker", `"[DONE]"`, ""},
		{"empty", ``, ""},
		{"another kind", `{"type":"ping"}`, ""},
		{"a number", `1`, ""},
		{"as it came", `{"choices":[ ],"x":1e400000000000000000}`, "refused"},
		{"white space stays", `{"choices": [],  "n":1.50}`, `{"choices": [],  "n":1.50}`},
		{"padding goes", `{"obfuscation":"aa","choices":[]}`, `{"choices":[]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := document.FrameInput{Entry: abi.EntryEvent, Call: call(t, `"api":"chat"`)}
			if tc.event != "" {
				in.Response = sdktest.Body(tc.event)
			}
			f, result := run(t, in, openai.Adapter{}.Event)
			if tc.want == "refused" {
				if result != sdk.Failed {
					t.Errorf("Event(%s) = %d, want a failure", tc.event, result)
				}
				return
			}
			if got := string(f.Output()); got != tc.want || result != sdk.OK {
				t.Errorf("Event(%s) = %d, %s, want %s", tc.event, result, got, tc.want)
			}
		})
	}
}
