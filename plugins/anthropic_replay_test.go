package plugins_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/plugins/anthropic"
	"github.com/pointsman/pointsman/sdk/abi"
)

var _ = register(suite{
	plugin:  "anthropic",
	adapter: anthropic.Adapter{},
	api:     "messages",
	facts:   anthropicFacts,
	ended:   anthropicEnded,
	exchanges: []exchange{
		{folder: "anthropic/01-text", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/02-stream-text", canonical: fromMessages, expect: asBlocks},
		// Thinking is asked for by members that a chat body has not: the answers only.
		{folder: "anthropic/10-thinking"},
		{folder: "anthropic/11-thinking-turn-2-signature-replayed"},
		{folder: "anthropic/12-thinking-adaptive-opus-4.6"},
		{folder: "anthropic/13-thinking-opus-5-effort"},
		{folder: "anthropic/14-stream-thinking"},
		{folder: "anthropic/15-stream-thinking-adaptive"},
		{folder: "anthropic/17-redacted-thinking"},
		{folder: "anthropic/18-redacted-thinking-stream"},
		{folder: "anthropic/19-image-url", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/20-image-base64", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/21-json-schema-output_config"},
		{folder: "anthropic/22-stop-sequence", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/23-stream-prefill-stop-sequence", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/24-max-tokens", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/25-cache-write", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/26-cache-read"},
		{folder: "anthropic/27-mid-conversation-system-role", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/29-refusal"},
		{folder: "anthropic/30-stream-refusal"},
		{folder: "anthropic/31-stream-usage-in-message_delta"},
		{folder: "anthropic/32-stream-duplicate-message_start"},
		{folder: "anthropic/33-error-401-bad-key", canonical: fromMessages, expect: asBlocks, class: abi.ClassAuth},
		{folder: "anthropic/34-error-400-prompt-too-long", canonical: fromMessages, expect: asBlocks, class: abi.ClassContextLength},
		{folder: "anthropic/35-error-400-shape", class: abi.ClassInvalid},
		{folder: "anthropic/36-error-400-effort-unsupported", class: abi.ClassInvalid},
		{folder: "anthropic/37-error-404-unknown-model", canonical: fromMessages, expect: asBlocks, class: abi.ClassNotFound},
		{folder: "anthropic/38-error-429-rate-limit", class: abi.ClassRateLimited},
		{folder: "anthropic/39-error-529-overloaded", class: abi.ClassOverloaded},
		{folder: "anthropic/40-error-529-midstream", class: abi.ClassOverloaded},
		{folder: "anthropic/41-error-500-api-error", class: abi.ClassServer},

		// Our own.
		{folder: "testdata/text", target: `"max_output":64000,"unsupported":["temperature+top_p"]`},
		{folder: "testdata/stream", target: `"max_output":64000`},
		{folder: "testdata/stream-error", class: abi.ClassServer},
		{folder: "testdata/rate-limit", class: abi.ClassRateLimited, afterMS: 7000},
		{folder: "testdata/page", class: abi.ClassContextLength},
	},
})

// fromMessages writes a recorded Messages request as a chat body.
func fromMessages(t testing.TB, recorded map[string]any) map[string]any {
	t.Helper()
	var messages []any
	if system, ok := recorded["system"]; ok {
		messages = append(messages, map[string]any{"role": "system", "content": system})
	}
	for _, m := range recorded["messages"].([]any) {
		m := m.(map[string]any)
		content := m["content"]
		if blocks, ok := content.([]any); ok {
			var parts []any
			for _, b := range blocks {
				parts = append(parts, fromBlock(t, b.(map[string]any)))
			}
			content = parts
		}
		messages = append(messages, map[string]any{"role": m["role"], "content": content})
	}
	chat := map[string]any{"model": recorded["model"], "messages": messages}
	for from, to := range map[string]string{"stream": "stream", "temperature": "temperature", "max_tokens": "max_completion_tokens", "stop_sequences": "stop"} {
		if v, ok := recorded[from]; ok {
			chat[to] = v
		}
	}
	return chat
}

func fromBlock(t testing.TB, block map[string]any) any {
	t.Helper()
	if block["type"] != "image" {
		return block
	}
	source := block["source"].(map[string]any)
	url, ok := source["url"].(string)
	if !ok {
		url = "data:" + source["media_type"].(string) + ";base64," + source["data"].(string)
	}
	return map[string]any{"type": "image_url", "image_url": map[string]any{"url": url}}
}

// asBlocks writes a recorded request the one way that the adapter does: every text
// as a block, all system messages ahead, no member that says the default.
func asBlocks(recorded map[string]any) {
	if recorded["stream"] == false {
		delete(recorded, "stream")
	}
	asList := func(content any) []any {
		if s, ok := content.(string); ok {
			return []any{map[string]any{"type": "text", "text": s}}
		}
		return content.([]any)
	}
	var system, turns []any
	if s, ok := recorded["system"]; ok {
		system = asList(s)
	}
	for _, m := range recorded["messages"].([]any) {
		m := m.(map[string]any)
		m["content"] = asList(m["content"])
		if m["role"] == "system" {
			system = append(system, m["content"].([]any)...)
			continue
		}
		turns = append(turns, m)
	}
	recorded["messages"] = turns
	if system != nil {
		recorded["system"] = system
	}
}

// message is an answer of the Messages API, or what a stream's event says of it.
type message struct {
	Content []struct {
		Type, Text, Thinking string
	}
	StopReason  *string `json:"stop_reason"`
	StopDetails struct {
		Explanation string
	} `json:"stop_details"`
	Usage map[string]any
}

// anthropicFacts reads an answer. Counters of later events stand for the earlier ones.
func anthropicFacts(t testing.TB, r *recording) facts {
	t.Helper()
	var f facts
	counters := map[string]any{}
	if !r.stream {
		var m message
		if err := json.Unmarshal(r.body, &m); err != nil {
			t.Fatalf("%s: %v", r.folder, err)
		}
		m.addTo(&f, counters)
		f.Usage = anthropicUsage(counters)
		return f
	}
	for _, e := range r.events(t, r.body) {
		var data struct {
			Message message
			Delta   struct {
				message
				Text, Thinking string
			}
			Usage map[string]any
		}
		if err := json.Unmarshal([]byte(e.data), &data); err != nil {
			t.Fatalf("%s: %v", r.folder, err)
		}
		data.Message.addTo(&f, counters)
		data.Delta.message.addTo(&f, counters)
		f.Text += data.Delta.Text
		f.Reasoning += data.Delta.Thinking
		for name, v := range data.Usage {
			counters[name] = v
		}
	}
	f.Usage = anthropicUsage(counters)
	return f
}

func (m *message) addTo(f *facts, counters map[string]any) {
	for _, block := range m.Content {
		f.Text += block.Text
		f.Reasoning += block.Thinking
	}
	if m.StopReason != nil {
		f.Finish = map[string]string{
			"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "refusal": "content_filter",
		}[*m.StopReason]
	}
	f.Refusal += m.StopDetails.Explanation
	for name, v := range m.Usage {
		counters[name] = v
	}
}

func anthropicUsage(counters map[string]any) usage {
	if len(counters) == 0 {
		return usage{}
	}
	count := func(path string) int64 {
		var v any = counters
		for name := range strings.SplitSeq(path, ".") {
			object, _ := v.(map[string]any)
			v = object[name]
		}
		n, _ := v.(float64)
		return int64(n)
	}
	read, write, hour := count("cache_read_input_tokens"), count("cache_creation_input_tokens"), count("cache_creation.ephemeral_1h_input_tokens")
	return usage{
		Known: true, Prompt: count("input_tokens") + read + write, Completion: count("output_tokens"),
		Cached: read, CacheWrite: write - hour, WriteHr: hour, Reasoning: count("output_tokens_details.thinking_tokens"),
	}
}

// anthropicEnded: the model has said why it stopped.
func anthropicEnded(t testing.TB, _ *recording, events []event) bool {
	t.Helper()
	for _, e := range events {
		var data struct {
			Type  string
			Delta message
		}
		if json.Unmarshal([]byte(e.data), &data) == nil && data.Type == "message_delta" && data.Delta.StopReason != nil {
			return true
		}
	}
	return false
}
