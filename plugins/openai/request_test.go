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

func TestRequestChat(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, target, body, want string
		wantLossy                string
	}{
		{"the model is replaced", `"api":"chat"`, `{"model":"auto",` + messages + `}`,
			`{"model":"up",` + messages + `}`, ""},
		{"no api means chat", `"id":"x"`, `{` + messages + `}`, `{"model":"up",` + messages + `}`, ""},
		{"nothing but a model", `"api":"chat"`, `{"model":"auto"}`, `{"model":"up"}`, ""},
		{"fallbacks are ours", `"api":"chat"`, `{` + messages + `,"models":["a"]}`, `{"model":"up",` + messages + `}`, ""},
		{"numbers stay", `"api":"chat"`, `{` + messages + `,"seed":9007199254740993,"temperature":1e0}`,
			`{"model":"up",` + messages + `,"seed":9007199254740993,"temperature":1e0}`, ""},
		{"metadata without store goes", `"api":"chat"`, `{` + messages + `,"metadata":{"colour":"red"}}`,
			`{"model":"up",` + messages + `}`, ""},
		{"metadata with store stays, but ours", `"api":"chat"`,
			`{` + messages + `,"store":true,"metadata":{"strict":"true","session_id":"s","colour":"red","task_type":"t","agent_id":"a","time_sensitive":"true"}}`,
			`{"model":"up","metadata":{"colour":"red"},` + messages + `,"store":true}`, ""},
		{"unsupported goes and is told", `"api":"chat","unsupported":["top_p","logprobs"]`, `{` + messages + `,"top_p":1}`,
			`{"model":"up",` + messages + `}`, "top_p"},
		{"messages are never dropped", `"api":"chat","unsupported":["messages","model"]`, `{"model":"a",` + messages + `}`,
			`{"model":"up",` + messages + `}`, ""},
		{"renamed", `"api":"chat","rename":{"max_tokens":"max_completion_tokens"}`, `{` + messages + `,"max_tokens":5}`,
			`{"model":"up","max_completion_tokens":5,` + messages + `}`, ""},
		{"the new name wins", `"api":"chat","rename":{"max_tokens":"max_completion_tokens"}`,
			`{"max_completion_tokens":7,` + messages + `,"max_tokens":5}`, `{"model":"up","max_completion_tokens":7,` + messages + `}`, ""},
		{"renamed to what is unsupported", `"api":"chat","rename":{"max_tokens":"cap"},"unsupported":["cap"]`,
			`{` + messages + `,"max_tokens":5}`, `{"model":"up",` + messages + `}`, "max_tokens"},
		{"unsupported before renamed", `"api":"chat","rename":{"max_tokens":"cap"},"unsupported":["max_tokens"]`,
			`{` + messages + `,"max_tokens":5}`, `{"model":"up",` + messages + `}`, "max_tokens"},
		{"a stream asks for its usage", `"api":"chat"`, `{` + messages + `,"stream":true}`,
			`{"model":"up","stream_options":{"include_usage":true},` + messages + `,"stream":true}`, ""},
		{"also against the caller's word", `"api":"chat"`, `{` + messages + `,"stream":true,"stream_options":{"include_usage":false,"x":1}}`,
			`{"model":"up","stream_options":{"include_usage":true,"x":1},` + messages + `,"stream":true}`, ""},
		{"null options", `"api":"chat"`, `{` + messages + `,"stream":true,"stream_options":null}`,
			`{"model":"up","stream_options":{"include_usage":true},` + messages + `,"stream":true}`, ""},
		{"unless the server knows no options", `"api":"chat","unsupported":["stream_options"]`,
			`{` + messages + `,"stream":true,"stream_options":{"include_usage":true}}`,
			`{"model":"up",` + messages + `,"stream":true}`, "stream_options"},
		{"no stream, no options of ours", `"api":"chat"`, `{` + messages + `,"stream":false}`,
			`{"model":"up",` + messages + `,"stream":false}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := run(t, document.FrameInput{
				Entry: abi.EntryRequest, Call: call(t, tc.target), Request: sdktest.JSON(t, tc.body),
			}, openai.Adapter{}.Request)
			if got := string(f.Output()); result != sdk.OK || got != tc.want {
				t.Errorf("Request(%s) = %d,\n got %s\nwant %s", tc.body, result, got, tc.want)
			}
			if got := strings.Join(f.LossyFields(), ","); got != tc.wantLossy {
				t.Errorf("Request(%s) lossy = %q, want %q", tc.body, got, tc.wantLossy)
			}
			if method, path, _ := f.HTTP(); path != "/chat/completions" || method != "" {
				t.Errorf("Request(%s) = %q %q, want /chat/completions", tc.body, method, path)
			}
		})
	}
}
