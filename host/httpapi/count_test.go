package httpapi

import (
	"context"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

func TestCounts(t *testing.T) {
	t.Parallel()
	var got *engine.Request
	var body, source string
	estimated := false
	s := start(t, &fake{complete: func(_ context.Context, r *engine.Request) (engine.Completion, error) {
		got, body, source = &engine.Request{Operation: r.Operation, Model: r.Model, Wire: r.Wire, Stream: r.Stream}, string(r.Doc.Bytes()), string(r.Source.Bytes())
		return engine.Completion{Body: []byte(`{"input_tokens":41}`), Meta: engine.Meta{Model: "gpt-4o", Attempts: 1, Estimated: estimated}}, nil
	}})
	for _, tt := range []struct {
		name, path, asked, wantBody, want string
		wantModel                         string
		wantWire                          engine.API
	}{
		{"messages", "/v1/messages/count_tokens?beta=true", `{"model":"auto","messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"auto","messages":[{"role":"user","content":"hi"}]}`, `{"input_tokens":41}`, "auto", engine.APIMessages},
		{"messages with a limit", "/v1/messages/count_tokens", messagesBody("gpt-4o", `,"stream":true`),
			`{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":5,"stream":true}`, `{"input_tokens":41}`, "gpt-4o", engine.APIMessages},
		{"responses", "/v1/responses/input_tokens", `{"model":"gpt-4o","input":"hi"}`,
			`{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`, `{"object":"response.input_tokens","input_tokens":41}`, "gpt-4o", engine.APIResponses},
	} {
		for _, estimated = range []bool{false, true} {
			r := s.do("POST", tt.path, userKey, tt.asked)
			if r.status != 200 || r.body != tt.want || r.header.Get("Content-Type") != "application/json" || r.header.Get("X-Request-Id") == "" {
				t.Errorf("%s = %d %s, want %s", tt.name, r.status, r.body, tt.want)
			}
			if (r.header.Get("X-Pointsman-Estimated") == "true") != estimated {
				t.Errorf("%s: x-pointsman-estimated = %q of a count estimated %v", tt.name, r.header.Get("X-Pointsman-Estimated"), estimated)
			}
			if got.Operation != abi.OperationCountTokens || got.Model != tt.wantModel || got.Wire != tt.wantWire || got.Stream || source != tt.asked {
				t.Errorf("%s asks for %+v of %s, want a count", tt.name, got, source)
			}
		}
		if tt.name != "messages with a limit" && body != tt.wantBody {
			t.Errorf("%s asks for %s, want %s", tt.name, body, tt.wantBody)
		}
	}
	isMessagesError(t, "no messages", s.do("POST", "/v1/messages/count_tokens", userKey, `{"model":"auto"}`), 400, "invalid_request_error")
	isMessagesError(t, "no limit elsewhere", s.do("POST", "/v1/messages", userKey, `{"model":"auto","messages":[{"role":"user","content":"hi"}]}`), 400, "invalid_request_error")

	isMessagesError(t, "GET", s.do("GET", "/v1/messages/count_tokens", userKey, ""), 405, "invalid_request_error")
	isOpenAIError(t, "no input", s.do("POST", "/v1/responses/input_tokens", userKey, `{"model":"auto"}`), 400, "invalid_request_error", "invalid_request", "input")
}
