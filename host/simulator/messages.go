package simulator

import (
	"fmt"
	"time"
)

// messagesMembers are what POST /v1/messages knows (anthropic-sdk-go v1.84.0); any
// other is refused.
var messagesMembers = members("model", "max_tokens", "messages", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream",
	"metadata", "tools", "tool_choice", "thinking", "output_config", "service_tier", "cache_control", "container", "speed", "inference_geo", "diagnostics")

// messages answers POST /v1/messages.
func (s *Simulator) messages(x *exchange) {
	x.row.Model = text(x.body["model"])
	last, promptBytes := conversation(x.body["messages"])
	promptBytes += len(joined(x.body["system"]))
	if p := x.checkMessages(); p != nil {
		x.fail(*p)
		return
	}
	if !x.prepare(last) {
		return
	}
	a := x.compose(last, promptBytes, number(x.body["max_tokens"]))
	x.bill(a)
	x.row.ID = "msg_" + x.id
	x.anthropicHeaders()
	stop := map[string]string{"length": "max_tokens", "content_filter": "refusal"}[a.finish]
	if stop == "" {
		stop = "end_turn"
	}
	if x.row.Stream {
		x.messagesStream(a, stop)
		return
	}
	x.json(x.anthropicMessage([]any{fields{"type", "text", "text", a.text}}, stop, a.prompt, a.completion))
}

// anthropicMessage is a message as it is known with so many tokens written.
func (x *exchange) anthropicMessage(content []any, stop any, in, out int) fields {
	m := fields{"model", x.row.Model, "id", x.row.ID, "type", "message", "role", "assistant", "content", content,
		"stop_reason", stop, "stop_sequence", nil}
	if x.fault.NoUsage {
		return m
	}
	return m.with("usage", fields{
		"input_tokens", in, "cache_creation_input_tokens", 0, "cache_read_input_tokens", 0,
		"cache_creation", fields{"ephemeral_5m_input_tokens", 0, "ephemeral_1h_input_tokens", 0},
		"output_tokens", out, "service_tier", "standard", "inference_geo", "not_available",
	})
}

// anthropicHeaders are on every answer of Anthropic's.
func (x *exchange) anthropicHeaders() {
	h := x.w.Header()
	h.Set("request-id", "req_"+x.id)
	reset := x.created.UTC().Add(time.Second).Format(time.RFC3339)
	for _, limit := range []struct{ name, limit, remaining string }{
		{"requests", "4000", "3999"}, {"tokens", "2000000", "1999000"}, {"input-tokens", "2000000", "1999000"}, {"output-tokens", "400000", "399000"},
	} {
		h.Set("anthropic-ratelimit-"+limit.name+"-limit", limit.limit)
		h.Set("anthropic-ratelimit-"+limit.name+"-remaining", limit.remaining)
		h.Set("anthropic-ratelimit-"+limit.name+"-reset", reset)
	}
}

func (x *exchange) messagesStream(a answer, stop string) {
	e := x.stream("\n")
	event := func(kind string, more ...any) (string, fields) { return kind, fields{"type", kind}.with(more...) }
	e.event(event("message_start", "message", x.anthropicMessage([]any{}, nil, a.prompt, 1)))
	e.event(event("content_block_start", "index", 0, "content_block", fields{"type", "text", "text", ""}))
	e.event(event("ping"))
	for _, part := range x.pieces(a.text) {
		kind, f := event("content_block_delta", "index", 0, "delta", fields{"type", "text_delta", "text", part})
		e.piece(kind, part, f, func() {
			p := problem{Status: 529, Message: "Overloaded"}
			if known, ok := kinds[x.fault.Kind]; ok {
				p = known
			}
			e.event("error", anthropicError(p))
		})
	}
	if e.ending() {
		e.event(event("content_block_stop", "index", 0))
		kind, end := event("message_delta", "delta", fields{"stop_reason", stop, "stop_sequence", nil, "stop_details", nil})
		if !x.fault.NoUsage {
			end = end.with("usage", fields{"input_tokens", a.prompt, "cache_creation_input_tokens", 0, "cache_read_input_tokens", 0, "output_tokens", a.completion})
		}
		e.event(kind, end)
		e.event(event("message_stop"))
	}
	e.end()
}

// checkMessages refuses what the real server refuses.
func (x *exchange) checkMessages() *problem {
	bad := func(format string, args ...any) *problem {
		return &problem{Status: 400, Message: fmt.Sprintf(format, args...)}
	}
	if x.r.Header.Get("anthropic-version") == "" {
		return bad("anthropic-version: header is required")
	}
	if name := unknownMember(x.body, messagesMembers); name != "" {
		return bad("%s: Extra inputs are not permitted", name)
	}
	if x.row.Model == "" {
		return bad("model: Field required")
	}
	if _, ok := x.body["max_tokens"].(float64); !ok {
		return bad("max_tokens: Field required")
	}
	all, isList := x.body["messages"].([]any)
	if !isList {
		return bad("messages: Field required")
	}
	if len(all) == 0 {
		return bad("messages: at least one message is required")
	}
	if role := text(object(all[0])["role"]); role != "user" {
		return bad("messages: first message must use the \"user\" role")
	}
	for i, m := range all {
		message, isObject := m.(map[string]any)
		if !isObject {
			return bad("messages.%d: Input does not match the expected shape.", i)
		}
		if role := text(message["role"]); role != "user" && role != "assistant" && role != "system" {
			return bad("messages: Unexpected role \"%s\". Allowed roles are \"user\" or \"assistant\".", role)
		}
		if message["content"] == "" {
			return bad("messages.%d: all messages must have non-empty content", i)
		}
		for j, block := range list(message["content"]) {
			if b := object(block); text(b["type"]) == "text" && text(b["text"]) == "" {
				return bad("messages.%d.content.%d.text: text content blocks must be non-empty", i, j)
			}
		}
	}
	if t, ok := x.body["temperature"].(float64); ok && (t < 0 || t > 1) {
		return bad("temperature: range: 0..1")
	}
	if !knows(x.provider, x.row.Model, x.created) {
		return &problem{Status: 404, Message: "model: " + x.row.Model}
	}
	return nil
}
