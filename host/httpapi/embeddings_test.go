package httpapi

import (
	"context"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	const answer = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]}],"model":"vec","usage":{"prompt_tokens":1,"total_tokens":1}}`
	var got *engine.Request
	s := start(t, &fake{complete: func(_ context.Context, r *engine.Request) (engine.Completion, error) {
		got = &engine.Request{Operation: r.Operation, Model: r.Model, Stream: r.Stream, Hints: r.Hints}
		return engine.Completion{Body: []byte(answer), Meta: engine.Meta{Model: "vec", Provider: "openai", Rule: "pinned", Attempts: 1}}, nil
	}})
	r := s.do("POST", "/v1/embeddings", userKey, `{"model":"vec","input":"hello","stream":true}`, "X-Pointsman-Session", "s1")
	if r.status != 200 || r.body != answer || r.header.Get("Content-Type") != "application/json" || r.header.Get("X-Pointsman-Model") != "vec" || r.header.Get("X-Pointsman-Rule") != "pinned" {
		t.Errorf("POST /v1/embeddings = %d %s %v, want the answer with its routing", r.status, r.body, r.header)
	}
	if got.Operation != abi.OperationEmbeddings || got.Model != "vec" || got.Stream || got.Hints.SessionID != "s1" {
		t.Errorf("it asks for %+v, want embeddings of vec", got)
	}

	isOpenAIError(t, "no input", s.do("POST", "/v1/embeddings", userKey, `{"model":"vec"}`), 400, "invalid_request_error", "invalid_request", "input")
	isOpenAIError(t, "no JSON", s.do("POST", "/v1/embeddings", userKey, `{"model":`), 400, "invalid_request_error", "invalid_json", "model")
	isOpenAIError(t, "no key", s.do("POST", "/v1/embeddings", "", `{"model":"vec","input":"a"}`), 401, "authentication_error", "invalid_api_key", "")
	isOpenAIError(t, "text/plain", s.do("POST", "/v1/embeddings", userKey, `{"model":"vec","input":"a"}`, "Content-Type", "text/plain"), 415, "invalid_request_error", "unsupported_media_type", "")
	isOpenAIError(t, "GET", s.do("GET", "/v1/embeddings", userKey, ""), 405, "invalid_request_error", "method_not_allowed", "")
}
