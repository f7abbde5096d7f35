package simulator

// itemStream writes the events of a response, numbered from 0.
type itemStream struct {
	*events
	a      answer
	number int
}

func (e *itemStream) build(kind string, more ...any) (string, fields) {
	f := fields{"type", kind}.with(more...).with("sequence_number", e.number)
	e.number++
	return kind, f
}

func (e *itemStream) send(kind string, more ...any) { e.event(e.build(kind, more...)) }

// fail is the error of a stream, and the response that failed.
func (e *itemStream) fail() {
	p := e.x.midway()
	e.send("error", "error", fields{"type", openAIError(p)[3], "code", orNull(p.Code), "message", p.Message, "param", nil})
	e.send("response.failed", "response", e.x.response("failed", nil, fields{"code", orNull(p.Code), "message", p.Message}, nil, []any{}, nil))
}

// pieces sends a text as deltas of the kind; before are the members before the delta,
// after those behind it.
func (e *itemStream) deltas(kind, said string, before, after []any) {
	obfuscated := object(e.x.body["stream_options"])["include_obfuscation"] != false && e.x.provider == "openai"
	for _, part := range e.x.pieces(said) {
		more := append(append(append([]any{}, before...), "delta", part), after...)
		if obfuscated {
			more = append(more, "obfuscation", e.x.obfuscation(e.sent))
		}
		name, f := e.build(kind, more...)
		e.piece(name, part, f, func() { e.number--; e.fail() })
	}
}

func (x *exchange) responsesStream(a answer) {
	e := &itemStream{events: x.stream("\n"), a: a}
	e.send("response.created", "response", x.running())
	e.send("response.in_progress", "response", x.running())
	for i, it := range x.items(a) {
		switch it.kind {
		case "reasoning":
			e.reasoning(it, i)
		case "function_call":
			e.functionCall(it, i)
		default:
			e.message(it, i)
		}
	}
	if e.ending() {
		e.send("response."+a.status(), "response", x.finished(a))
	}
	e.end()
}

func (e *itemStream) reasoning(it item, i int) {
	x, id := e.x, e.x.itemID("rs_", i)
	e.send("response.output_item.added", "item", fields{"id", id, "type", "reasoning", "summary", []any{}}, "output_index", i)
	if x.summarised() {
		at := []any{"item_id", id, "output_index", i, "summary_index", 0}
		e.send("response.reasoning_summary_part.added", append(at[:6:6], "part", fields{"type", "summary_text", "text", ""})...)
		e.deltas("response.reasoning_summary_text.delta", it.text, at, nil)
		if e.ending() {
			e.send("response.reasoning_summary_text.done", append(at[:6:6], "text", it.text)...)
			e.send("response.reasoning_summary_part.done", append(at[:6:6], "part", fields{"type", "summary_text", "text", it.text})...)
		}
	}
	if e.ending() {
		e.send("response.output_item.done", "item", it.whole(x, e.a, i), "output_index", i)
	}
}

func (e *itemStream) functionCall(it item, i int) {
	x, id := e.x, e.x.itemID("fc_", i)
	e.send("response.output_item.added", "item", x.functionCall(it, i, "in_progress", ""), "output_index", i)
	e.deltas("response.function_call_arguments.delta", it.text, nil, []any{"item_id", id, "output_index", i})
	if e.ending() {
		e.send("response.function_call_arguments.done", "arguments", it.text, "item_id", id, "output_index", i)
		e.send("response.output_item.done", "item", it.whole(x, e.a, i), "output_index", i)
	}
}

func (e *itemStream) message(it item, i int) {
	x, a := e.x, e.a
	at := []any{"content_index", 0, "item_id", x.itemID("msg_", i), "output_index", i}
	in := func(kind string, more ...any) { e.send(kind, append(at[:6:6], more...)...) }
	e.send("response.output_item.added", "item", x.message(i, "in_progress"), "output_index", i)
	in("response.content_part.added", "part", x.content(a, ""))
	if a.refusal != "" {
		e.deltas("response.refusal.delta", it.text, at, nil)
	} else {
		e.deltas("response.output_text.delta", it.text, at, []any{"logprobs", []any{}})
	}
	if !e.ending() {
		return
	}
	if a.refusal != "" {
		in("response.refusal.done", "refusal", it.text)
	} else {
		in("response.output_text.done", "logprobs", []any{}, "text", it.text)
	}
	in("response.content_part.done", "part", x.content(a, it.text))
	e.send("response.output_item.done", "item", x.message(i, a.status(), x.content(a, it.text)), "output_index", i)
}
