package anthropic_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/anthropic"
	"github.com/pointsman/pointsman/sdk/abi"
)

const noUsage = `"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}`

func TestResponse(t *testing.T) {
	const head = `{"id":"msg_1","object":"chat.completion","created":1795348800,"model":"claude-x","choices":[{"index":0,"message":{"role":"assistant",`
	message := func(content, stop, usage string) string {
		return `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":` + content + `,"stop_reason":"` + stop + `"` + usage + `}`
	}
	tests := []struct{ name, body, want string }{
		{
			"text", message(`[{"type":"text","text":"a\n"},{"type":"text","text":"b"}]`, "end_turn", `,"usage":{"input_tokens":3,"output_tokens":2}`),
			head + `"content":"a\nb","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,` + noUsage + `}`,
		},
		{
			"no content", message(`[]`, "end_turn", ""),
			head + `"content":null,"refusal":null},"logprobs":null,"finish_reason":"stop"}]}`,
		},
		{
			"refusal", message(`[]`, "refusal", `,"stop_details":{"type":"refusal","explanation":"no \"way\""}`),
			head + `"content":null,"refusal":"no \"way\""},"logprobs":null,"finish_reason":"content_filter"}]}`,
		},
		{
			"thinking", message(`[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"thinking","thinking":"","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"a"}]`, "stop_sequence", ""),
			head + `"content":"a","reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s","provider":"anthropic"},{"type":"thinking","thinking":"","signature":"s","provider":"anthropic"},{"type":"redacted_thinking","data":"d","provider":"anthropic"}],"refusal":null},"logprobs":null,"finish_reason":"stop"}]}`,
		},
		{
			"cut by length", message(`[{"type":"text","text":"a"}]`, "max_tokens", ""),
			head + `"content":"a","refusal":null},"logprobs":null,"finish_reason":"length"}]}`,
		},
		{
			"context full", message(`[{"type":"text","text":"a"}]`, "model_context_window_exceeded", ""),
			head + `"content":"a","refusal":null},"logprobs":null,"finish_reason":"length"}]}`,
		},
		{
			"paused", message(`[{"type":"text","text":"a"}]`, "pause_turn", ""),
			head + `"content":"a","refusal":null},"logprobs":null,"finish_reason":"length"}]}`,
		},
		{
			"a stop reason to come", message(`[{"type":"text","text":"a"}]`, "satisfied", ""),
			head + `"content":"a","refusal":null},"logprobs":null,"finish_reason":"stop"}]}`,
		},
		{
			"calls beside text", message(`[{"type":"text","text":"a"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"x":"\""}},{"type":"tool_use","id":"toolu_2","name":"g","input":{}}]`, "tool_use", ""),
			head + `"content":"a","refusal":null,"tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"x\":\"\\\"\"}"}},{"id":"toolu_2","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]}`,
		},
		{
			"a call without name and arguments", message(`[{"type":"tool_use","id":"toolu_1"}]`, "tool_use", ""),
			head + `"content":null,"refusal":null,"tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]}`,
		},
		{
			"all counters", message(`[{"type":"text","text":"a"}]`, "end_turn", `,"usage":{"input_tokens":1,"cache_read_input_tokens":20,"cache_creation_input_tokens":300,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":4000,"output_tokens_details":{"thinking_tokens":50},"server_tool_use":{"web_search_requests":2,"web_fetch_requests":1}}`),
			head + `"content":"a","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":321,"completion_tokens":4000,"total_tokens":4321,"prompt_tokens_details":{"cached_tokens":20,"cache_write_tokens":100,"cache_write_1h_tokens":200},"completion_tokens_details":{"reasoning_tokens":50},"server_tool_calls":3}}`,
		},
		{
			"counters that make no sense", message(`[{"type":"text","text":"a"}]`, "end_turn", `,"usage":{"input_tokens":-1,"cache_read_input_tokens":"x","output_tokens":1e300}`),
			head + `"content":"a","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":0,"completion_tokens":1099511627776,"total_tokens":1099511627776,` + noUsage + `}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Response(t, anthropic.Adapter{}, adaptertest.Provider{}, tt.body)
			if got.Failed || got.Output != tt.want {
				t.Errorf("Response(%s)\n got %s %s\nwant %s", tt.body, got.Output, got.Message, tt.want)
			}
		})
	}
}

func TestResponseLosesBlocks(t *testing.T) {
	body := `{"content":[{"type":"container_upload"},{"type":"text","text":"a"}],"stop_reason":"end_turn"}`
	got := adaptertest.Response(t, anthropic.Adapter{}, adaptertest.Provider{}, body)
	if want := []string{"content[].container_upload"}; !slices.Equal(got.Lossy, want) {
		t.Errorf("Response(%s) loses %q, want %q", body, got.Lossy, want)
	}
}

func TestResponseFails(t *testing.T) {
	tests := []struct {
		name, body string
		want       abi.Class
	}{
		{"a page", "<html>Bad gateway</html>", abi.ClassServer},
		{"nothing", "", abi.ClassServer},
		{"an array", "[]", abi.ClassServer},
		{"more blocks than can be", `{"content":[` + strings.Repeat(`{"type":"text","text":"a"},`, 4096) + `{"type":"text","text":"a"}],"stop_reason":"end_turn"}`, abi.ClassServer},
		{"no content", `{"stop_reason":"end_turn"}`, abi.ClassServer},
		{"no stop reason", `{"content":[{"type":"text","text":"a"}],"stop_reason":null}`, abi.ClassServer},
		{"an error under 200", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, abi.ClassOverloaded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Response(t, anthropic.Adapter{}, adaptertest.Provider{}, tt.body)
			if !got.Failed || got.Class != tt.want {
				t.Errorf("Response(%.200q) = %s, class %d, failed %v, want a failure of class %d", tt.body, got.Output, got.Class, got.Failed, tt.want)
			}
		})
	}
}

func TestError(t *testing.T) {
	body := func(kind, message string) string {
		return `{"type":"error","error":{"type":"` + kind + `","message":"` + message + `"},"request_id":"r"}`
	}
	tests := []struct {
		name   string
		status int
		fields map[string]string
		body   string
		want   abi.Class
		wantMS int64
		holds  string
	}{
		{"bad request", 400, nil, body("invalid_request_error", "messages.0: bad"), abi.ClassInvalid, 0, `"message":"messages.0: bad"`},
		{"prompt too long", 400, nil, body("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), abi.ClassContextLength, 0, "context_length_exceeded"},
		{"prompt and output too long", 400, nil, body("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"), abi.ClassContextLength, 0, ""},
		{"no credit", 400, nil, body("invalid_request_error", "Your credit balance is too low"), abi.ClassQuota, 0, "insufficient_quota"},
		{"filtered output", 400, nil, body("invalid_request_error", "Output blocked by content filtering policy"), abi.ClassContentFilter, 0, ""},
		{"bad key", 401, nil, body("authentication_error", "invalid x-api-key"), abi.ClassAuth, 0, ""},
		{"billing", 402, nil, body("billing_error", "pay"), abi.ClassQuota, 0, ""},
		{"no permission", 403, nil, body("permission_error", "no"), abi.ClassAuth, 0, ""},
		{"no such model", 404, nil, body("not_found_error", "model: x"), abi.ClassNotFound, 0, "model_not_found"},
		{"too large", 413, nil, body("request_too_large", "big"), abi.ClassContextLength, 0, ""},
		{"rate limit", 429, map[string]string{"retry-after": "7"}, body("rate_limit_error", "slow"), abi.ClassRateLimited, 7000, ""},
		{"rate limit in milliseconds", 429, map[string]string{"retry-after": "7", "retry-after-ms": "250"}, body("rate_limit_error", "slow"), abi.ClassRateLimited, 250, ""},
		{"rate limit until a date", 429, map[string]string{"retry-after": "Sun, 22 Nov 2026 12:01:30 GMT"}, body("rate_limit_error", "slow"), abi.ClassRateLimited, 90_000, ""},
		{"rate limit that is filled again", 429, map[string]string{
			"anthropic-ratelimit-requests-remaining": "3", "anthropic-ratelimit-requests-reset": "2026-11-22T13:00:00Z",
			"anthropic-ratelimit-input-tokens-remaining": "0", "anthropic-ratelimit-input-tokens-reset": "2026-11-22T12:00:07Z",
			"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-11-22T12:00:05Z",
		}, body("rate_limit_error", "slow"), abi.ClassRateLimited, 7000, ""},
		{"rate limit that says when it is nonsense", 429, map[string]string{"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "soon"}, body("rate_limit_error", "slow"), abi.ClassRateLimited, 0, ""},
		{"a reset beside another failure", 400, map[string]string{"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-11-22T12:00:05Z"}, body("invalid_request_error", "x"), abi.ClassInvalid, 0, ""},
		{"a limit of one's own", 400, nil, body("invalid_request_error", "You have reached your specified API usage limits."), abi.ClassQuota, 0, ""},
		{"too many bytes", 400, nil, body("invalid_request_error", "too many total text bytes: 9 > 8"), abi.ClassContextLength, 0, ""},
		{"rate limit without a word", 429, nil, body("rate_limit_error", "slow"), abi.ClassRateLimited, 0, ""},
		{"internal", 500, nil, body("api_error", "oops"), abi.ClassServer, 0, ""},
		{"timeout", 504, nil, body("timeout_error", "late"), abi.ClassServer, 0, ""},
		{"overloaded", 529, nil, body("overloaded_error", "Overloaded"), abi.ClassOverloaded, 0, ""},
		{"overloaded under another status", 500, nil, body("overloaded_error", "Overloaded"), abi.ClassOverloaded, 0, ""},
		{"a type to come goes by status", 429, nil, body("new_error", "x"), abi.ClassRateLimited, 0, ""},
		{"a page", 502, nil, "<html>", abi.ClassServer, 0, "the provider failed"},
		{"a page that forbids", 403, nil, "<html>", abi.ClassServer, 0, ""},
		{"a page that is full", 503, nil, "<html>", abi.ClassOverloaded, 0, ""},
		{"a page for a large body", 413, nil, "<html>", abi.ClassContextLength, 0, ""},
		{"an empty body", 529, nil, "", abi.ClassOverloaded, 0, ""},
		{"an error that is text", 500, nil, `{"error":"x"}`, abi.ClassServer, 0, ""},
		{"a message that is none", 400, nil, `{"error":{"type":"invalid_request_error","message":{"a":1}}}`, abi.ClassInvalid, 0, "refused the request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Error(t, anthropic.Adapter{}, adaptertest.Provider{Status: tt.status, Fields: tt.fields}, tt.body)
			if got.Failed || got.Class != tt.want || got.RetryAfterMS != tt.wantMS || !strings.Contains(got.Output, tt.holds) {
				t.Errorf("Error(%d, %s) = %s, class %d, after %d ms; want class %d, after %d ms, holding %q",
					tt.status, tt.body, got.Output, got.Class, got.RetryAfterMS, tt.want, tt.wantMS, tt.holds)
			}
		})
	}
}

// The largest answer that is taken keeps within the limits of a call, which
// adaptertest fails the test for.
func TestResponseKeepsWithinLimits(t *testing.T) {
	for _, block := range []string{`{"type":"text","text":"a"}`, `{"type":"thinking","thinking":"a"}`, `{"type":"new"}`, `{"type":"tool_use","id":"a","name":"f","input":{"x":1}}`, `{"type":"tool_use","input":{}}`} {
		body := `{"content":[` + strings.Repeat(block+",", 4095) + block + `],"stop_reason":"end_turn"}`
		if got := adaptertest.Response(t, anthropic.Adapter{}, adaptertest.Provider{}, body); got.Failed {
			t.Errorf("Response of 4,096 blocks %s = failure %q", block, got.Message)
		}
	}
}
