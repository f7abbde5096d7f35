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

// encodeSorted writes JSON with its members in order.
func encodeSorted(t testing.TB, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("not JSON: %v in %s", err, b)
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(sorted)
}

func TestOperationRequest(t *testing.T) {
	t.Parallel()
	const hi = `"input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}]`
	for _, tc := range []struct {
		name, operation, target, config, body string
		wantMethod, wantPath, want, wantLossy string
		wantCode                              int32
	}{
		{name: "embeddings as they came", operation: "embeddings", body: `{"model":"e","input":["a","b"],"dimensions":8,"encoding_format":"base64","user":"u"}`,
			wantPath: "/embeddings", want: `{"model":"up","input":["a","b"],"dimensions":8,"encoding_format":"base64","user":"u"}`},
		{name: "embeddings of tokens", operation: "embeddings", body: `{"input":[[1,2],[3]],"model":"e","metadata":{"session_id":"s"},"models":["x"]}`,
			wantPath: "/embeddings", want: `{"model":"up","input":[[1,2],[3]]}`},
		{name: "embeddings of a server without dimensions", operation: "embeddings", config: `{"unsupported":["dimensions","input"]}`, body: `{"input":"a","dimensions":8}`,
			wantPath: "/embeddings", want: `{"model":"up","input":"a"}`, wantLossy: "dimensions"},
		{name: "models", operation: "list", wantMethod: "GET", wantPath: "/models"},
		{name: "a count on the Responses wire", operation: "count_tokens", target: `,"api":"responses","capabilities":["reasoning"]`,
			body:     `{` + messages + `,"max_tokens":5,"stream":true,"temperature":1,"logprobs":true,"stop":"x","reasoning_effort":"low","tools":[{"type":"function","function":{"name":"f","parameters":{},"strict":true}}],"tool_choice":"auto","verbosity":"low","service_tier":"flex"}`,
			wantPath: "/responses/input_tokens", want: `{"model":"up",` + hi + `,"tools":[{"type":"function","name":"f","parameters":{},"strict":true}],"tool_choice":"auto","reasoning":{"effort":"low"},"text":{"verbosity":"low"}}`},
		{name: "a count where the config has it", operation: "count_tokens", target: `,"api":"chat"`, config: `{"count_tokens":true}`, body: `{` + messages + `}`,
			wantPath: "/responses/input_tokens", want: `{"model":"up",` + hi + `}`},
		{name: "a count of another server", operation: "count_tokens", target: `,"api":"chat"`, body: `{` + messages + `}`, wantCode: abi.CodeUnsupported},
		{name: "a count that the server has not", operation: "count_tokens", target: `,"api":"responses"`, config: `{"count_tokens":false}`, body: `{` + messages + `}`, wantCode: abi.CodeUnsupported},
		{name: "another operation", operation: "paint", body: `{}`, wantCode: abi.CodeUnsupported},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := request(t, tc.operation, tc.target, tc.config, tc.body)
			code, message, failed := f.Failure()
			if failed != (tc.wantCode != 0) || code != tc.wantCode || failed != (result == sdk.Failed) || failed && message == "" {
				t.Fatalf("Request(%s) = %d, failure %d %q, want %d", tc.operation, result, code, message, tc.wantCode)
			}
			if failed {
				return
			}
			method, path, _ := f.HTTP()
			if got := string(f.Output()); got != tc.want || method != tc.wantMethod || path != tc.wantPath {
				t.Errorf("Request(%s) = %q %q\n got %s\nwant %q %q\n     %s", tc.operation, method, path, got, tc.wantMethod, tc.wantPath, tc.want)
			}
			if got := strings.Join(f.LossyFields(), ","); got != tc.wantLossy {
				t.Errorf("Request(%s) lossy = %q, want %q", tc.operation, got, tc.wantLossy)
			}
		})
	}
}

func TestOperationResponse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, operation, body, want string
		wantClass                   abi.Class
	}{
		{"embeddings", "embeddings", `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10,-2e-3]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}`, "=", 0},
		{"embeddings as text", "embeddings", `{"data":[{"index":0,"embedding":"AAAA"}]}`, "=", 0},
		{"no embeddings", "embeddings", `{"data":[{"index":0}]}`, "", abi.ClassServer},
		{"a page for embeddings", "embeddings", `<html>`, "", abi.ClassServer},
		{"an error for embeddings", "embeddings", `{"error":{"message":"m","code":"model_not_found"}}`, "", abi.ClassNotFound},
		{"models", "list", `{"object":"list","data":[{"id":"a","object":"model","created":1,"owned_by":"x","max_model_len":8},{"name":"no id"},{"id":"b"}]}`,
			`{"object":"list","data":[{"id":"a","object":"model","created":1,"owned_by":"x","max_model_len":8},{"id":"b","object":"model"}]}`, 0},
		{"no models, as Ollama says it", "list", `{"object":"list","data":null}`, `{"object":"list","data":[]}`, 0},
		{"a bare list", "list", `[{"id":"a","type":"chat"}]`, `{"object":"list","data":[{"id":"a","object":"model","type":"chat"}]}`, 0},
		{"no list", "list", `{"models":[]}`, "", abi.ClassServer},
		{"more models than calls", "list", `{"data":[` + strings.Repeat(`{},`, 30_000) + `{"id":"a"}]}`, `{"object":"list","data":[]}`, 0},
		{"an error for a list", "list", `{"error":{"message":"m","code":"invalid_api_key"}}`, "", abi.ClassAuth},
		{"a count", "count_tokens", `{"object":"response.input_tokens","input_tokens":16}`, `{"input_tokens":16}`, 0},
		{"no count", "count_tokens", `{"input_tokens":"16"}`, "", abi.ClassServer},
		{"an error for a count", "count_tokens", `{"error":{"message":"m","type":"server_error"}}`, "", abi.ClassServer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := run(t, document.FrameInput{
				Entry: abi.EntryResponse, Call: sdktest.JSON(t, `{"operation":"`+tc.operation+`"}`), Response: sdktest.Body(tc.body), Status: 200,
			}, openai.Adapter{}.Response)
			want := tc.want
			if want == "=" {
				want = tc.body
			}
			if got := string(f.Output()); got != want || f.Class() != tc.wantClass || (result == sdk.OK) != (tc.wantClass == 0) {
				t.Errorf("Response(%.200s) = %d, class %d, %s, want class %d, %s", tc.body, result, f.Class(), got, tc.wantClass, want)
			}
		})
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, config string
		want         sdk.Result
	}{
		{"nothing", `{}`, sdk.OK},
		{"names", `{"unsupported":["seed","developer"]}`, sdk.OK},
		{"a server without messages", `{"unsupported":["seed","messages"]}`, sdk.Failed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := run(t, document.FrameInput{Entry: abi.EntryConfigure, Config: sdktest.JSON(t, tc.config)}, openai.Configure)
			if _, message, failed := f.Failure(); result != tc.want || failed != (tc.want == sdk.Failed) {
				t.Errorf("Configure(%s) = %d, %q, want %d", tc.config, result, message, tc.want)
			}
		})
	}
}

// choicesOf are the choices of a chunk, which must have the stream's id as well.
func choicesOf(t testing.TB, chunk string) string {
	t.Helper()
	var c struct {
		ID      string
		Choices json.RawMessage
	}
	if err := json.Unmarshal([]byte(chunk), &c); err != nil || c.ID != "c" {
		t.Fatalf("not a chunk of the stream: %v in %s", err, chunk)
	}
	return encodeSorted(t, c.Choices)
}
