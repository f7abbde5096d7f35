package httpapi

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// responsesBody is the smallest valid body of POST /v1/responses, with more members.
func responsesBody(model, members string) string {
	return `{"model":"` + model + `","input":"hi"` + members + `}`
}

const (
	responseHead = `{"id":"resp_1","object":"response","created_at":7,`
	responseEcho = `"previous_response_id":null,"store":false,"truncation":"disabled","instructions":null,"max_output_tokens":null,"metadata":{},"parallel_tool_calls":true,"reasoning":{"effort":null,"summary":null},"temperature":null,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":null,"user":null,"prompt_cache_key":null,"safety_identifier":null,`
	responseHi   = `{"id":"msg_1_0","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[],"logprobs":[]}]}`
	responseUse  = `"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":11}}`
)

func TestResponses(t *testing.T) {
	t.Parallel()
	var got string
	f := &fake{complete: func(_ context.Context, r *engine.Request) (engine.Completion, error) {
		got = string(r.Doc.Bytes())
		return engine.Completion{
			Body: []byte(`{"id":"chatcmpl-1","created":7,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`),
			Meta: engine.Meta{Model: "gpt-4o", Provider: "openai", Rule: "pinned", Attempts: 1, Lossy: append(slices.Clone(r.Lossy), "seed")},
		}, nil
	}}
	s := start(t, f)
	for _, c := range []struct{ asked, wantShown string }{
		{"auto", "gpt-4o"},
		{"gpt-4o", "gpt-4o"},
		{"openai/gpt-4o", "openai/gpt-4o"},
	} {
		r := s.do("POST", "/v1/responses", userKey, responsesBody(c.asked, `,"max_tool_calls":3,"store":false`))
		want := responseHead + `"status":"completed","background":false,"error":null,"incomplete_details":null,"model":"` + c.wantShown + `","output":[` + responseHi + `],` + responseEcho + responseUse
		if r.status != 200 || r.body != want || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("POST responses for %s = %d %s, want %s", c.asked, r.status, r.body, want)
		}
		if want := `{"model":"` + c.asked + `","messages":[{"role":"user","content":"hi"}]}`; got != want {
			t.Errorf("POST responses for %s asks for %s, want %s", c.asked, got, want)
		}
		if lossy := r.header.Get("X-Pointsman-Lossy"); lossy != "max_tool_calls,seed" {
			t.Errorf("X-Pointsman-Lossy = %q, want what was lost here and there", lossy)
		}
	}
}

func TestResponsesStream(t *testing.T) {
	t.Parallel()
	chunk := func(delta, finish string) step {
		return step{chunk: `{"id":"chatcmpl-1","created":7,"model":"gpt-4o","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]}`}
	}
	event := func(name, members string) string {
		return "event: " + name + "\ndata: {\"type\":\"" + name + "\"," + members + "}\n\n"
	}
	response := func(status, failure, output string) string {
		return `"response":` + responseHead + `"status":"` + status + `","background":false,"error":` + failure + `,"incomplete_details":null,"model":"gpt-4o","output":[` + output + `],` + responseEcho
	}
	head := event("response.created", `"sequence_number":0,`+response("in_progress", "null", "")+`"usage":null}`) +
		event("response.in_progress", `"sequence_number":1,`+response("in_progress", "null", "")+`"usage":null}`)
	text := event("response.output_item.added", `"sequence_number":2,"output_index":0,"item":{"id":"msg_1_0","type":"message","status":"in_progress","role":"assistant","content":[]}`) +
		event("response.content_part.added", `"sequence_number":3,"item_id":"msg_1_0","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}`) +
		event("response.output_text.delta", `"sequence_number":4,"item_id":"msg_1_0","output_index":0,"content_index":0,"delta":"Hi","logprobs":[]`)
	tail := event("response.output_text.done", `"sequence_number":5,"item_id":"msg_1_0","output_index":0,"content_index":0,"text":"Hi","logprobs":[]`) +
		event("response.content_part.done", `"sequence_number":6,"item_id":"msg_1_0","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Hi","annotations":[],"logprobs":[]}`) +
		event("response.output_item.done", `"sequence_number":7,"output_index":0,"item":`+responseHi) +
		event("response.completed", `"sequence_number":8,`+response("completed", "null", responseHi)+responseUse)
	failed := func(code, message string) string {
		return event("error", `"sequence_number":5,"code":"`+code+`","message":"`+message+`","param":null,"error":{"type":"server_error","code":"`+code+`","message":"`+message+`","param":null}`) +
			event("response.failed", `"sequence_number":6,`+response("failed", `{"code":"server_error","message":"`+message+`"}`, "")+`"usage":null}`)
	}
	hi, stop := chunk(`{"content":"Hi"}`, `null`), chunk(`{}`, `"stop"`)
	counts := step{chunk: `{"id":"chatcmpl-1","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}`}
	for _, c := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"whole", []step{chunk(`{"role":"assistant","content":""}`, `null`), hi, stop, counts, {err: io.EOF}}, head + text + tail},
		{"overloaded in the middle", []step{hi, {err: &engine.Error{Code: engine.CodeUpstreamOverloaded, Message: "Full."}}}, head + text + failed(string(engine.CodeUpstreamOverloaded), "Full.")},
		{"an end without a finish", []step{hi, {err: io.EOF}}, head + text + failed(string(engine.CodeUpstreamTruncated), "The provider ended the stream before the answer was complete.")},
		{"an error that says nothing of itself", []step{hi, {err: errors.New("secret")}}, head + text + failed(string(engine.CodeInternal), "Internal error. The log has the details under this request id.")},
		{"a chunk that is none", []step{hi, {chunk: `{`}}, head + text + failed(string(engine.CodeInternal), "Internal error. The log has the details under this request id.")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := scripted(c.steps...)
			var asked bool
			f := &fake{stream: func(_ context.Context, r *engine.Request) (engine.Stream, engine.Meta, error) {
				asked = r.Stream && r.IncludeUsage
				return source, engine.Meta{Model: "gpt-4o", Attempts: 1}, nil
			}}
			s := start(t, f)
			r := s.do("POST", "/v1/responses", userKey, responsesBody("auto", `,"stream":true`))
			if r.status != 200 || r.body != c.want || !strings.HasPrefix(r.header.Get("Content-Type"), "text/event-stream") {
				t.Errorf("stream = %d %s\nwant %s", r.status, r.body, c.want)
			}
			if !asked {
				t.Error("the request asks for no stream with usage, want both")
			}
			waitFor(t, "Close of the source", source.closed)
		})
	}
}

func TestResponsesErrors(t *testing.T) {
	t.Parallel()
	var fail error
	f := &fake{complete: func(context.Context, *engine.Request) (engine.Completion, error) { return engine.Completion{}, fail }}
	s := start(t, f)
	for _, c := range []struct {
		code   engine.Code
		after  time.Duration
		status int
		kind   string
	}{
		{engine.CodeContextLength, 0, 400, "invalid_request_error"},
		{engine.CodeModelNotFound, 0, 404, "not_found_error"},
		{engine.CodeRateLimited, 2 * time.Second, 429, "rate_limit_error"},
		{engine.CodeUpstreamOverloaded, time.Second, 503, "server_error"},
	} {
		fail = &engine.Error{Code: c.code, Message: "Why.", After: c.after}
		r := s.do("POST", "/v1/responses", userKey, responsesBody("auto", ""))
		isOpenAIError(t, string(c.code), r, c.status, c.kind, string(c.code), "")
		if c.after > 0 && r.header.Get("Retry-After") == "" {
			t.Errorf("%s has no Retry-After", c.code)
		}
	}
	for _, c := range []struct{ name, body, param string }{
		{"no input", `{"model":"auto"}`, "input"},
		{"a stored answer", responsesBody("auto", `,"previous_response_id":"resp_1"`), "previous_response_id"},
		{"a conversation", responsesBody("auto", `,"conversation":"conv_1"`), "conversation"},
		{"in the background", responsesBody("auto", `,"background":true`), "background"},
		{"a reference", `{"model":"auto","input":[{"type":"item_reference","id":"msg_1"}]}`, "input[0].type"},
		{"strict", responsesBody("auto", `,"max_tool_calls":1,"metadata":{"strict":"true"}`), "max_tool_calls"},
	} {
		isOpenAIError(t, c.name, s.do("POST", "/v1/responses", userKey, c.body), 400, "invalid_request_error", string(engine.CodeInvalid), c.param)
	}
	isOpenAIError(t, "no JSON", s.do("POST", "/v1/responses", userKey, `{"model":`), 400, "invalid_request_error", string(engine.CodeInvalidJSON), "model")
	isOpenAIError(t, "no key", s.do("POST", "/v1/responses", "", responsesBody("auto", "")), 401, "authentication_error", "invalid_api_key", "")
}
