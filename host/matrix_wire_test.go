package host

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// asked is what a matrix cell asks, before it is put into the caller's wire.
type asked struct {
	text      string
	image     string // a data: URL
	tools     []string
	schema    map[string]any
	reasoning bool
	first     *reply            // the answer to text, when results follow it
	results   map[string]string // by the name of the tool
}

// reply is what the caller's wire says, plain or streamed.
type reply struct {
	status        int
	text, thought string
	calls         []madeCall
	finish        string // stop or tools
	input, output int
	reasoning     int    // tokens
	pieces        int    // of text, of a stream
	ended         bool   // by the wire's own terminal event
	failure       string // type of the error, in the wire's shape
	turn          []any  // the answer as the caller gives it back
	body          string
}

type madeCall struct{ id, name, args string }

// speaker is a caller's wire.
type speaker struct {
	name, path string
	request    func(model string, a asked) map[string]any
	plain      func(body map[string]any, r *reply)
	event      func(event map[string]any, r *reply)
	failure    func(body map[string]any) string
}

// toolSchema is the parameters of every tool of the matrix.
var toolSchema = map[string]any{
	"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}},
	"required": []any{"city"}, "additionalProperties": false,
}

type anyMap = map[string]any

func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(anyMap)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func str(v any, path ...any) string {
	s, _ := at(v, path...).(string)
	return s
}

func num(v any, path ...any) int {
	f, _ := at(v, path...).(float64)
	return int(f)
}

func items(v any, path ...any) []any {
	l, _ := at(v, path...).([]any)
	return l
}

var speakers = []speaker{
	{
		name: "chat", path: "/v1/chat/completions",
		request: chatAsk, plain: chatPlain, event: chatEvent,
		failure: func(b map[string]any) string { return str(b, "error", "type") },
	},
	{
		name: "messages", path: "/v1/messages",
		request: messagesAsk, plain: messagesPlain, event: messagesEvent,
		failure: func(b map[string]any) string {
			if b["type"] != "error" {
				return ""
			}
			return str(b, "error", "type")
		},
	},
	{
		name: "responses", path: "/v1/responses",
		request: responsesAsk, plain: responsesPlain, event: responsesEvent,
		failure: func(b map[string]any) string { return str(b, "error", "type") },
	},
}

func chatAsk(model string, a asked) map[string]any {
	var content any = a.text
	if a.image != "" {
		content = []any{anyMap{"type": "text", "text": a.text}, anyMap{"type": "image_url", "image_url": anyMap{"url": a.image}}}
	}
	messages := []any{anyMap{"role": "user", "content": content}}
	if a.first != nil {
		messages = append(messages, a.first.turn...)
		for _, c := range a.first.calls {
			messages = append(messages, anyMap{"role": "tool", "tool_call_id": c.id, "content": a.results[c.name]})
		}
	}
	b := anyMap{"model": model, "messages": messages}
	for _, name := range a.tools {
		tools, _ := b["tools"].([]any)
		b["tools"] = append(tools, anyMap{"type": "function", "function": anyMap{"name": name, "description": "about " + name, "parameters": toolSchema}})
	}
	if a.schema != nil {
		b["response_format"] = anyMap{"type": "json_schema", "json_schema": anyMap{"name": "weather", "strict": true, "schema": a.schema}}
	}
	if a.reasoning {
		b["reasoning_effort"] = "low"
	}
	return b
}

func chatPlain(b map[string]any, r *reply) {
	m := at(b, "choices", 0, "message")
	r.text, r.thought = str(m, "content"), str(m, "reasoning_content")
	for _, c := range items(m, "tool_calls") {
		r.calls = append(r.calls, madeCall{str(c, "id"), str(c, "function", "name"), str(c, "function", "arguments")})
	}
	r.turn = []any{m}
	r.finish = chatFinish(str(b, "choices", 0, "finish_reason"))
	r.chatUsage(b)
}

func chatFinish(s string) string {
	if s == "tool_calls" {
		return "tools"
	}
	return s
}

func (r *reply) chatUsage(b any) {
	r.input, r.output = num(b, "usage", "prompt_tokens"), num(b, "usage", "completion_tokens")
	r.reasoning = num(b, "usage", "completion_tokens_details", "reasoning_tokens")
}

func chatEvent(e map[string]any, r *reply) {
	d := at(e, "choices", 0, "delta")
	r.add(str(d, "content"))
	r.thought += str(d, "reasoning_content")
	for _, c := range items(d, "tool_calls") {
		i := num(c, "index")
		for len(r.calls) <= i {
			r.calls = append(r.calls, madeCall{})
		}
		r.calls[i].id += str(c, "id")
		r.calls[i].name += str(c, "function", "name")
		r.calls[i].args += str(c, "function", "arguments")
	}
	if f := str(e, "choices", 0, "finish_reason"); f != "" {
		r.finish = chatFinish(f)
	}
	if at(e, "usage") != nil {
		r.chatUsage(e)
	}
}

func (r *reply) add(text string) {
	if text != "" {
		r.pieces++
		r.text += text
	}
}

func messagesAsk(model string, a asked) map[string]any {
	content := []any{}
	if a.image != "" {
		mediaType, data, _ := strings.Cut(strings.TrimPrefix(a.image, "data:"), ";base64,")
		content = append(content, anyMap{"type": "image", "source": anyMap{"type": "base64", "media_type": mediaType, "data": data}})
	}
	messages := []any{anyMap{"role": "user", "content": append(content, anyMap{"type": "text", "text": a.text})}}
	if a.first != nil {
		messages = append(messages, a.first.turn...)
		results := []any{}
		for _, c := range a.first.calls {
			results = append(results, anyMap{"type": "tool_result", "tool_use_id": c.id, "content": a.results[c.name]})
		}
		messages = append(messages, anyMap{"role": "user", "content": results})
	}
	b := anyMap{"model": model, "max_tokens": 2048, "messages": messages}
	for _, name := range a.tools {
		tools, _ := b["tools"].([]any)
		b["tools"] = append(tools, anyMap{"name": name, "description": "about " + name, "input_schema": toolSchema})
	}
	if a.schema != nil {
		b["output_config"] = anyMap{"format": anyMap{"type": "json_schema", "schema": a.schema}}
	}
	if a.reasoning {
		b["thinking"] = anyMap{"type": "enabled", "budget_tokens": 1024}
	}
	return b
}

func messagesPlain(b map[string]any, r *reply) {
	for _, block := range items(b, "content") {
		r.messagesBlock(block)
	}
	r.messagesEnd(str(b, "stop_reason"))
	r.turn = []any{anyMap{"role": "assistant", "content": at(b, "content")}}
	r.messagesUsage(b)
}

func (r *reply) messagesBlock(block any) {
	switch str(block, "type") {
	case "text":
		r.text += str(block, "text")
	case "thinking":
		r.thought += str(block, "thinking")
	case "tool_use":
		args, _ := json.Marshal(at(block, "input"))
		r.calls = append(r.calls, madeCall{str(block, "id"), str(block, "name"), string(args)})
	}
}

func (r *reply) messagesEnd(reason string) {
	r.finish = map[string]string{"end_turn": "stop", "tool_use": "tools"}[reason]
}

func (r *reply) messagesUsage(v any) {
	if n := num(v, "usage", "input_tokens"); n > 0 {
		r.input = n
	}
	r.output = num(v, "usage", "output_tokens")
	r.reasoning = num(v, "usage", "output_tokens_details", "thinking_tokens")
}

func messagesEvent(e map[string]any, r *reply) {
	switch str(e, "type") {
	case "message_start":
		r.messagesUsage(e["message"])
	case "content_block_start":
		if str(e, "content_block", "type") == "tool_use" {
			r.calls = append(r.calls, madeCall{id: str(e, "content_block", "id"), name: str(e, "content_block", "name")})
		}
	case "content_block_delta":
		r.add(str(e, "delta", "text"))
		r.thought += str(e, "delta", "thinking")
		if s := str(e, "delta", "partial_json"); s != "" && len(r.calls) > 0 {
			r.calls[len(r.calls)-1].args += s
		}
	case "message_delta":
		r.messagesEnd(str(e, "delta", "stop_reason"))
		r.messagesUsage(e)
	case "message_stop":
		r.ended = true
	}
}

func responsesAsk(model string, a asked) map[string]any {
	content := []any{anyMap{"type": "input_text", "text": a.text}}
	if a.image != "" {
		content = append(content, anyMap{"type": "input_image", "image_url": a.image, "detail": "auto"})
	}
	input := []any{anyMap{"role": "user", "content": content}}
	if a.first != nil {
		input = append(input, a.first.turn...)
		for _, c := range a.first.calls {
			input = append(input, anyMap{"type": "function_call_output", "call_id": c.id, "output": a.results[c.name]})
		}
	}
	b := anyMap{"model": model, "input": input, "store": false}
	for _, name := range a.tools {
		tools, _ := b["tools"].([]any)
		b["tools"] = append(tools, anyMap{"type": "function", "name": name, "description": "about " + name, "parameters": toolSchema, "strict": false})
	}
	if a.schema != nil {
		b["text"] = anyMap{"format": anyMap{"type": "json_schema", "name": "weather", "strict": true, "schema": a.schema}}
	}
	if a.reasoning {
		b["reasoning"], b["include"] = anyMap{"effort": "low", "summary": "auto"}, []any{"reasoning.encrypted_content"}
	}
	return b
}

func responsesPlain(b map[string]any, r *reply) {
	for _, it := range items(b, "output") {
		switch str(it, "type") {
		case "message":
			for _, part := range items(it, "content") {
				r.text += str(part, "text")
			}
		case "reasoning":
			for _, part := range items(it, "summary") {
				r.thought += str(part, "text")
			}
		case "function_call":
			r.calls = append(r.calls, madeCall{str(it, "call_id"), str(it, "name"), str(it, "arguments")})
		}
	}
	r.turn = items(b, "output")
	r.responsesEnd(b)
}

func (r *reply) responsesEnd(response any) {
	if str(response, "status") == "completed" {
		r.finish = "stop"
		if len(r.calls) > 0 {
			r.finish = "tools"
		}
	}
	r.input, r.output = num(response, "usage", "input_tokens"), num(response, "usage", "output_tokens")
	r.reasoning = num(response, "usage", "output_tokens_details", "reasoning_tokens")
}

func responsesEvent(e map[string]any, r *reply) {
	switch str(e, "type") {
	case "response.output_text.delta":
		r.add(str(e, "delta"))
	case "response.reasoning_summary_text.delta":
		r.thought += str(e, "delta")
	case "response.output_item.done":
		if str(e, "item", "type") == "function_call" {
			r.calls = append(r.calls, madeCall{str(e, "item", "call_id"), str(e, "item", "name"), str(e, "item", "arguments")})
		}
	case "response.completed":
		r.ended = true
		r.responsesEnd(e["response"])
	}
}

// ask sends a question over the caller's wire and reads the answer.
func (s speaker) ask(t *testing.T, g *gateway, model string, a asked, stream bool) reply {
	t.Helper()
	body := s.request(model, a)
	if stream {
		body["stream"] = true
		if s.name == "chat" {
			body["stream_options"] = anyMap{"include_usage": true}
		}
	}
	got := g.do("POST", s.path, body)
	r := reply{status: got.Status, body: string(got.Body)}
	if got.Status != 200 || !stream {
		var v map[string]any
		if err := json.Unmarshal(got.Body, &v); err != nil {
			t.Fatalf("the answer is not JSON: %v\n%s", err, got.Body)
		}
		if got.Status != 200 {
			r.failure = s.failure(v)
			return r
		}
		s.plain(v, &r)
		return r
	}
	for _, frame := range strings.Split(r.body, "\n\n") {
		_, data, ok := strings.Cut(frame, "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			r.ended = true
			continue
		}
		var e map[string]any
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("an event is not JSON: %v\n%s", err, data)
		}
		s.event(e, &r)
	}
	return r
}

func (r reply) String() string {
	return fmt.Sprintf("%d text %q, thought %q, calls %v, finish %q, usage %d+%d (%d), pieces %d, ended %v, failure %q\n%s",
		r.status, r.text, r.thought, r.calls, r.finish, r.input, r.output, r.reasoning, r.pieces, r.ended, r.failure, r.body)
}
