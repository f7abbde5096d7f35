package plugins_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// BenchmarkAdapterRequest turns a chat body into the request of each provider: as the
// server does it, parsing the body, calling the guest and validating what it emitted;
// and, for comparison, decoding and encoding the same body with encoding/json, which
// translates nothing. The guest without a name is Anthropic's.
func BenchmarkAdapterRequest(b *testing.B) {
	adapters := []struct{ name, plugin, call string }{
		{"guest", "anthropic", benchCall},
		{"google", "google", benchCall},
		{"openai", "openai", benchCall},
		{"openai-responses", "openai", strings.Replace(benchCall, `"api":"chat"`, `"api":"responses"`, 1)},
	}
	for _, size := range []struct {
		name string
		body []byte
	}{{"300B", chatBody(300)}, {"10KB", chatBody(10 << 10)}, {"10KB-tools", toolBody(10 << 10)}, {"100KB", chatBody(100 << 10)}} {
		body := size.body
		for _, bc := range adapters {
			b.Run(size.name+"/"+bc.name, func(b *testing.B) { benchRequest(b, bc.plugin, bc.call, body) })
		}
		b.Run(size.name+"/native-json", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				var v any
				if err := json.Unmarshal(body, &v); err != nil {
					b.Fatal(err)
				}
				if _, err := json.Marshal(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchRequest(b *testing.B, plugin, callDocument string, body []byte) {
	library, call := guest(b, plugin), sdktest.JSON(b, callDocument)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		doc, err := document.Parse(body, document.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		adapter, err := library.OpenAdapter("", plugin, engine.AdapterAttempt{
			RequestID: "bench", Attempt: 1, NowMS: nowMS, Request: doc.Root(), Call: call,
		})
		if err != nil {
			b.Fatal(err)
		}
		request, err := adapter.Request(b.Context())
		if err != nil || len(request.Body) < len(body)/2 {
			b.Fatalf("Request() = %d bytes, %v", len(request.Body), err)
		}
		adapter.Close()
		doc.Release()
	}
}

// BenchmarkStreamEvent translates one event of a stream, from its bytes to a
// validated chunk: Anthropic's, Google's and OpenAI's of Responses are built anew, OpenAI's
// chat passes through.
func BenchmarkStreamEvent(b *testing.B) {
	for _, bc := range []struct{ name, plugin, api, event, begin, data string }{
		{
			"anthropic", "anthropic", "chat", "content_block_delta",
			`{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","content":[],"model":"m","usage":{"input_tokens":9,"output_tokens":1}}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" and the next train"}}`,
		},
		{
			"openai", "openai", "chat", "", `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}`,
			`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000001,"model":"m","choices":[{"index":0,"delta":{"content":" and"},"finish_reason":null}],"obfuscation":"xx"}`,
		},
		{
			"openai-responses", "openai", "responses", "response.output_text.delta",
			`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1760000001,"status":"in_progress","model":"m","output":[]}}`,
			`{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":" and the next train","logprobs":[],"obfuscation":"xx"}`,
		},
		{
			"google", "google", "generate", "",
			`{"candidates":[{"content":{"parts":[{"text":"The"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9},"modelVersion":"m","responseId":"r"}`,
			`{"candidates": [{"content": {"parts": [{"text": " and the next train"}],"role": "model"},"index": 0}],"usageMetadata": {"promptTokenCount": 9,"candidatesTokenCount": 21,"totalTokenCount": 175,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 9}],"thoughtsTokenCount": 94},"modelVersion": "m","responseId": "r"}`,
		},
	} {
		b.Run(bc.name, func(b *testing.B) {
			adapter, err := guest(b, bc.plugin).OpenAdapter("", bc.plugin, engine.AdapterAttempt{
				RequestID: "bench", Attempt: 1, NowMS: nowMS, Call: sdktest.JSON(b, strings.Replace(benchCall, `"api":"chat"`, `"api":"`+bc.api+`"`, 1)),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer adapter.Close()
			answer := &engine.UpstreamResponse{Status: 200, Field: func(string) string { return "" }}
			if _, err := adapter.Event(b.Context(), answer, beginning(bc.plugin, bc.api), []byte(bc.begin)); err != nil {
				b.Fatal(err)
			}
			data := []byte(bc.data)
			b.ReportAllocs()
			for b.Loop() {
				reply, err := adapter.Event(b.Context(), answer, bc.event, data)
				if err != nil || len(reply.Chunks) == 0 {
					b.Fatalf("Event() = %d chunks, %v", len(reply.Chunks), err)
				}
				for _, c := range reply.Chunks {
					c.Release()
				}
			}
		})
	}
}

// beginning is the name of a stream's first event.
func beginning(plugin, api string) string {
	switch {
	case plugin == "anthropic":
		return "message_start"
	case api == "responses":
		return "response.created"
	}
	return ""
}

const benchCall = `{"operation":"chat","target":{"id":"m","upstream_id":"test-model","api":"chat","max_output":8192,` +
	`"capabilities":["vision","tools"],"unsupported":[],"rename":{}},"headers":{},"attempt":1}`

// toolBody is an agent's conversation of about that many bytes: ten tools, and turns
// of two calls with their results.
func toolBody(bytes int) []byte {
	var s strings.Builder
	s.WriteString(`{"model":"auto","tool_choice":"auto","tools":[`)
	for i := range 10 {
		if i > 0 {
			s.WriteString(`,`)
		}
		s.WriteString(`{"type":"function","function":{"name":"tool_` + strconv.Itoa(i) + `","description":"Looks into the timetable.","parameters":{"type":"object","properties":{"from":{"type":"string"},"to":{"type":"string"}},"required":["from"]}}}`)
	}
	s.WriteString(`],"messages":[{"role":"user","content":"When does it leave?"}`)
	for i := 0; s.Len() < bytes; i++ {
		a, b := "call_a"+strconv.Itoa(i), "call_b"+strconv.Itoa(i)
		const call = `","type":"function","function":{"name":"tool_1","arguments":"{\"from\": \"Lyon\", \"to\": \"Paris\"}"}}`
		s.WriteString(`,{"role":"assistant","content":null,"tool_calls":[{"id":"` + a + call + `,{"id":"` + b + call + `]}` +
			`,{"role":"tool","tool_call_id":"` + a + `","content":"08:04, 09:04 and 10:04, not on Sundays"},{"role":"tool","tool_call_id":"` + b + `","content":"none"}`)
	}
	s.WriteString(`]}`)
	return []byte(s.String())
}

// chatBody is a conversation of about that many bytes: a system message, turns of
// some four hundred bytes, and the usual parameters.
func chatBody(bytes int) []byte {
	var s strings.Builder
	s.WriteString(`{"model":"auto","temperature":0.7,"max_tokens":1000,"messages":[{"role":"system","content":"You answer questions about trains."}`)
	const line = "The slow train stops everywhere, says \\\"Zug\\\" on its side, and is never late.\\n"
	for i := 0; s.Len() < bytes-120; i++ {
		role := "user"
		if i%2 == 1 {
			role = "assistant"
		}
		s.WriteString(`,{"role":"` + role + `","content":"` + strconv.Itoa(i) + " ")
		for n := s.Len() + 400; s.Len() < n && s.Len() < bytes-120; {
			s.WriteString(line)
		}
		s.WriteString(`"}`)
	}
	s.WriteString(`,{"role":"user","content":"When does it leave?"}]}`)
	return []byte(s.String())
}
