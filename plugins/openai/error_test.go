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
		{name: "OpenAI's own clients would retry", status: 409, body: `{"error":{"message":"m","type":"invalid_request_error"}}`, want: abi.ClassServer},
		{name: "told to retry", status: 400, fields: map[string]string{"x-should-retry": "true"}, body: `{"error":{"message":"m","type":"invalid_request_error"}}`, want: abi.ClassServer},
		{name: "told not to retry", status: 500, fields: map[string]string{"x-should-retry": "false"}, body: `{"error":{"message":"m","type":"server_error"}}`, want: abi.ClassServer},
		{name: "the window of tokens", status: 429, fields: map[string]string{"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "6ms", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30s"},
			body: `{"error":{"message":"m","code":"rate_limit_exceeded"}}`, want: abi.ClassRateLimited, wantAfter: 90_000},
		{name: "the window that the type names", status: 429, fields: map[string]string{"x-ratelimit-reset-requests": "120ms", "x-ratelimit-reset-tokens": "5s"},
			body: `{"error":{"message":"m","type":"requests","code":"rate_limit_exceeded"}}`, want: abi.ClassRateLimited, wantAfter: 120},
		{name: "no window of an unpaid bill", status: 429, fields: map[string]string{"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "5s"},
			body: `{"error":{"message":"m","code":"insufficient_quota"}}`, want: abi.ClassQuota},
		{name: "seconds in words", status: 429, body: `{"error":{"message":"Please retry after 6 seconds.","code":"429"}}`, want: abi.ClassRateLimited, wantAfter: 6000},
		{name: "milliseconds in words", status: 429, body: `{"error":{"message":"try again in 500 milliseconds"}}`, want: abi.ClassRateLimited, wantAfter: 500},
		{name: "never fits the window", status: 429, fields: map[string]string{"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "5s"},
			body: `{"error":{"message":"Request too large for m: Limit 30000, Requested 31538.","type":"tokens","code":"rate_limit_exceeded"}}`, want: abi.ClassContextLength},
		{name: "overloaded", status: 503, body: `{"error":{"message":"m","type":"service_unavailable_error","code":"server_is_overloaded"}}`, want: abi.ClassOverloaded},
		{name: "llama.cpp loads", status: 503, body: `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`, want: abi.ClassOverloaded},
		{name: "llama.cpp, too long", status: 400, body: `{"error":{"code":400,"message":"m","type":"exceed_context_size_error"}}`, want: abi.ClassContextLength},
		{name: "SGLang, too long", status: 400, body: `{"object":"error","message":"The input (9 tokens) is longer than the model's context length (8 tokens).","type":"BadRequestError","param":null,"code":400}`, want: abi.ClassContextLength},
		{name: "vLLM, too long", status: 400, body: `{"error":{"message":"The decoder prompt (length 9) is longer than the maximum model length of 8.","type":"BadRequestError","param":null,"code":400}}`, want: abi.ClassContextLength},
		{name: "Ollama, no such model", status: 404, body: `{"error":{"message":"model \"x\" not found","type":"not_found_error","param":null,"code":null}}`, want: abi.ClassNotFound},
		{name: "a model of the other wire", status: 404, body: `{"error":{"message":"This model is only supported in v1/responses and not in v1/chat/completions.","type":"invalid_request_error","param":"model","code":null}}`, want: abi.ClassNotFound},
		{name: "not a chat model", status: 400, body: `{"error":{"message":"This is not a chat model and thus not supported in the v1/chat/completions endpoint.","type":"invalid_request_error"}}`, want: abi.ClassNotFound},
		{name: "a flagged prompt", status: 400, body: `{"error":{"message":"m","type":"invalid_request_error","code":"invalid_prompt"}}`, want: abi.ClassContentFilter},
		{name: "an image that cannot be had", status: 200, body: `{"error":{"message":"m","code":"failed_to_download_image"}}`, want: abi.ClassInvalid},
		{name: "a text that is too long", status: 400, body: `{"error":{"message":"m","code":"string_above_max_length"}}`, want: abi.ClassContextLength},
		{name: "a code that is long", status: 400, body: `{"error":{"message":"m","code":"` + strings.Repeat("insufficient_quota", 50) + `"}}`, want: abi.ClassInvalid},
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
