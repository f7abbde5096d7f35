package google_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/google"
	"github.com/pointsman/pointsman/sdk/abi"
)

func TestResponse(t *testing.T) {
	const head = `{"id":"r1","object":"chat.completion","created":1795348800,"model":"gemini-x","choices":[`
	choice := func(index, message, finish string) string {
		return `{"index":` + index + `,"message":{"role":"assistant",` + message + `},"logprobs":null,"finish_reason":"` + finish + `"}`
	}
	body := func(members string) string { return `{"responseId":"r1","modelVersion":"gemini-x",` + members + `}` }
	const usage = `"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"toolUsePromptTokenCount":3,"candidatesTokenCount":20,"thoughtsTokenCount":5,"totalTokenCount":38}`
	const wantUsage = `],"usage":{"prompt_tokens":13,"completion_tokens":25,"total_tokens":38,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":5}}}`
	tests := []struct{ name, body, want string }{
		{
			"text", body(`"candidates":[{"content":{"parts":[{"text":"a\n"},{"text":"b"}],"role":"model"},"finishReason":"STOP","index":0}],` + usage),
			head + choice("0", `"content":"a\nb","refusal":null`, "stop") + wantUsage,
		},
		{
			"thoughts are not the text", body(`"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a"},{"text":"","thoughtSignature":"c2ln"}]},"finishReason":"STOP"}]`),
			head + choice("0", `"content":"a","reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"","signature":"c2ln","provider":"google"}],"refusal":null`, "stop") + `]}`,
		},
		{
			"a budget spent on thinking", body(`"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":15,"thoughtsTokenCount":2,"totalTokenCount":17}`),
			head + choice("0", `"content":null,"refusal":null`, "length") + `],"usage":{"prompt_tokens":15,"completion_tokens":2,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":2}}}`,
		},
		{
			"filtered", body(`"candidates":[{"content":{},"finishReason":"SAFETY","finishMessage":"no"}]`),
			head + choice("0", `"content":null,"refusal":"no"`, "content_filter") + `]}`,
		},
		{
			"pictures", body(`"candidates":[{"content":{"parts":[{"text":"see"},{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"inlineData":{"mimeType":"image/jpeg","data":"AQ\/="},"thoughtSignature":"c2ln"}]},"finishReason":"STOP"}]`),
			head + choice("0", `"content":"see","refusal":null,"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="},"index":0},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,AQ\/="},"index":1}]`, "stop") + `]}`,
		},
		{
			"audio is counted", body(`"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":4,"promptTokensDetails":[{"modality":"TEXT","tokenCount":2},{"modality":"AUDIO","tokenCount":7}],"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":3}]}`),
			head + choice("0", `"content":"a","refusal":null`, "stop") + `],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":7},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":3}}}`,
		},
		{
			"sources, by code points of the text", body(`"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"\u00e9a "},{"text":"b\ud83d\ude00c"}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q"],` +
				`"groundingChunks":[{"web":{"uri":"https://a.test","title":"A"}},{"web":{"uri":"https://b.test"}},{"maps":{}}],"groundingSupports":[{"segment":{"endIndex":3,"partIndex":1},"groundingChunkIndices":[0]},` +
				`{"segment":{"startIndex":1,"endIndex":6,"partIndex":2},"groundingChunkIndices":[1,2,9]},{"segment":{"endIndex":99},"groundingChunkIndices":[0]}]}}],"usageMetadata":{"promptTokenCount":1}`),
			head + choice("0", `"content":"\u00e9a b\ud83d\ude00c","reasoning_content":"hm","refusal":null,"annotations":[{"type":"url_citation","url_citation":{"url":"https://a.test","title":"A","start_index":0,"end_index":2}},`+
				`{"type":"url_citation","url_citation":{"url":"https://b.test","title":"","start_index":4,"end_index":6}},{"type":"url_citation","url_citation":{"url":"https://a.test","title":"A","start_index":0,"end_index":0}}]`, "stop") +
				`],"usage":{"prompt_tokens":1,"completion_tokens":0,"total_tokens":1,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0},"server_tool_calls":1}}`,
		},
		{
			"a prompt that was blocked", body(`"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}`),
			head + choice("0", `"content":null,"refusal":null`, "content_filter") + `],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}`,
		},
		{
			"calls beside text", body(`"candidates":[{"content":{"parts":[{"text":"a"},{"functionCall":{"name":"f","args":{"x":"\""},"id":"g1"},"thoughtSignature":"c2ln"},{"functionCall":{"name":"g","id":"g2"}}]},"finishReason":"STOP","finishMessage":"Model generated function call(s).","index":0}]`),
			head + choice("0", `"content":"a","refusal":null,"tool_calls":[{"id":"g1","type":"function","function":{"name":"f","arguments":"{\"x\":\"\\\"\"}"},"extra_content":{"google":{"thought_signature":"c2ln"}}},{"id":"g2","type":"function","function":{"name":"g","arguments":"{}"}}]`, "tool_calls") + `]}`,
		},
		{
			"a call that the length cut", body(`"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","id":"g1"}}]},"finishReason":"MAX_TOKENS"}]`),
			head + choice("0", `"content":null,"refusal":null,"tool_calls":[{"id":"g1","type":"function","function":{"name":"f","arguments":"{}"}}]`, "length") + `]}`,
		},
		{
			"two candidates", body(`"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP","index":1},{"content":{"parts":[{"text":"b"}]},"finishReason":"MAX_TOKENS","index":0}]`),
			head + choice("1", `"content":"a","refusal":null`, "stop") + "," + choice("0", `"content":"b","refusal":null`, "length") + `]}`,
		},
		{
			"candidates without an index", body(`"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]`),
			head + choice("0", `"content":"a","refusal":null`, "stop") + "," + choice("1", `"content":"b","refusal":null`, "stop") + `]}`,
		},
		{
			"a finish reason to come, with text", body(`"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"SATISFIED"}]`),
			head + choice("0", `"content":"a","refusal":null`, "stop") + `]}`,
		},
		{
			"usage that counts no prompt", body(`"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"trafficType":"ON_DEMAND"}`),
			head + choice("0", `"content":"a","refusal":null`, "stop") + `]}`,
		},
		{
			"more cached than prompted", body(`"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"cachedContentTokenCount":9}`),
			head + choice("0", `"content":"a","refusal":null`, "stop") + `],"usage":{"prompt_tokens":5,"completion_tokens":0,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":0}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{}, tt.body)
			if got.Failed || got.Output != tt.want {
				t.Errorf("Response(%s)\n got %s %s\nwant %s", tt.body, got.Output, got.Message, tt.want)
			}
		})
	}
}

// The probabilities of a whole answer and of a stream's event become OpenAI's.
func TestLogprobs(t *testing.T) {
	body := `{"responseId":"r1","modelVersion":"gemini-x","candidates":[{"content":{"parts":[{"text":"a\""}]},"finishReason":"STOP","avgLogprobs":-0.2,"logprobsResult":{"logProbabilitySum":-0.5,` +
		`"topCandidates":[{"candidates":[{"token":"a","tokenId":1,"logProbability":-0.5},{"token":"b","logProbability":-1.25e-1}]},{"candidates":[]}],"chosenCandidates":[{"token":"a","tokenId":1,"logProbability":-0.5},{"token":"\""}]}}]}`
	const want = `"logprobs":{"content":[{"token":"a","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"a","logprob":-0.5,"bytes":null},{"token":"b","logprob":-1.25e-1,"bytes":null}]},` +
		`{"token":"\"","logprob":0,"bytes":null,"top_logprobs":[]}],"refusal":null}`
	if got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{}, body); !strings.Contains(got.Output, want+`,"finish_reason":"stop"`) {
		t.Errorf("Response(%s) = %s, want it to hold %s", body, got.Output, want)
	}
	got := adaptertest.Stream(t, google.Adapter{}, []adaptertest.Event{{Data: body}})
	if !slices.ContainsFunc(got.Chunks, func(c string) bool {
		return strings.Contains(c, `{"index":0,"delta":{},`+want+`,"finish_reason":null}`)
	}) {
		t.Errorf("stream of %s = %q, want a chunk that holds %s", body, got.Chunks, want)
	}
}

// Probabilities that would cost more than a call has are left out, and that is said.
func TestLogprobsKeepWithinLimits(t *testing.T) {
	token := `{"token":"a","logProbability":-0.5}`
	alternatives := `{"candidates":[` + strings.Repeat(token+",", 19) + token + `]}`
	for _, tt := range []struct {
		tokens int
		want   []string
	}{{300, nil}, {3000, []string{"top_logprobs"}}, {7000, []string{"logprobs"}}} {
		if tt.tokens == 7000 {
			alternatives = `{}`
		}
		body := `{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP","logprobsResult":{"topCandidates":[` + strings.Repeat(alternatives+",", tt.tokens-1) + alternatives +
			`],"chosenCandidates":[` + strings.Repeat(token+",", tt.tokens-1) + token + `]}}]}`
		got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{}, body)
		streamed := adaptertest.Stream(t, google.Adapter{}, []adaptertest.Event{{Data: body}})
		if got.Failed || streamed.Failed || !slices.Equal(got.Lossy, tt.want) || !slices.Equal(streamed.Lossy, tt.want) {
			t.Errorf("answer with %d tokens loses %q, streamed %q, want %q", tt.tokens, got.Lossy, streamed.Lossy, tt.want)
		}
	}
}

// Every finish reason of the API has a meaning; "" is an answer that failed.
func TestFinishReasons(t *testing.T) {
	tests := map[string]string{
		"STOP": "stop", "MAX_TOKENS": "length", "CONTINUATION": "length",
		"SAFETY": "content_filter", "PROHIBITED_CONTENT": "content_filter", "BLOCKLIST": "content_filter", "SPII": "content_filter",
		"RECITATION": "content_filter", "LANGUAGE": "content_filter", "IMAGE_SAFETY": "content_filter",
		"IMAGE_PROHIBITED_CONTENT": "content_filter", "IMAGE_RECITATION": "content_filter", "IMAGE_OTHER": "content_filter",
		"MALFORMED_FUNCTION_CALL": "", "UNEXPECTED_TOOL_CALL": "", "MISSING_THOUGHT_SIGNATURE": "", "TOO_MANY_TOOL_CALLS": "",
		"OTHER": "", "NO_IMAGE": "", "FINISH_REASON_UNSPECIFIED": "", "SATISFIED": "",
	}
	for reason, want := range tests {
		body := `{"candidates":[{"content":{},"finishReason":"` + reason + `"}]}`
		got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{}, body)
		streamed := adaptertest.Stream(t, google.Adapter{}, []adaptertest.Event{{Data: body}})
		if want == "" {
			if !got.Failed || got.Class != abi.ClassServer || !strings.Contains(got.Message, reason) || !streamed.Failed || streamed.Class != abi.ClassServer {
				t.Errorf("finish reason %s without content = %s %q, streamed %q, want failures of the server that name it", reason, got.Output, got.Message, streamed.Chunks)
			}
			continue
		}
		finish := `"finish_reason":"` + want + `"`
		if !strings.Contains(got.Output, finish) || !slices.ContainsFunc(streamed.Chunks, func(c string) bool { return strings.Contains(c, finish) }) {
			t.Errorf("finish reason %s = %s, streamed %q, want %s", reason, got.Output, streamed.Chunks, finish)
		}
	}
}

func TestResponseLosesParts(t *testing.T) {
	body := `{"candidates":[{"content":{"parts":[{"executableCode":{}},{"shape":1},{"inlineData":{"mimeType":"audio/wav","data":"AA=="}},{"inlineData":{"mimeType":"image/a\"b","data":"AA=="}},{"thought":true,"inlineData":{"mimeType":"image/png","data":"AA=="}},{"text":"a"}]},"finishReason":"STOP"}]}`
	got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{}, body)
	if want := []string{"parts[].executableCode", "parts[]", "parts[].inlineData"}; !slices.Equal(got.Lossy, want) {
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
		{"no candidates and no reason", `{}`, abi.ClassServer},
		{"no finish reason", `{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}`, abi.ClassServer},
		{"an index out of range", `{"candidates":[{"finishReason":"STOP","index":64}]}`, abi.ClassServer},
		{"an index twice", `{"candidates":[{"finishReason":"STOP","index":0},{"finishReason":"STOP","index":0}]}`, abi.ClassServer},
		{"more candidates than can be", `{"candidates":[` + strings.Repeat(`{"finishReason":"STOP"},`, 64) + `{"finishReason":"STOP"}]}`, abi.ClassServer},
		{"more parts than can be", `{"candidates":[{"content":{"parts":[` + strings.Repeat(`{"text":"a"},`, 3300) + `{"text":"a"}]},"finishReason":"STOP"}]}`, abi.ClassServer},
		{"a call in pieces", `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true}}]},"finishReason":"STOP"}]}`, abi.ClassServer},
		{"a piece of a call", `{"candidates":[{"content":{"parts":[{"functionCall":{"partialArgs":[{"jsonPath":"$.a"}]}}]},"finishReason":"STOP"}]}`, abi.ClassServer},
		{"an error under 200", `{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}`, abi.ClassOverloaded},
		{"an error in an array", `[{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}]`, abi.ClassRateLimited},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{}, tt.body)
			if !got.Failed || got.Class != tt.want {
				t.Errorf("Response(%.200q) = %s, class %d, failed %v, want a failure of class %d", tt.body, got.Output, got.Class, got.Failed, tt.want)
			}
		})
	}
}

func TestError(t *testing.T) {
	body := func(status, message, details string) string {
		return `{"error":{"code":0,"message":"` + message + `","status":"` + status + `","details":[` + details + `]}}`
	}
	const (
		inSeconds = `{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}`
		perMinute = `{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}`
		perDay    = `{"violations":[{"quotaId":"GenerateRequestsPerMinute"},{"quotaId":"GenerateRequestsPerDayPerProject"}]}`
	)
	tests := []struct {
		name   string
		status int
		fields map[string]string
		body   string
		want   abi.Class
		wantMS int64
		holds  string
	}{
		{"bad request", 400, nil, body("INVALID_ARGUMENT", "Unknown name", ""), abi.ClassInvalid, 0, `"message":"Unknown name"`},
		{"bad key", 400, nil, body("INVALID_ARGUMENT", "x", `{"reason":"API_KEY_INVALID"}`), abi.ClassAuth, 0, ""},
		{"too long", 400, nil, body("INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8).", ""), abi.ClassContextLength, 0, "context_length_exceeded"},
		{"too large", 400, nil, body("INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes.", ""), abi.ClassContextLength, 0, "context_length_exceeded"},
		{"no billing", 403, nil, body("PERMISSION_DENIED", "x", `{"reason":"BILLING_DISABLED"}`), abi.ClassQuota, 0, "insufficient_quota"},
		{"a quota of nothing", 429, nil, body("RESOURCE_EXHAUSTED", "x", `{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaValue":"0"}]},`+inSeconds), abi.ClassQuota, 0, "insufficient_quota"},
		{"not from here", 400, nil, body("FAILED_PRECONDITION", "x", ""), abi.ClassAuth, 0, ""},
		{"no key", 401, nil, body("UNAUTHENTICATED", "x", ""), abi.ClassAuth, 0, ""},
		{"blocked key", 403, nil, body("PERMISSION_DENIED", "x", ""), abi.ClassAuth, 0, ""},
		{"no such model", 404, nil, body("NOT_FOUND", "x", ""), abi.ClassNotFound, 0, "model_not_found"},
		{"rate limit", 429, nil, body("RESOURCE_EXHAUSTED", "x", perMinute+","+inSeconds), abi.ClassRateLimited, 34_400, ""},
		{"rate limit without details", 429, map[string]string{"retry-after": "3"}, body("RESOURCE_EXHAUSTED", "x", ""), abi.ClassRateLimited, 3000, ""},
		{"the quota of the day", 429, nil, body("RESOURCE_EXHAUSTED", "x", perDay+","+inSeconds), abi.ClassQuota, 0, "insufficient_quota"},
		{"cancelled", 499, nil, body("CANCELLED", "x", ""), abi.ClassServer, 0, ""},
		{"internal", 500, nil, body("INTERNAL", "x", ""), abi.ClassServer, 0, ""},
		{"overloaded", 503, nil, body("UNAVAILABLE", "x", inSeconds), abi.ClassOverloaded, 34_400, ""},
		{"late", 504, nil, body("DEADLINE_EXCEEDED", "x", ""), abi.ClassServer, 0, ""},
		{"bad key without details", 400, nil, body("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", ""), abi.ClassAuth, 0, "invalid_api_key"},
		{"no billing here", 400, nil, body("FAILED_PRECONDITION", "Please enable billing on your project.", ""), abi.ClassQuota, 0, ""},
		{"a file of another", 403, nil, body("PERMISSION_DENIED", "You do not have permission to access the File x or it may not exist.", ""), abi.ClassInvalid, 0, ""},
		{"a file that is not ready", 400, nil, body("FAILED_PRECONDITION", "The File x is not in an ACTIVE state.", ""), abi.ClassInvalid, 0, ""},
		{"a cache that is gone", 403, nil, body("PERMISSION_DENIED", "CachedContent not found (or permission denied)", ""), abi.ClassInvalid, 0, ""},
		{"a leaked key", 403, nil, body("PERMISSION_DENIED", "Your API key was reported as leaked.", ""), abi.ClassAuth, 0, ""},
		{"a status to come goes by the code", 400, nil, `{"error":{"code":429,"message":"x","status":"NEW"}}`, abi.ClassRateLimited, 0, ""},
		{"in an array", 503, nil, "[" + body("UNAVAILABLE", "x", "") + "]", abi.ClassOverloaded, 0, ""},
		{"a page", 502, nil, "<html>", abi.ClassServer, 0, "the provider failed"},
		{"a page that limits", 429, map[string]string{"retry-after": "2"}, "slow down", abi.ClassRateLimited, 2000, ""},
		{"an empty array", 500, nil, "[]", abi.ClassServer, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Error(t, google.Adapter{}, adaptertest.Provider{Status: tt.status, Fields: tt.fields}, tt.body)
			if got.Failed || got.Class != tt.want || got.RetryAfterMS != tt.wantMS || !strings.Contains(got.Output, tt.holds) {
				t.Errorf("Error(%d, %s) = %s, class %d, after %d ms; want class %d, after %d ms, holding %q",
					tt.status, tt.body, got.Output, got.Class, got.RetryAfterMS, tt.want, tt.wantMS, tt.holds)
			}
		})
	}
}

// Whoever names a file, a video or a cache that the key may not read has made a
// mistake; the key stays in use. A refused key is one whatever the request holds.
func TestErrorOfStored(t *testing.T) {
	const denied = `{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}`
	message := func(content string) string {
		return `{"messages":[{"role":"user","content":"x"},{"role":"user","content":[{"type":"text","text":"x"},` + content + `]}]}`
	}
	tests := []struct {
		name, request, body string
		want                abi.Class
	}{
		{"no request", "", denied, abi.ClassAuth},
		{"texts", message(`{"type":"text","text":"y"}`), denied, abi.ClassAuth},
		{"inline", message(`{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"file","file":{"file_data":"data:application/pdf;base64,AA=="}}`), denied, abi.ClassAuth},
		{"a video", message(`{"type":"file","file":{"file_url":"https://youtu.be/x"}}`), denied, abi.ClassInvalid},
		{"a file", message(`{"type":"file","file":{"file_id":"files/x"}}`), denied, abi.ClassInvalid},
		{"an image", message(`{"type":"image_url","image_url":{"url":"https://generativelanguage.googleapis.com/v1beta/files/x"}}`), denied, abi.ClassInvalid},
		{"a cache", `{"extra_body":{"google":{"cached_content":"cachedContents/x"}},"messages":[]}`, denied, abi.ClassInvalid},
		{"a file, with a refused key", message(`{"type":"file","file":{"file_id":"files/x"}}`), `{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`, abi.ClassAuth},
		{"a file, with a leaked key", message(`{"type":"file","file":{"file_id":"files/x"}}`), `{"error":{"code":403,"message":"Your API key was reported as leaked.","status":"PERMISSION_DENIED"}}`, abi.ClassAuth},
		{"more parts than are looked at", `{"messages":[{"role":"user","content":[` + strings.Repeat(`{"type":"text","text":"x"},`, 40_000) + `{}]}]}`, denied, abi.ClassAuth},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := adaptertest.Error(t, google.Adapter{}, adaptertest.Provider{Status: 403, Request: tt.request}, tt.body)
			if got.Failed || got.Class != tt.want {
				t.Errorf("Error(%s) for %.200s = class %d, want %d", tt.body, tt.request, got.Class, tt.want)
			}
		})
	}
}

// The largest answer that is taken keeps within the limits of a call, which
// adaptertest fails the test for, whole and as an event.
func TestAnswerKeepsWithinLimits(t *testing.T) {
	for _, part := range []string{`{"text":"a"}`, `{"text":"a","thought":true}`, `{"shape":1}`,
		`{"functionCall":{"name":"f","id":"i","args":{"a":1}},"thoughtSignature":"c2ln"}`, `{"functionCall":{"name":"f","args":{}}}`,
		`{"text":"a","thoughtSignature":"c2ln"}`, `{"inlineData":{"mimeType":"image/png","data":"AA=="}}`} {
		candidate := `{"content":{"parts":[` + strings.Repeat(part+",", 47) + part + `]},"finishReason":"STOP"}`
		body := `{"candidates":[` + strings.Repeat(candidate+",", 63) + candidate + `]}`
		if got := adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{}, body); got.Failed {
			t.Fatalf("Response of 64 times 48 parts %s = failure %q", part, got.Message)
		}
		if got := adaptertest.Stream(t, google.Adapter{}, []adaptertest.Event{{Data: body}}); got.Failed && !strings.Contains(part, "functionCall") {
			t.Errorf("event of 64 times 48 parts %s = failure %q", part, got.Message)
		}
	}
}
