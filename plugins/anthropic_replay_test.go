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
		{folder: "anthropic/03-tool-use", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/04-tool-result", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/05-parallel-tool-use", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/06-parallel-tool-results", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/07-stream-tool-use", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/08-stream-parallel-tool-use", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/09-stream-tool-no-args", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/10-thinking", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/16-thinking-with-tools-stream", canonical: fromMessages, expect: asEffort(2048, "")},
		{folder: "anthropic/11-thinking-turn-2-signature-replayed", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/12-thinking-adaptive-opus-4.6", canonical: fromMessages, expect: asEffort(0, "high")},
		{folder: "anthropic/13-thinking-opus-5-effort", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/14-stream-thinking", canonical: fromMessages, expect: asEffort(1024, "")},
		{folder: "anthropic/15-stream-thinking-adaptive", canonical: fromMessages, expect: asEffort(0, "high")},
		{folder: "anthropic/17-redacted-thinking", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/18-redacted-thinking-stream", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/19-image-url", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/20-image-base64", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/21-json-schema-output_config", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/22-stop-sequence", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/23-stream-prefill-stop-sequence", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/24-max-tokens", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/25-cache-write", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/26-cache-read", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/28-count-tokens", operation: abi.OperationCountTokens, canonical: fromMessages, expect: asBlocks, answer: `{"input_tokens":14}`},
		{folder: "anthropic/27-mid-conversation-system-role", canonical: fromMessages, expect: asBlocks},
		{folder: "anthropic/29-refusal"},
		{folder: "anthropic/30-stream-refusal"},
		{folder: "anthropic/31-stream-usage-in-message_delta"},
		{folder: "anthropic/32-stream-duplicate-message_start"},
		{folder: "anthropic/33-error-401-bad-key", canonical: fromMessages, expect: asBlocks, class: abi.ClassAuth},
		{folder: "anthropic/34-error-400-prompt-too-long", canonical: fromMessages, expect: asBlocks, class: abi.ClassContextLength},
		{folder: "anthropic/35-error-400-shape", class: abi.ClassInvalid},
		{folder: "anthropic/36-error-400-effort-unsupported", canonical: fromMessages, expect: asEffort(0, "high"), class: abi.ClassInvalid},
		{folder: "anthropic/37-error-404-unknown-model", canonical: fromMessages, expect: asBlocks, class: abi.ClassNotFound},
		{folder: "anthropic/38-error-429-rate-limit", class: abi.ClassRateLimited},
		{folder: "anthropic/39-error-529-overloaded", class: abi.ClassOverloaded},
		{folder: "anthropic/40-error-529-midstream", class: abi.ClassOverloaded},
		{folder: "anthropic/41-error-500-api-error", class: abi.ClassServer},

		// Our own.
		{folder: "testdata/text", target: `"max_output":64000,"unsupported":["temperature+top_p"]`},
		{folder: "testdata/tools", target: `"max_output":64000`},
		{folder: "testdata/tools-stream", target: `"max_output":64000`},
		{folder: "testdata/stream", target: `"max_output":64000`},
		{folder: "testdata/stream-error", class: abi.ClassServer},
		{folder: "testdata/rate-limit", class: abi.ClassRateLimited, afterMS: 7000},
		{folder: "testdata/files", target: `"max_output":64000`, upstream: "claude-opus-4-8"},
		{folder: "testdata/format", target: `"max_output":64000`, upstream: "claude-haiku-4-5"},
		{folder: "testdata/format-tool", target: `"max_output":64000`, upstream: "claude-3-7-sonnet-20250219"},
		{folder: "testdata/format-tool-stream", target: `"max_output":64000`, upstream: "claude-sonnet-4-20250514"},
		{folder: "testdata/custom-stream", target: `"max_output":64000`},
		{folder: "testdata/count", operation: abi.OperationCountTokens},
		{folder: "testdata/list", operation: abi.OperationList},
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
		blocks, ok := content.([]any)
		if !ok {
			messages = append(messages, map[string]any{"role": m["role"], "content": content})
			continue
		}
		var parts, calls, thinking []any
		for _, b := range blocks {
			b := b.(map[string]any)
			switch b["type"] {
			case "tool_use":
				calls = append(calls, map[string]any{"id": b["id"], "type": "function", "function": map[string]any{
					"name": b["name"], "arguments": encode(b["input"]),
				}})
			case "tool_result":
				messages = append(messages, map[string]any{"role": "tool", "tool_call_id": b["tool_use_id"], "content": b["content"]})
			case "thinking", "redacted_thinking":
				thinking = append(thinking, b)
			default:
				parts = append(parts, fromBlock(t, b))
			}
		}
		message := map[string]any{"role": m["role"], "content": parts}
		if calls != nil {
			message["tool_calls"] = calls
		}
		if thinking != nil {
			message["thinking_blocks"] = thinking
		}
		if parts != nil || calls != nil {
			messages = append(messages, message)
		}
	}
	chat := map[string]any{"model": recorded["model"], "messages": messages}
	if tools, ok := recorded["tools"].([]any); ok {
		chat["tools"] = fromTools(tools, "input_schema")
	}
	if thinking, ok := recorded["thinking"].(map[string]any); ok {
		switch thinking["budget_tokens"] {
		case nil:
			chat["reasoning_effort"] = "high"
		case 1024.0:
			chat["reasoning_effort"] = "low"
		default:
			chat["reasoning_effort"] = "medium"
		}
	}
	if config, ok := recorded["output_config"].(map[string]any); ok {
		if effort, ok := config["effort"]; ok {
			chat["reasoning_effort"] = effort
		}
		if format, ok := config["format"].(map[string]any); ok {
			chat["response_format"] = map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "n", "schema": format["schema"]}}
		}
	}
	if choice, ok := recorded["tool_choice"].(map[string]any); ok {
		chat["tool_choice"] = map[string]string{"auto": "auto", "any": "required", "none": "none"}[choice["type"].(string)]
		chat["parallel_tool_calls"] = choice["disable_parallel_tool_use"] != true
	}
	for from, to := range map[string]string{"stream": "stream", "temperature": "temperature", "max_tokens": "max_completion_tokens", "stop_sequences": "stop", "cache_control": "cache_control"} {
		if v, ok := recorded[from]; ok {
			chat[to] = v
		}
	}
	return chat
}

// fromTools writes a provider's tools as a chat body's; schema is what it calls parameters.
func fromTools(tools []any, schema string) (list []any) {
	for _, tool := range tools {
		tool := tool.(map[string]any)
		list = append(list, map[string]any{"type": "function", "function": map[string]any{
			"name": tool["name"], "description": tool["description"], "parameters": tool[schema],
		}})
	}
	return list
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

// asEffort writes a recorded request that asks for thinking as the adapter does for an
// effort: with the budget, or the effort beside thinking that adapts. A temperature
// of 1, which is the default, is left out beside it.
func asEffort(budget float64, effort string) func(recorded map[string]any) {
	return func(recorded map[string]any) {
		asBlocks(recorded)
		delete(recorded, "temperature")
		if budget > 0 {
			recorded["thinking"] = map[string]any{"type": "enabled", "budget_tokens": budget}
			return
		}
		recorded["thinking"] = map[string]any{"type": "adaptive"}
		recorded["output_config"] = map[string]any{"effort": effort}
	}
}

// asBlocks writes a recorded request the one way that the adapter does: every text
// as a block, no member that says the default.
func asBlocks(recorded map[string]any) {
	if recorded["stream"] == false {
		delete(recorded, "stream")
	}
	if choice, ok := recorded["tool_choice"].(map[string]any); ok && choice["disable_parallel_tool_use"] == false {
		delete(choice, "disable_parallel_tool_use")
	}
	toList := func(content any) []any {
		if s, ok := content.(string); ok {
			return []any{map[string]any{"type": "text", "text": s}}
		}
		return content.([]any)
	}
	if s, ok := recorded["system"]; ok {
		recorded["system"] = toList(s)
	}
	for _, m := range recorded["messages"].([]any) {
		m := m.(map[string]any)
		m["content"] = toList(m["content"])
		for _, block := range m["content"].([]any) {
			if block := block.(map[string]any); block["is_error"] == false {
				delete(block, "is_error")
			}
		}
	}
}

// message is an answer of the Messages API, or what a stream's event says of it.
type message struct {
	Content []struct {
		Type, Text, Thinking string
		Signature, Data      string
		ID, Name             string
		Input                json.RawMessage
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
		f.structured()
		f.Usage = anthropicUsage(counters)
		return f
	}
	for _, e := range r.events(t, r.body) {
		var data struct {
			Type    string
			Message message
			Block   struct {
				Type, ID, Name, Data string
			} `json:"content_block"`
			Delta struct {
				message
				Text, Thinking, Signature string
				Partial                   string `json:"partial_json"`
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
		if signed := data.Delta.Signature + data.Block.Data; signed != "" {
			f.Signed = append(f.Signed, signed)
		}
		// Blocks follow each other: a piece is of the last tool_use that began.
		if data.Block.Type == "tool_use" {
			f.Calls = append(f.Calls, call{ID: data.Block.ID, Name: data.Block.Name})
		}
		if n := len(f.Calls); n > 0 {
			f.Calls[n-1].Arguments += data.Delta.Partial
		}
		for name, v := range data.Usage {
			counters[name] = v
		}
	}
	for i := range f.Calls {
		if f.Calls[i].Arguments == "" {
			f.Calls[i].Arguments = "{}"
		}
	}
	f.structured()
	f.Usage = anthropicUsage(counters)
	return f
}

// structured takes a call that stands for a structured answer, or for one of a custom
// tool, as what it means.
func (f *facts) structured() {
	for i := range f.Calls {
		if c := &f.Calls[i]; c.Name == "patch" {
			var input struct{ Input string }
			if json.Unmarshal([]byte(c.Arguments), &input) == nil {
				c.Input, c.Arguments = input.Input, ""
			}
		}
	}
	if len(f.Calls) == 1 && f.Calls[0].Name == "respond_with_json" {
		f.Text, f.Finish, f.Calls = f.Calls[0].Arguments, "stop", nil
	}
}

func (m *message) addTo(f *facts, counters map[string]any) {
	for _, block := range m.Content {
		f.Text += block.Text
		f.Reasoning += block.Thinking
		if signed := block.Signature + block.Data; signed != "" {
			f.Signed = append(f.Signed, signed)
		}
		if block.Type == "tool_use" {
			f.Calls = append(f.Calls, call{ID: block.ID, Name: block.Name, Arguments: string(block.Input)})
		}
	}
	if m.StopReason != nil {
		f.Finish = map[string]string{
			"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "refusal": "content_filter",
			"tool_use": "tool_calls",
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
