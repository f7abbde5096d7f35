package simulator

import (
	"fmt"
	"net/http"
	"slices"
)

// messagesMembers are what POST /v1/messages knows (anthropic-sdk-go v1.84.0); any
// other is refused.
var messagesMembers = members("model", "max_tokens", "messages", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream",
	"metadata", "tools", "tool_choice", "thinking", "output_config", "service_tier", "cache_control", "container", "speed", "inference_geo", "diagnostics")

// messages answers POST /v1/messages.
func (s *Simulator) messages(x *exchange) {
	model := text(x.body["model"])
	last, promptBytes := conversation(x.body["messages"])
	promptBytes += len(joined(x.body["system"]))
	if p := checkMessages(x.body, model, x.r.Header); p != nil {
		x.row.Model = model
		x.fail(*p)
		return
	}
	if !x.prepare(model, last) {
		return
	}
	a := compose(x.provider, model, last, promptBytes, number(x.body["max_tokens"]), x.fault)
	x.bill(a)
	h := x.w.Header()
	h.Set("request-id", "req_"+x.id)
	h.Set("anthropic-ratelimit-requests-limit", "4000")
	h.Set("anthropic-ratelimit-requests-remaining", "3999")
	stop := map[string]string{"length": "max_tokens", "content_filter": "refusal"}[a.finish]
	if stop == "" {
		stop = "end_turn"
	}
	if stream, _ := x.body["stream"].(bool); stream {
		x.messagesStream(a, model, stop)
		return
	}
	m := x.anthropicMessage(model, []any{map[string]any{"type": "text", "text": a.text}}, stop)
	if !x.fault.NoUsage {
		m["usage"] = anthropicUsage(a.prompt, a.completion)
	}
	x.json(m)
}

func (x *exchange) anthropicMessage(model string, content []any, stop any) map[string]any {
	return map[string]any{"id": "msg_" + x.id, "type": "message", "role": "assistant", "model": model, "content": content,
		"stop_reason": stop, "stop_sequence": nil}
}

func anthropicUsage(in, out int) map[string]any {
	return map[string]any{"input_tokens": in, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
		"cache_creation": map[string]any{"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
		"output_tokens":  out, "service_tier": "standard"}
}

func (x *exchange) messagesStream(a answer, model, stop string) {
	e := x.stream("\n")
	event := func(kind string, fields map[string]any) (string, map[string]any) {
		fields["type"] = kind
		return kind, fields
	}
	start := x.anthropicMessage(model, []any{}, nil)
	if !x.fault.NoUsage {
		start["usage"] = anthropicUsage(a.prompt, 1)
	}
	e.event(event("message_start", map[string]any{"message": start}))
	e.event(event("content_block_start", map[string]any{"index": 0, "content_block": map[string]any{"type": "text", "text": ""}}))
	e.event(event("ping", map[string]any{}))
	for _, part := range pieces(a.text, x.s.cfg.Chunks) {
		kind, fields := event("content_block_delta", map[string]any{"index": 0, "delta": map[string]any{"type": "text_delta", "text": part}})
		e.piece(kind, fields, func() {
			e.event(event("error", map[string]any{"error": map[string]any{"details": nil, "type": "overloaded_error", "message": "Overloaded"}}))
		})
	}
	if e.ending() {
		e.event(event("content_block_stop", map[string]any{"index": 0}))
		end := map[string]any{"delta": map[string]any{"stop_reason": stop, "stop_sequence": nil}}
		if !x.fault.NoUsage {
			end["usage"] = map[string]any{"input_tokens": a.prompt, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": a.completion}
		}
		e.event(event("message_delta", end))
		e.event(event("message_stop", map[string]any{}))
	}
	e.end()
}

// checkMessages refuses what the real server refuses.
func checkMessages(body map[string]any, model string, h http.Header) *problem {
	bad := func(format string, args ...any) *problem {
		return &problem{Status: 400, Message: fmt.Sprintf(format, args...)}
	}
	if h.Get("anthropic-version") == "" {
		return bad("anthropic-version: header is required")
	}
	var unknown []string
	for name := range body {
		if !messagesMembers[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return bad("%s: Extra inputs are not permitted", slices.Min(unknown))
	}
	if model == "" {
		return bad("model: Field required")
	}
	if _, ok := body["max_tokens"].(float64); !ok {
		return bad("max_tokens: Field required")
	}
	all := list(body["messages"])
	if len(all) == 0 {
		return bad("messages: at least one message is required")
	}
	if role := text(object(all[0])["role"]); role != "user" {
		return bad("messages: first message must use the \"user\" role")
	}
	for i, m := range all {
		content := object(m)["content"]
		if content == "" {
			return bad("messages.%d: all messages must have non-empty content", i)
		}
		for j, block := range list(content) {
			if b := object(block); text(b["type"]) == "text" && text(b["text"]) == "" {
				return bad("messages.%d.content.%d.text: text content blocks must be non-empty", i, j)
			}
		}
	}
	if t, ok := body["temperature"].(float64); ok && (t < 0 || t > 1) {
		return bad("temperature: range: 0..1")
	}
	return nil
}

// listAnthropic answers GET /v1/models.
func (s *Simulator) listAnthropic(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, w: w, r: r, provider: "anthropic"}
	if credential(r) == "" {
		x.fail(problem{Status: 401, Message: "x-api-key header is required"})
		return
	}
	var data []any
	for _, id := range []string{"claude-sonnet-4-6", "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"} {
		data = append(data, map[string]any{"type": "model", "id": id, "display_name": id, "created_at": "2025-11-01T00:00:00Z"})
	}
	x.json(map[string]any{"data": data, "has_more": false, "first_id": "claude-sonnet-4-6", "last_id": "claude-haiku-4-5-20251001"})
}
