package google_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/adaptertest"
	"github.com/pointsman/pointsman/plugins/google"
	"github.com/pointsman/pointsman/sdk/abi"
)

const chunkHead = `{"id":"r1","object":"chat.completion.chunk","created":1795348800,"model":"gemini-x","choices":[`

func chunk(index, delta, finish string) string {
	if finish != "null" {
		finish = `"` + finish + `"`
	}
	return chunkHead + `{"index":` + index + `,"delta":{` + delta + `},"finish_reason":` + finish + `}]}`
}

func role(index string) string { return chunk(index, `"role":"assistant","content":""`, "null") }

func usage(prompt, completion, total string) string {
	return chunkHead + `],"usage":{"prompt_tokens":` + prompt + `,"completion_tokens":` + completion + `,"total_tokens":` + total +
		`,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}`
}

const promptChunk = chunkHead + `],"usage":{"prompt_tokens":8,"prompt_tokens_details":{"cached_tokens":0}}}`

// data is a body with the answer's names and these members.
func data(members string) string {
	return `{"responseId":"r1","modelVersion":"gemini-x",` + members + `}`
}

func TestEvent(t *testing.T) {
	const (
		a        = `"candidates":[{"content":{"parts":[{"text":"a\""}],"role":"model"},"index":0}]`
		b        = `"candidates":[{"content":{"parts":[{"text":"b"}],"role":"model"},"finishReason":"STOP","index":0}]`
		counted1 = `,"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":1}`
		counted2 = `,"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":2}`
	)
	tests := []struct {
		name   string
		events []string
		want   []string
	}{
		{"text; the last usage counts", []string{data(a + counted1), data(b + counted2)}, []string{role("0"), chunk("0", `"content":"a\""`, "null"), promptChunk, chunk("0", `"content":"b"`, "null"), chunk("0", "", "stop"), usage("8", "2", "10")}},
		{"usage before the finish only", []string{data(a + counted1), data(b)}, []string{role("0"), chunk("0", `"content":"a\""`, "null"), promptChunk, chunk("0", `"content":"b"`, "null"), chunk("0", "", "stop"), usage("8", "1", "9")}},
		{"usage after the finish", []string{data(b), data(counted2[1:])}, []string{role("0"), chunk("0", `"content":"b"`, "null"), chunk("0", "", "stop"), usage("8", "2", "10")}},
		{"no usage", []string{data(b)}, []string{role("0"), chunk("0", `"content":"b"`, "null"), chunk("0", "", "stop")}},
		{"cut: no finish, but what was counted", []string{data(a + counted1)}, []string{role("0"), chunk("0", `"content":"a\""`, "null"), promptChunk, usage("8", "1", "9")}},
		{"cut: only the prompt was counted", []string{data(a + `,"usageMetadata":{"promptTokenCount":8}`), data(a)}, []string{role("0"), chunk("0", `"content":"a\""`, "null"), promptChunk, chunk("0", `"content":"a\""`, "null")}},
		{"thoughts, and a signature on an empty text", []string{data(`"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"","thoughtSignature":"c2ln"}]}}]`), data(b)}, []string{role("0"), chunk("0", `"reasoning_content":"hm"`, "null"), chunk("0", `"thinking_blocks":[{"type":"thinking","thinking":"","signature":"c2ln","provider":"google"}]`, "null"), chunk("0", `"content":"b"`, "null"), chunk("0", "", "stop")}},
		{
			"calls in several events, the finish after them",
			[]string{
				data(`"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"x":1},"id":"g1"},"thoughtSignature":"c2ln"}]}}]`),
				data(`"candidates":[{"content":{"parts":[{"functionCall":{"name":"g","args":{},"id":"g2"}}]}},{"content":{"parts":[{"functionCall":{"name":"h","id":"g3"}}]},"index":1}]`),
				data(`"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]`),
			},
			[]string{
				role("0"),
				chunk("0", `"tool_calls":[{"index":0,"id":"g1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]`, "null"),
				chunk("0", `"tool_calls":[{"index":1,"id":"g2","type":"function","function":{"name":"g","arguments":"{}"}}]`, "null"),
				role("1"),
				chunk("1", `"tool_calls":[{"index":0,"id":"g3","type":"function","function":{"name":"h","arguments":"{}"}}]`, "null"),
				chunk("0", "", "tool_calls"),
			},
		},
		{"a candidate without content", []string{data(`"candidates":[{"content":{},"finishReason":"SAFETY","finishMessage":"no"}]`)}, []string{role("0"), chunk("0", `"refusal":"no"`, "null"), chunk("0", "", "content_filter")}},
		{"a prompt that was blocked", []string{data(`"promptFeedback":{"blockReason":"SAFETY"}` + counted1)}, []string{role("0"), chunk("0", "", "content_filter"), usage("8", "1", "9")}},
		{"a finish reason to come, after text", []string{data(a), data(`"candidates":[{"finishReason":"SATISFIED"}]`)}, []string{role("0"), chunk("0", `"content":"a\""`, "null"), chunk("0", "", "stop")}},
		{
			"two candidates in one event and apart",
			[]string{data(`"candidates":[{"content":{"parts":[{"text":"a"}]},"index":0},{"content":{"parts":[{"text":"b"}]},"index":1}]`), data(`"candidates":[{"finishReason":"STOP","index":1}]`), data(`"candidates":[{"content":{"parts":[{"text":"c"}]},"finishReason":"STOP","index":0}]` + counted2)},
			[]string{role("0"), chunk("0", `"content":"a"`, "null"), role("1"), chunk("1", `"content":"b"`, "null"), chunk("1", "", "stop"), chunk("0", `"content":"c"`, "null"), chunk("0", "", "stop"), usage("8", "2", "10")},
		},
		{
			"a picture, and a finish reason to come",
			[]string{data(`"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}]`), data(`"candidates":[{"finishReason":"SATISFIED"}]`)},
			[]string{role("0"), chunk("0", `"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="},"index":0}]`, "null"), chunk("0", "", "stop")},
		},
		{
			"sources without their places",
			[]string{data(a), data(`"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q","r"],"groundingChunks":[{"web":{"uri":"https://a.test","title":"A"}}]}}]` + counted1)},
			[]string{role("0"), chunk("0", `"content":"a\""`, "null"), chunk("0", `"annotations":[{"type":"url_citation","url_citation":{"url":"https://a.test","title":"A","start_index":0,"end_index":0}}]`, "null"), chunk("0", "", "stop"),
				strings.TrimSuffix(usage("8", "1", "9"), "}}") + `,"server_tool_calls":2}}`},
		},
		{"nothing", nil, nil},
		{"nothing follows the finish", []string{data(b), data(a)}, []string{role("0"), chunk("0", `"content":"b"`, "null"), chunk("0", "", "stop")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var events []adaptertest.Event
			for _, e := range tt.events {
				events = append(events, adaptertest.Event{Data: e})
			}
			got := adaptertest.Stream(t, google.Adapter{}, events)
			if got.Failed || !slices.Equal(got.Chunks, tt.want) {
				t.Errorf("stream %q\n got %s\n     %s\nwant %s", tt.events, strings.Join(got.Chunks, "\n     "), got.Message, strings.Join(tt.want, "\n     "))
			}
		})
	}
}

// The names of the first event stay, and are made where there are none.
func TestEventNames(t *testing.T) {
	second := `{"responseId":"r2","modelVersion":"other","candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}`
	for _, first := range []string{data(`"candidates":[{"content":{"parts":[{"text":"a"}]}}]`), `{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}`} {
		got := adaptertest.Stream(t, google.Adapter{}, []adaptertest.Event{{Data: first}, {Data: second}})
		if len(got.Chunks) != 4 {
			t.Fatalf("chunks = %q, want role, two texts and finish", got.Chunks)
		}
		id, _, _ := strings.Cut(got.Chunks[0], ",")
		for _, c := range got.Chunks {
			if !strings.HasPrefix(c, id+",") || id == `{"id":""` {
				t.Errorf("chunk %s, want the id of the first, %s", c, id)
			}
		}
	}
}

func TestEventFails(t *testing.T) {
	tests := []struct {
		name, data string
		want       abi.Class
	}{
		{"an error", `{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}`, abi.ClassOverloaded},
		{"not JSON", `<html>`, abi.ClassServer},
		{"an empty event", ``, abi.ClassServer},
		{"a broken call", `{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}`, abi.ClassServer},
		{"an index out of range", `{"candidates":[{"index":-1}]}`, abi.ClassServer},
		{"a call in pieces", `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true}}]}}]}`, abi.ClassServer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := data(`"candidates":[{"content":{"parts":[{"text":"a"}]},"index":0}]`)
			got := adaptertest.Stream(t, google.Adapter{}, []adaptertest.Event{{Data: first}, {Data: tt.data}, {Data: first}})
			if !got.Failed || got.Class != tt.want || len(got.Chunks) != 2 {
				t.Errorf("stream with %q = %q, class %d, failed %v, want two chunks and a failure of class %d", tt.data, got.Chunks, got.Class, got.Failed, tt.want)
			}
		})
	}
}

// A stream cut at any byte yields the chunks of its beginning, then at most the
// usage so far, and finishes only if the provider's finish was in it.
func TestEventCutAtEveryByte(t *testing.T) {
	raw, err := os.ReadFile("testdata/stream/stream.sse")
	if err != nil {
		t.Fatal(err)
	}
	whole := adaptertest.Stream(t, google.Adapter{}, adaptertest.Events(string(raw)))
	if len(whole.Chunks) != 7 || whole.Failed {
		t.Fatalf("the whole stream gives %d chunks, failed %v, want 7", len(whole.Chunks), whole.Failed)
	}
	for cut := range len(raw) {
		got := adaptertest.Stream(t, google.Adapter{}, adaptertest.Events(string(raw[:cut])))
		said := got.Chunks
		if n := len(said); n > 0 && strings.Contains(said[n-1], `"choices":[],"usage"`) {
			said = said[:n-1]
		}
		if got.Failed || len(said) >= len(whole.Chunks) || !slices.Equal(said, whole.Chunks[:len(said)]) {
			t.Fatalf("cut at byte %d: chunks %q, want the beginning of %q", cut, got.Chunks, whole.Chunks)
		}
		done := slices.ContainsFunc(said, func(c string) bool { return strings.Contains(c, `"finish_reason":"`) })
		if want := len(adaptertest.Events(string(raw[:cut]))) == 3; done != want {
			t.Fatalf("cut at byte %d: finished %v, want %v", cut, done, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	raw, err := os.ReadFile("testdata/stream/stream.sse")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw), 200)
	f.Add(`{"candidates":[{"content":{"parts":[{"text":1},{"text":"x","thought":"y"},[]]},"finishReason":"STOP","index":"0"}],"usageMetadata":{"promptTokenCount":1e99}}`, 200)
	f.Add(`{"promptFeedback":{"blockReason":"OTHER","blockReasonMessage":{}}}`, 200)
	f.Add(`[{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"1.5s"},{"violations":[{"quotaId":7}]}]}}]`, 429)
	f.Add(`{"candidates":[{"content":{"parts":[{"functionCall":{"name":7,"args":[1],"id":""},"thoughtSignature":1},{"functionCall":{"args":"x"}},{"functionCall":1}]},"finishReason":"STOP"}]}`, 200)
	f.Add("<html>", 503)
	f.Fuzz(func(t *testing.T, body string, status int) {
		// adaptertest fails the test for output that is not JSON.
		adaptertest.Response(t, google.Adapter{}, adaptertest.Provider{Status: status}, body)
		adaptertest.Error(t, google.Adapter{}, adaptertest.Provider{Status: status, Fields: map[string]string{"retry-after": body}}, body)
		adaptertest.Stream(t, google.Adapter{}, adaptertest.Events(body))
		adaptertest.Stream(t, google.Adapter{}, []adaptertest.Event{{Data: body}, {Data: body}})
	})
}
