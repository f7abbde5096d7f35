package simulator

import (
	"encoding/json"
	"time"
)

// messages answers POST /v1/messages.
func (s *Simulator) messages(x *exchange) {
	x.row.Model = text(x.body["model"])
	if p := x.checkMessages(); p != nil {
		x.fail(*p)
		return
	}
	q := x.messagesQuestion()
	if !x.prepare(q.last) {
		return
	}
	a := x.compose(q)
	x.bill(a)
	x.row.ID = "msg_" + x.id
	x.anthropicHeaders()
	if x.row.Stream {
		x.messagesStream(a)
		return
	}
	content := []any{}
	for i, b := range x.blocks(a) {
		content = append(content, b.whole(x, i))
	}
	x.json(x.anthropicMessage(content, a, a.completion))
}

// anthropicEnd is why a message ended: its stop_reason, stop_sequence and stop_details.
func anthropicEnd(a answer) (reason string, sequence, details any) {
	switch {
	case a.refusal != "":
		return "refusal", nil, fields{"type", "refusal", "category", "cyber", "explanation", a.refusal}
	case a.stop != "" && a.finish == "stop":
		return "stop_sequence", a.stop, nil
	}
	reason = map[string]string{"length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"}[a.finish]
	return orElse(reason, "end_turn"), nil, nil
}

// block is one block of an answer's content.
type block struct {
	kind string // thinking, redacted_thinking, text or tool_use
	text string // a call's arguments
	name string // of a call
}

// blocks are the blocks of an answer, in order.
func (x *exchange) blocks(a answer) []block {
	var out []block
	if a.thought != "" {
		kind := "thinking"
		if x.fault.Redacted {
			kind = "redacted_thinking"
		}
		out = append(out, block{kind: kind, text: a.thought})
	}
	if a.text != "" || len(a.calls) == 0 && a.refusal == "" && a.thought == "" {
		out = append(out, block{kind: "text", text: a.text})
	}
	for _, c := range a.calls {
		out = append(out, block{kind: "tool_use", text: c.args, name: c.name})
	}
	return out
}

func (b block) whole(x *exchange, i int) fields {
	switch b.kind {
	case "thinking":
		shown := b.text
		if text(object(x.body["thinking"])["display"]) == "omitted" {
			shown = ""
		}
		return fields{"type", "thinking", "thinking", shown, "signature", x.sign(b.text)}
	case "redacted_thinking":
		return fields{"type", "redacted_thinking", "data", x.sign(b.text)}
	case "tool_use":
		return fields{"type", "tool_use", "id", x.callID("toolu_", 0, i), "name", b.name, "input", json.RawMessage(b.text)}
	}
	return fields{"type", "text", "text", b.text}
}

// anthropicMessage is a message as it is known with so many tokens written: its end
// is only known with its content.
func (x *exchange) anthropicMessage(content []any, a answer, out int) fields {
	var stop, sequence, details any
	if x.row.Stream {
		stop, sequence = nil, nil
	} else {
		stop, sequence, details = anthropicEnd(a)
	}
	m := fields{"model", x.row.Model, "id", x.row.ID, "type", "message", "role", "assistant", "content", content,
		"stop_reason", stop, "stop_sequence", sequence}
	if details != nil {
		m = m.with("stop_details", details)
	}
	if x.fault.NoUsage {
		return m
	}
	return m.with("usage", fields{
		"input_tokens", a.prompt - a.cached - a.written, "cache_creation_input_tokens", a.written, "cache_read_input_tokens", a.cached,
		"cache_creation", fields{"ephemeral_5m_input_tokens", a.written, "ephemeral_1h_input_tokens", 0},
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

func (x *exchange) messagesStream(a answer) {
	e := x.stream("\n")
	event := func(kind string, more ...any) (string, fields) { return kind, fields{"type", kind}.with(more...) }
	fail := func() {
		p := problem{Status: 529, Message: "Overloaded"}
		if known, ok := kinds[x.fault.Kind]; ok {
			p = known
		}
		e.event("error", anthropicError(p))
	}
	e.event(event("message_start", "message", x.anthropicMessage([]any{}, a, 1)))
	for i, b := range x.blocks(a) {
		whole := b.whole(x, i)
		delta := func(more ...any) (string, fields) {
			return event("content_block_delta", "index", i, "delta", fields(more))
		}
		each := func(kind, member, said string) {
			for _, part := range x.pieces(said) {
				name, f := delta("type", kind, member, part)
				e.piece(name, part, f, fail)
			}
		}
		switch b.kind {
		case "text":
			e.event(event("content_block_start", "index", i, "content_block", fields{"type", "text", "text", ""}))
		case "thinking":
			e.event(event("content_block_start", "index", i, "content_block", fields{"type", "thinking", "thinking", "", "signature", ""}))
		case "tool_use":
			e.event(event("content_block_start", "index", i, "content_block", append(whole[:6:6], "input", fields{})))
		default:
			e.event(event("content_block_start", "index", i, "content_block", whole))
		}
		if i == 0 {
			e.event(event("ping"))
		}
		switch b.kind {
		case "text":
			each("text_delta", "text", b.text)
		case "thinking":
			if text(whole[3]) != "" {
				each("thinking_delta", "thinking", b.text)
			}
			e.event(delta("type", "signature_delta", "signature", whole[5]))
		case "tool_use":
			e.event(delta("type", "input_json_delta", "partial_json", ""))
			if b.text != "{}" {
				each("input_json_delta", "partial_json", b.text)
			}
		}
		if e.ending() {
			e.event(event("content_block_stop", "index", i))
		}
	}
	if e.ending() {
		stop, sequence, details := anthropicEnd(a)
		kind, end := event("message_delta", "delta", fields{"stop_reason", stop, "stop_sequence", sequence, "stop_details", details})
		if !x.fault.NoUsage {
			end = end.with("usage", fields{"input_tokens", a.prompt - a.cached - a.written, "cache_creation_input_tokens", a.written,
				"cache_read_input_tokens", a.cached, "output_tokens", a.completion})
		}
		e.event(kind, end)
		e.event(event("message_stop"))
	}
	e.end()
}
