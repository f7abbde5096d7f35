package plugins_test

import (
	"encoding/json"
	"testing"

	"github.com/pointsman/pointsman/plugins/openai"
	"github.com/pointsman/pointsman/sdk/abi"
)

var _ = register(suite{
	plugin:  "openai",
	adapter: openai.Adapter{},
	api:     "chat",
	facts:   openaiFacts,
	ended:   openaiEnded,
	exchanges: []exchange{
		// Chat: the recorded request is canonical itself.
		{folder: "openai-chat/01-text", canonical: asRecorded},
		{folder: "openai-chat/02-text-system-multiturn", canonical: asRecorded},
		{folder: "openai-chat/03-stream-text", canonical: asRecorded, expect: withUsage},
		{folder: "openai-chat/04-stream-text-include-usage", canonical: asRecorded},
		{folder: "openai-chat/05-tool-call", canonical: asRecorded},
		{folder: "openai-chat/06-parallel-tool-calls", canonical: asRecorded},
		{folder: "openai-chat/07-tool-result-roundtrip", canonical: asRecorded},
		{folder: "openai-chat/08-stream-tool-call", canonical: asRecorded, expect: withUsage},
		{folder: "openai-chat/09-stream-parallel-tool-calls", canonical: asRecorded, expect: withUsage},
		{folder: "openai-chat/10-stream-after-tool-result", canonical: asRecorded, expect: withUsage},
		{folder: "openai-chat/11-image-url", canonical: asRecorded},
		{folder: "openai-chat/12-image-base64-stream-gpt5", canonical: asRecorded, expect: withUsage},
		{folder: "openai-chat/13-json-schema-strict", canonical: asRecorded},
		{folder: "openai-chat/14-json-mode", canonical: asRecorded},
		{folder: "openai-chat/15-structured-refusal", canonical: asRecorded},
		{folder: "openai-chat/16-reasoning-tokens", canonical: asRecorded},
		{folder: "openai-chat/17-cache-read", canonical: asRecorded},
		{folder: "openai-chat/18-cache-write-gpt-5.6", canonical: asRecorded},
		{folder: "openai-chat/19-web-search-annotations", canonical: asRecorded},
		{folder: "openai-chat/20-error-400-unsupported-max_tokens", canonical: asRecorded, class: abi.ClassInvalid},
		{folder: "openai-chat/21-error-400-empty-messages", canonical: asRecorded, class: abi.ClassInvalid},
		{folder: "openai-chat/22-error-400-bad-image-url", canonical: asRecorded, class: abi.ClassInvalid},
		{folder: "openai-chat/23-error-400-developer-role", canonical: asRecorded, class: abi.ClassInvalid},
		{folder: "openai-chat/24-error-404-unknown-model", canonical: asRecorded, class: abi.ClassNotFound},
		{folder: "openai-chat/25-error-401-bad-key", canonical: asRecorded, class: abi.ClassAuth},
		{folder: "openai-chat/26-error-429-tpm", class: abi.ClassRateLimited, afterMS: 1574},
		{folder: "openai-chat/27-error-429-request-too-large", class: abi.ClassContextLength},
		{folder: "openai-chat/28-error-500-server-error", class: abi.ClassServer},
		{folder: "openai-chat/29-error-503-server-is-overloaded", class: abi.ClassOverloaded},
		{folder: "openai-chat/30-error-midstream-after-200", class: abi.ClassServer},

		// Responses: text, and every error.
		{folder: "openai-responses/01-text", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/02-stream-text", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/03-stream-text-reasoning-gpt5", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/04-tool-call", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/05-tool-result", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/06-stream-tool-call", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/07-stream-after-tool-result", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/08-stream-parallel-tool-calls", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/09-reasoning-encrypted-tool-call", api: "responses", target: thinks, canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/10-reasoning-encrypted-replayed-image-tool-result", api: "responses", target: thinks, canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/11-cache-write-gpt-5.6", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/12-stream-incomplete", api: "responses", canonical: fromResponses, expect: asItems},
		{folder: "openai-responses/13-input-tokens-count", api: "responses", operation: "count_tokens", canonical: fromResponses, expect: asCount, answer: `{"input_tokens":16}`},
		{folder: "openai-responses/14-error-400-unknown-model", api: "responses", target: thinks, canonical: fromResponses, expect: asItems, class: abi.ClassNotFound},
		{folder: "openai-responses/15-error-401-bad-key", api: "responses", target: thinks, canonical: fromResponses, expect: asItems, class: abi.ClassAuth},
		{folder: "openai-responses/16-error-400-context-length", api: "responses", target: thinks, canonical: fromResponses, expect: asItems, class: abi.ClassContextLength},
		{folder: "openai-responses/17-error-400-temperature", api: "responses", canonical: fromResponses, expect: asItems, class: abi.ClassInvalid},
		{folder: "openai-responses/18-error-400-orphan-reasoning-item", api: "responses", target: thinks, config: `{"reasoning_summary":"detailed"}`, canonical: fromResponses, expect: asItems, class: abi.ClassInvalid},
		{folder: "openai-responses/19-error-insufficient-quota-midstream", api: "responses", class: abi.ClassQuota},
		{folder: "openai-responses/20-error-429-insufficient-quota", api: "responses", class: abi.ClassQuota},
		{folder: "openai-responses/21-stream-response-failed-overloaded", api: "responses", class: abi.ClassOverloaded},

		// Our own.
		{folder: "testdata/chat", target: `"unsupported":["top_p","messages"],"rename":{"max_tokens":"max_completion_tokens"}`},
		{folder: "testdata/chat-stored"},
		{folder: "testdata/chat-stream", target: `"unsupported":["seed"]`},
		{folder: "testdata/chat-stream-error", class: abi.ClassRateLimited, afterMS: 250},
		{folder: "testdata/chat-page", class: abi.ClassServer},
		{folder: "testdata/responses", api: "responses", target: `"unsupported":["temperature"]`},
		{folder: "testdata/responses-tools", api: "responses"},
		{folder: "testdata/responses-tools-stream", api: "responses"},
		{folder: "testdata/responses-stream", api: "responses"},
		{folder: "testdata/responses-refusal", api: "responses"},
		{folder: "testdata/responses-flat-error", api: "responses", class: abi.ClassServer},
		{folder: "testdata/responses-thoughts-stream", api: "responses", target: thinks},
		{folder: "testdata/ollama-stream", config: `{"max_tokens":"max_tokens","developer":false,"reasoning":"reasoning","tool_choice":false}`},
		{folder: "testdata/vllm", config: `{"extensions":true}`},
		{folder: "testdata/embeddings", operation: "embeddings"},
		{folder: "testdata/models", operation: "list"},
		{folder: "testdata/rate-limit-date", class: abi.ClassRateLimited, afterMS: 90_000},
	},
})

// thinks is the target of a model that gives its reasoning out and takes it back.
const thinks = `"capabilities":["reasoning"]`

func asRecorded(_ testing.TB, recorded map[string]any) map[string]any { return recorded }

// withUsage is what the adapter adds to a streamed request.
func withUsage(recorded map[string]any) {
	options, ok := recorded["stream_options"].(map[string]any)
	if !ok {
		options = map[string]any{}
		recorded["stream_options"] = options
	}
	options["include_usage"] = true
}

// fromResponses writes a recorded Responses request of text as a chat body.
func fromResponses(t testing.TB, recorded map[string]any) map[string]any {
	t.Helper()
	var messages, thoughts []any
	if s, ok := recorded["instructions"].(string); ok && s != "" {
		messages = append(messages, map[string]any{"role": "system", "content": s})
	}
	switch input := recorded["input"].(type) {
	case string:
		messages = append(messages, map[string]any{"role": "user", "content": input})
	case []any:
		for _, item := range input {
			m := item.(map[string]any)
			switch m["type"] {
			case "reasoning":
				thoughts = append(thoughts, map[string]any{"type": "thinking", "provider": "openai",
					"thinking": summaryOf(m), "signature": m["encrypted_content"]})
			case "function_call":
				turn := map[string]any{"role": "assistant", "content": nil, "tool_calls": []any{map[string]any{
					"id": m["call_id"], "type": "function", "function": map[string]any{"name": m["name"], "arguments": m["arguments"]},
				}}}
				if thoughts != nil {
					turn["thinking_blocks"], thoughts = thoughts, nil
				}
				messages = append(messages, turn)
			case "function_call_output":
				messages = append(messages, map[string]any{"role": "tool", "tool_call_id": m["call_id"], "content": fromParts(m["output"])})
			default:
				turn := map[string]any{"role": m["role"], "content": fromParts(m["content"])}
				if thoughts != nil {
					turn["thinking_blocks"], thoughts = thoughts, nil
				}
				messages = append(messages, turn)
			}
		}
	}
	chat := map[string]any{"model": recorded["model"], "messages": messages}
	if tools, ok := recorded["tools"].([]any); ok {
		chat["tools"] = fromTools(tools, "parameters")
		for i, tool := range tools {
			chat["tools"].([]any)[i].(map[string]any)["function"].(map[string]any)["strict"] = tool.(map[string]any)["strict"]
		}
	}
	for _, same := range []string{"stream", "temperature", "top_p", "tool_choice"} {
		if v, ok := recorded[same]; ok {
			chat[same] = v
		}
	}
	if v, ok := recorded["max_output_tokens"]; ok {
		chat["max_completion_tokens"] = v
	}
	if reasoning, ok := recorded["reasoning"].(map[string]any); ok {
		chat["reasoning_effort"] = reasoning["effort"]
	}
	if text, ok := recorded["text"].(map[string]any); ok {
		if v, ok := text["verbosity"]; ok {
			chat["verbosity"] = v
		}
		if v, ok := text["format"]; ok {
			chat["response_format"] = v
		}
	}
	return chat
}

// summaryOf is the text of a reasoning item's summary, whose parts a chat body joins.
func summaryOf(item map[string]any) (text string) {
	parts, _ := item["summary"].([]any)
	for _, part := range parts {
		text += part.(map[string]any)["text"].(string)
	}
	return text
}

// fromParts writes the content of an item as that of a message.
func fromParts(content any) any {
	parts, ok := content.([]any)
	if !ok {
		return content
	}
	var list []any
	for _, p := range parts {
		p := p.(map[string]any)
		if p["type"] == "input_image" {
			list = append(list, map[string]any{"type": "image_url", "image_url": map[string]any{"url": p["image_url"], "detail": p["detail"]}})
		} else {
			list = append(list, map[string]any{"type": "text", "text": p["text"]})
		}
	}
	return list
}

// asItems writes a recorded Responses request the one way that the adapter does:
// instructions and a plain input as items, every content a list of parts, nothing stored.
func asItems(recorded map[string]any) {
	var items []any
	item := func(role, text any) {
		kind := "input_text"
		if role == "assistant" {
			kind = "output_text"
		}
		items = append(items, map[string]any{
			"role": role, "content": []any{map[string]any{"type": kind, "text": text}},
		})
	}
	if s, ok := recorded["instructions"].(string); ok && s != "" {
		item("system", s)
	}
	delete(recorded, "instructions")
	switch input := recorded["input"].(type) {
	case string:
		item("user", input)
	case []any:
		for _, it := range input {
			m := it.(map[string]any)
			if m["type"] == "function_call" || m["type"] == "reasoning" {
				delete(m, "id") // of the item; nothing is stored under it
				delete(m, "status")
			}
			if s := summaryOf(m); s != "" {
				m["summary"] = []any{map[string]any{"type": "summary_text", "text": s}}
			}
			if s, ok := m["content"].(string); ok {
				if s != "" {
					item(m["role"], s)
				}
			} else {
				items = append(items, it)
			}
		}
	}
	recorded["input"], recorded["store"] = items, false
}

// asCount writes a recorded count of input tokens in the same way.
func asCount(recorded map[string]any) {
	asItems(recorded)
	delete(recorded, "store")
}

// openaiFacts reads what either of OpenAI's wires says.
func openaiFacts(t testing.TB, r *recording) facts {
	t.Helper()
	if !r.stream {
		var body openaiAnswer
		if err := json.Unmarshal(r.body, &body); err != nil {
			t.Fatalf("%s: %v", r.folder, err)
		}
		return body.facts()
	}
	var f facts
	for _, e := range r.events(t, r.body) {
		if e.data == "[DONE]" {
			continue
		}
		var data struct {
			Type     string
			Delta    string
			Response *openaiAnswer
			openaiAnswer
		}
		if err := json.Unmarshal([]byte(e.data), &data); err != nil {
			t.Fatalf("%s: %v", r.folder, err)
		}
		switch data.Type {
		case "":
			add(&f, data.openaiAnswer.facts())
		case "response.output_text.delta":
			f.Text += data.Delta
		case "response.reasoning_summary_text.delta":
			f.Reasoning += data.Delta
		case "response.refusal.delta":
			f.Refusal += data.Delta
		case "response.completed", "response.incomplete":
			end := data.Response.facts()
			f.Finish, f.Usage, f.Calls, f.Signed = end.Finish, end.Usage, end.Calls, end.Signed
		}
	}
	return f
}

func add(f *facts, chunk facts) {
	f.Text += chunk.Text
	f.Reasoning += chunk.Reasoning
	f.Refusal += chunk.Refusal
	for i, piece := range chunk.Calls {
		if i == len(f.Calls) {
			f.Calls = append(f.Calls, call{})
		}
		c := &f.Calls[i]
		c.ID, c.Name, c.Arguments = c.ID+piece.ID, c.Name+piece.Name, c.Arguments+piece.Arguments
	}
	if chunk.Finish != "" {
		f.Finish = chunk.Finish
		if f.Finish == "stop" && f.Calls != nil {
			f.Finish = "tool_calls"
		}
	}
	if chunk.Usage.Known {
		f.Usage = chunk.Usage
	}
}

// openaiAnswer is a chat.completion, a chunk of one, or a response object.
type openaiAnswer struct {
	Choices []struct {
		Message compatibleText
		Delta   compatibleText
		Finish  string `json:"finish_reason"`
	}
	Status     string
	Incomplete *struct{ Reason string } `json:"incomplete_details"`
	Output     []struct {
		Type      string
		CallID    string `json:"call_id"`
		Name      string
		Arguments string
		Content   []struct{ Type, Text, Refusal string }
		Summary   []struct{ Text string }
		Encrypted string `json:"encrypted_content"`
	}
	Usage *struct {
		canonicalUsage
		Input       int64 `json:"input_tokens"`
		Output      int64 `json:"output_tokens"`
		InputDetail struct {
			Cached int64 `json:"cached_tokens"`
			Write  int64 `json:"cache_write_tokens"`
		} `json:"input_tokens_details"`
		OutputDetail struct {
			Reasoning int64 `json:"reasoning_tokens"`
		} `json:"output_tokens_details"`
	}
}

// compatibleText is a message or a delta with what compatible servers write otherwise.
type compatibleText struct {
	canonicalText
	OtherName *string `json:"reasoning"`
	ToolCalls []struct {
		Index    *int
		ID       string
		Function struct {
			Name      string
			Arguments any
		}
	} `json:"tool_calls"`
}

func (m compatibleText) addTo(f *facts) {
	m.canonicalText.addTo(f)
	if m.OtherName != nil {
		f.Reasoning += *m.OtherName
	}
	for _, piece := range m.ToolCalls {
		at := len(f.Calls)
		if piece.Index != nil {
			at = *piece.Index
		}
		for len(f.Calls) <= at {
			f.Calls = append(f.Calls, call{})
		}
		arguments, ok := piece.Function.Arguments.(string)
		if piece.Index == nil && arguments == "" { // a whole call
			if arguments = "{}"; !ok && piece.Function.Arguments != nil {
				arguments = encode(piece.Function.Arguments)
			}
		}
		c := &f.Calls[at]
		c.ID, c.Name, c.Arguments = c.ID+piece.ID, c.Name+piece.Function.Name, c.Arguments+arguments
	}
}

func (a *openaiAnswer) facts() facts {
	var f facts
	if u := a.Usage; u != nil {
		f.Usage = usage{true, u.Prompt, u.Completion, u.canonicalUsage.Input.Cached, u.canonicalUsage.Input.Write, 0,
			u.canonicalUsage.Output.Reasoning}
		if u.Prompt == 0 && u.Input > 0 {
			f.Usage = usage{true, u.Input, u.Output, u.InputDetail.Cached, u.InputDetail.Write, 0, u.OutputDetail.Reasoning}
		}
	}
	if len(a.Choices) > 0 {
		a.Choices[0].Message.addTo(&f)
		a.Choices[0].Delta.addTo(&f)
		f.Finish = a.Choices[0].Finish
		if f.Finish == "stop" && a.Choices[0].Message.ToolCalls != nil {
			f.Finish = "tool_calls" // compatible servers do not tell the two apart
		}
	}
	for _, item := range a.Output {
		if item.Type == "function_call" {
			if item.Arguments == "" {
				item.Arguments = "{}"
			}
			f.Calls = append(f.Calls, call{ID: item.CallID, Name: item.Name, Arguments: item.Arguments})
		}
		if item.Encrypted != "" {
			f.Signed = append(f.Signed, item.Encrypted)
		}
		for _, s := range item.Summary {
			f.Reasoning += s.Text
		}
		for _, c := range item.Content {
			f.Text += c.Text
			f.Refusal += c.Refusal
		}
	}
	if a.Status != "" {
		f.Finish = "stop"
		if f.Calls != nil {
			f.Finish = "tool_calls"
		}
		if a.Incomplete != nil {
			f.Finish = map[string]string{"max_output_tokens": "length", "content_filter": "content_filter"}[a.Incomplete.Reason]
		}
	}
	return f
}

// openaiEnded: a finish reason on the chat wire, a terminal event on the other.
func openaiEnded(t testing.TB, r *recording, events []event) bool {
	t.Helper()
	for _, e := range events {
		var data struct {
			Type    string
			Choices []struct {
				Finish string `json:"finish_reason"`
			}
		}
		if json.Unmarshal([]byte(e.data), &data) != nil {
			continue
		}
		if data.Type == "response.completed" || data.Type == "response.incomplete" {
			return true
		}
		for _, c := range data.Choices {
			if c.Finish != "" {
				return true
			}
		}
	}
	return false
}
