package openai_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// However many pieces a caller or a provider sends, the guest stays within the host
// calls and the output that it has: it refuses what is too much and is never broken.
func TestLimits(t *testing.T) {
	t.Parallel()
	const image = `{"type":"image_url","image_url":{"url":"data:,"}}`
	within := func(before, piece, after string) func(int) string {
		return func(n int) string { return before + strings.TrimSuffix(strings.Repeat(piece+",", n), ",") + after }
	}
	body := func(piece string) func(int) string { return within(`{"messages":[`, piece, `]}`) }
	requests := map[string]func(int) string{
		"texts":              body(`{"role":"user","content":"a"}`),
		"empty":              body(`{}`),
		"refusals":           body(`{"role":"assistant","content":null,"refusal":"r"}`),
		"nothing said":       body(`{"role":"assistant","content":null,"thinking_blocks":[]}`),
		"reasoning":          body(`{"role":"assistant","content":"a","reasoning_content":"b"}`),
		"developers":         body(`{"role":"developer","content":"a"}`),
		"failed tools":       body(`{"role":"tool","tool_call_id":"c","content":"a","is_error":true}`),
		"tools with images":  body(`{"role":"tool","tool_call_id":"c","content":[` + image + `,` + image + `]}`),
		"one part each":      body(`{"role":"user","content":[{"type":"text","text":"a","cache_control":{}}]}`),
		"calls":              body(`{"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","function":{"name":"f"},"extra_content":{}}]}`),
		"calls and thoughts": body(`{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f"}},{"id":"c","custom":{"name":"f"}}],"thinking_blocks":[{"provider":"openai","signature":"s"},{"provider":"openai","signature":"s","after_calls":1}]}`),
		"older calls":        body(`{"role":"assistant","function_call":{"name":"f"}},{"role":"function","name":"f","content":"a"}`),
		"texts of one":       within(`{"messages":[{"role":"user","content":[`, `{"type":"text","text":"a"}`, `]}]}`),
		"marks of one":       within(`{"messages":[{"role":"user","content":[`, `{"type":"text","text":"a","cache_control":{}}`, `]}]}`),
		"images of one":      within(`{"messages":[{"role":"user","content":[`, image, `]}]}`),
		"images of a tool":   within(`{"messages":[{"role":"tool","tool_call_id":"c","content":[`, image, `]}]}`),
		"calls of one":       within(`{"messages":[{"role":"assistant","tool_calls":[`, `{"id":"c","type":"function","function":{"name":"f"},"extra_content":{}}`, `]}]}`),
		"thoughts of one":    within(`{"messages":[{"role":"assistant","content":"a","thinking_blocks":[`, `{"provider":"openai","signature":"s"}`, `]}]}`),
		"thoughts and calls": within(`{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f"}},{"function":{"name":"f"}},{"function":{"name":"f"}}],"thinking_blocks":[`, `{"provider":"anthropic"}`, `]}]}`),
		"tools":              within(`{"messages":[],"tools":[`, `{"type":"function","function":{"name":"f"},"cache_control":{}}`, `]}`),
		"custom tools":       within(`{"messages":[],"tools":[`, `{"type":"custom","custom":{"name":"f","format":{"grammar":{}}}}`, `]}`),
		"older tools":        within(`{"messages":[],"functions":[`, `{"name":"f"}`, `]}`),
		"allowed tools":      within(`{"messages":[],"tools":[{"function":{"name":"f"}}],"tool_choice":{"allowed_tools":{"tools":[`, `{"function":{"name":"f"}}`, `]}}}`),
		"members":            func(n int) string { return `{"messages":[]` + manyMembers(n) + `}` },
	}
	configs := []string{`{}`, `{"developer":false,"reasoning":"reasoning","image_url":true,"cache_breakpoints":true,"unsupported":[` +
		strings.TrimSuffix(strings.Repeat(`"x",`, 64), ",") + `]}`, `{"extensions":true}`}
	for name, body := range requests {
		t.Run("request/"+name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{3000, 16_000} {
				request := sdktest.JSON(t, body(n))
				for _, config := range configs {
					for _, call := range []string{`{"target":{"api":"chat","upstream_id":"m"}}`, `{"target":{"api":"responses","capabilities":["reasoning"]}}`} {
						f, result := run(t, document.FrameInput{Entry: abi.EntryRequest, Call: sdktest.JSON(t, call), Config: sdktest.JSON(t, config), Request: request,
							MaxCalls: abi.ProviderCalls, MaxOutput: abi.ProviderOutput}, openai.Adapter{}.Request)
						if _, _, said := f.Failure(); f.Err() != nil || said != (result != sdk.OK) {
							t.Fatalf("Request of %d with %s, %s = %d, %v", n, call, config, result, f.Err())
						}
					}
				}
			}
		})
	}
	for _, tc := range []struct {
		name, api, piece string
		n                int
	}{
		{"plain", "chat", `{"role":"user","content":"a"}`, 14_000},
		{"turns", "chat", `{"role":"assistant","content":"a","reasoning_content":"b","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"d"}`, 1300},
		{"plain on Responses", "responses", `{"role":"user","content":"a"}`, 4000},
		{"turns on Responses", "responses", `{"role":"assistant","content":"a","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"d"}`, 1250},
	} {
		t.Run("fits/"+tc.name, func(t *testing.T) {
			t.Parallel()
			f, result := run(t, document.FrameInput{Entry: abi.EntryRequest, Call: sdktest.JSON(t, `{"target":{"api":"`+tc.api+`"}}`), Request: sdktest.JSON(t, body(tc.piece)(tc.n)),
				MaxCalls: abi.ProviderCalls, MaxOutput: abi.ProviderOutput}, openai.Adapter{}.Request)
			if _, message, _ := f.Failure(); result != sdk.OK || f.Err() != nil {
				t.Errorf("Request of %d = %d, %q, %v, want a body", tc.n, result, message, f.Err())
			}
		})
	}
	answers := map[string]struct {
		operation, api string
		stream         bool
		body           func(int) string
	}{
		"choices":     {"chat", "chat", false, within(`{"choices":[`, `{"message":{"reasoning":"a","tool_calls":[{}]},"finish_reason":"x"}`, `]}`)},
		"calls":       {"chat", "chat", false, within(`{"choices":[{"message":{"tool_calls":[`, `{"function":{"name":"f","arguments":{}}}`, `]}}]}`)},
		"fragments":   {"chat", "chat", true, within(`{"choices":[{"delta":{"tool_calls":[`, `{"id":"a","function":{"name":"f","arguments":{}}}`, `]},"finish_reason":"stop"}]}`)},
		"deltas":      {"chat", "chat", true, within(`{"choices":[`, `{"delta":{"reasoning":"a","tool_calls":[{"function":{"name":"f"}}]},"finish_reason":"stop"}`, `]}`)},
		"plain":       {"chat", "chat", true, within(`{"choices":[`, `{"delta":{"content":"a"}}`, `]}`)},
		"items":       {"chat", "responses", false, within(`{"output":[`, `{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}`, `]}`)},
		"reasoning":   {"chat", "responses", false, within(`{"output":[`, `{"type":"reasoning","summary":[{"text":"a"},{"text":"b"}],"encrypted_content":"s"}`, `]}`)},
		"unknown":     {"chat", "responses", false, within(`{"output":[`, `{"type":"mcp_call"}`, `]}`)},
		"annotations": {"chat", "responses", false, within(`{"output":[{"type":"message","content":[{"text":"a","annotations":[`, `{"type":"url_citation","url":"u"}`, `]}]}]}`)},
		"logprobs":    {"chat", "responses", false, within(`{"output":[{"type":"message","content":[{"text":"a","logprobs":[`, `{"token":"a"}`, `]}]}]}`)},
		"log of one":  {"chat", "responses", true, within(`{"type":"response.output_text.delta","delta":"a","logprobs":[`, `{"token":"a"}`, `]}`)},
		"models":      {"list", "", false, within(`{"data":[`, `{"id":"m"}`, `]}`)},
		"embeddings":  {"embeddings", "", false, within(`{"data":[`, `{"embedding":[1]}`, `]}`)},
	}
	for name, tc := range answers {
		t.Run("answer/"+name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1600, 1990, 4990, 30_000} {
				in := document.FrameInput{Entry: abi.EntryResponse, Status: 200, Response: sdktest.Body(tc.body(n)), State: new(document.State),
					Call:     sdktest.JSON(t, `{"operation":"`+tc.operation+`","target":{"api":`+strconv.Quote(tc.api)+`}}`),
					MaxCalls: abi.ProviderCalls, MaxOutput: abi.ProviderOutput}
				entry := openai.Adapter{}.Response
				if tc.stream {
					in.Entry, entry = abi.EntryEvent, openai.Adapter{}.Event
				}
				f, result := run(t, in, entry)
				if _, _, said := f.Failure(); f.Err() != nil || said != (result != sdk.OK) {
					t.Fatalf("%s of %d = %d, %v", in.Entry, n, result, f.Err())
				}
			}
		})
	}
}
