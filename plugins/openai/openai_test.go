package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// run makes one call of an adapter's entry point.
func run(t testing.TB, in document.FrameInput, entry func() sdk.Result) (*document.Frame, sdk.Result) {
	t.Helper()
	in.Kind, in.NowMS = abi.KindProvider, 1_782_907_200_000
	if in.State == nil {
		in.State = new(document.State)
	}
	in.Random = document.NewRandom("r", 1, "openai")
	var result sdk.Result
	f := sdktest.Call(t, in, func() { result = entry() })
	return f, result
}

func call(t testing.TB, target string) document.Node {
	t.Helper()
	return sdktest.JSON(t, `{"operation":"chat","target":{"upstream_id":"up",`+target+`},"attempt":1}`)
}

const messages = `"messages":[{"role":"user","content":"hi"}]`

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

func TestRequestRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, call, body string }{
		{"another operation", `{"operation":"embeddings","target":{"api":"chat"}}`, `{` + messages + `}`},
		{"no object", `{"target":{"api":"chat"}}`, `[]`},
		{"no messages on the Responses wire", `{"target":{"api":"responses"}}`, `{}`},
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
	const hi = `"input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}]`
	for _, tc := range []struct{ name, target, members, want, wantLossy string }{
		{"nothing else", `"api":"responses"`, ``, `{"model":"up","store":false,` + hi + `}`, ""},
		{"the least output", `"api":"responses"`, `,"max_tokens":1`, `{"model":"up","store":false,` + hi + `,"max_output_tokens":16}`, ""},
		{"the newer name wins", `"api":"responses"`, `,"max_tokens":100,"max_completion_tokens":200`,
			`{"model":"up","store":false,` + hi + `,"max_output_tokens":200}`, ""},
		{"null is unsaid", `"api":"responses"`, `,"max_tokens":100,"max_completion_tokens":null,"stop":null,"temperature":null`,
			`{"model":"up","store":false,` + hi + `,"max_output_tokens":100}`, ""},
		{"what the wire lacks", `"api":"responses"`, `,"stop":"x","seed":1,"n":2,"logit_bias":{}`,
			`{"model":"up","store":false,` + hi + `}`, "stop,seed,n,logit_bias"},
		{"one choice is no loss", `"api":"responses"`, `,"n":1,"store":false,"metadata":{"a":"b"},"models":[]`,
			`{"model":"up","store":false,` + hi + `}`, ""},
		{"stream and sampling", `"api":"responses","unsupported":["top_p"]`, `,"stream":true,"temperature":0.5,"top_p":1,"stream_options":{"include_usage":true}`,
			`{"model":"up","store":false,` + hi + `,"stream":true,"temperature":0.5}`, "top_p"},
		{"effort", `"api":"responses"`, `,"reasoning_effort":"high"`,
			`{"model":"up","store":false,` + hi + `,"reasoning":{"effort":"high"}}`, ""},
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

func TestError(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		status    int
		fields    map[string]string
		body      string
		want      abi.Class
		wantAfter int64
		wantText  string // of the message; "" means any
	}{
		{name: "code before status", status: 400, body: `{"error":{"message":"m","type":"invalid_request_error","code":"model_not_found"}}`, want: abi.ClassNotFound, wantText: "m"},
		{name: "the key is not quoted", status: 401, body: `{"error":{"message":"Incorrect API key provided: sk-abc","code":"invalid_api_key"}}`,
			want: abi.ClassAuth, wantText: "the provider refused the gateway's credential"},
		{name: "the organisation is not named", status: 429, fields: map[string]string{"retry-after-ms": "1200.5"},
			body: `{"error":{"message":"Rate limit reached for o4 in organization org-1 on tokens. Please try again in 3s.","type":"tokens","code":"rate_limit_exceeded"}}`,
			want: abi.ClassRateLimited, wantAfter: 1201, wantText: "Rate limit reached for o4 on tokens. Please try again in 3s."},
		{name: "the organisation ends the message", status: 429, body: `{"error":{"message":"Limit in organization org-1","type":"requests"}}`, want: abi.ClassRateLimited, wantText: "Limit"},
		{name: "minutes", status: 429, body: `{"error":{"message":"Please try again in 1m30.5s. Visit","code":"rate_limit_exceeded"}}`, want: abi.ClassRateLimited, wantAfter: 90_500},
		{name: "seconds of the header", status: 503, fields: map[string]string{"retry-after": "2"}, body: `{"error":{"message":"m"}}`, want: abi.ClassOverloaded, wantAfter: 2000},
		{name: "absurd wait", status: 429, fields: map[string]string{"retry-after": "1000000000000000000000"}, body: `{}`, want: abi.ClassRateLimited, wantAfter: 86_400_000},
		{name: "a date that has passed", status: 429, fields: map[string]string{"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, body: `{}`, want: abi.ClassRateLimited},
		{name: "unpaid", status: 429, body: `{"error":{"message":"m","type":"insufficient_quota","code":"credit_balance_exhausted"}}`, want: abi.ClassQuota},
		{name: "slow down", status: 429, body: `{"error":{"message":"m","type":"rate_limit_error","code":"slow_down"}}`, want: abi.ClassRateLimited},
		{name: "filter", status: 400, body: `{"error":{"message":"m","code":"content_filter"}}`, want: abi.ClassContentFilter},
		{name: "a compatible server's words", status: 400, body: `{"error":{"message":"This model's maximum context length is 8192 tokens","type":"BadRequestError","code":400}}`, want: abi.ClassContextLength},
		{name: "a numeric code", status: 404, body: `{"error":{"message":"m","type":"NotFoundError","code":404}}`, want: abi.ClassNotFound, wantText: "m"},
		{name: "flat", status: 422, body: `{"object":"error","message":"m","type":"x"}`, want: abi.ClassInvalid, wantText: "m"},
		{name: "text only", status: 500, body: `{"error":"out of memory"}`, want: abi.ClassServer, wantText: "out of memory"},
		{name: "in an array", status: 400, body: `[{"error":{"message":"m","code":400}}]`, want: abi.ClassInvalid, wantText: "m"},
		{name: "a page", status: 502, body: `<html>`, want: abi.ClassServer},
		{name: "a page that limits", status: 429, body: `<html>`, want: abi.ClassRateLimited},
		{name: "nothing", status: 504, body: ``, want: abi.ClassServer},
		{name: "a number", status: 500, body: `7`, want: abi.ClassServer},
		{name: "odd members", status: 500, body: `{"error":{"message":["m"],"type":{},"param":7,"code":{}}}`, want: abi.ClassServer},
		{name: "teapot", status: 418, body: `{"error":{"message":"m"}}`, want: abi.ClassInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := run(t, document.FrameInput{
				Entry: abi.EntryError, Call: call(t, `"api":"chat"`), Response: sdktest.Body(tc.body), Status: tc.status,
				Field: func(name string) string { return tc.fields[strings.ToLower(name)] },
			}, openai.Adapter{}.Error)
			if f.Class() != tc.want || f.RetryAfterMS() != tc.wantAfter || result != sdk.OK {
				t.Errorf("Error(%d, %s) = %d, class %d after %d ms, want class %d after %d ms",
					tc.status, tc.body, result, f.Class(), f.RetryAfterMS(), tc.want, tc.wantAfter)
			}
			var got struct {
				Error struct {
					Message, Type string
				}
			}
			if err := json.Unmarshal(f.Output(), &got); err != nil || got.Error.Type == "" || got.Error.Message == "" {
				t.Fatalf("Error(%d, %s) wrote %s (%v)", tc.status, tc.body, f.Output(), err)
			}
			if tc.wantText != "" && got.Error.Message != tc.wantText {
				t.Errorf("Error(%d, %s) says %q, want %q", tc.status, tc.body, got.Error.Message, tc.wantText)
			}
		})
	}
}

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
