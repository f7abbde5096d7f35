package simulator

import "fmt"

// responses answers POST /v1/responses.
func (s *Simulator) responses(x *exchange) {
	x.row.Model = text(x.body["model"])
	if p := x.checkResponses(); p != nil {
		x.fail(*p)
		return
	}
	q := x.responsesQuestion()
	if !x.prepare(q.last) {
		return
	}
	a := x.compose(q)
	x.bill(a)
	x.row.ID = "resp_" + x.id
	x.openAIHeaders()
	if x.row.Stream {
		x.responsesStream(a)
		return
	}
	x.json(x.finished(a))
}

func (a answer) status() string {
	if a.finish == "stop" || a.finish == "tool_calls" {
		return "completed"
	}
	return "incomplete"
}

// response is the response object in some state: its output, and what else depends on it.
func (x *exchange) response(status string, completed, failure, incomplete any, output []any, usage any) fields {
	or := func(name string, d any) any {
		if v, set := x.body[name]; set {
			return v
		}
		return d
	}
	return fields{
		"id", x.row.ID, "object", "response", "created_at", x.created.Unix(), "status", status, "background", false,
		"completed_at", completed, "error", failure, "frequency_penalty", 0.0, "incomplete_details", incomplete,
		"instructions", or("instructions", nil), "max_output_tokens", or("max_output_tokens", nil), "max_tool_calls", nil,
		"model", x.row.Model, "moderation", nil, "output", output, "parallel_tool_calls", or("parallel_tool_calls", true), "presence_penalty", 0.0,
		"previous_response_id", nil, "prompt_cache_key", nil, "prompt_cache_retention", nil,
		"reasoning", fields{"context", nil, "effort", object(x.body["reasoning"])["effort"], "summary", object(x.body["reasoning"])["summary"]},
		"safety_identifier", nil, "service_tier", "default", "store", or("store", true), "temperature", 1.0,
		"text", or("text", fields{"format", fields{"type", "text"}, "verbosity", "medium"}), "tool_choice", or("tool_choice", "auto"), "tools", or("tools", []any{}),
		"top_logprobs", 0, "top_p", 1.0, "truncation", "disabled", "usage", usage, "user", nil, "metadata", or("metadata", fields{}),
	}
}

// running is the response object before its end.
func (x *exchange) running() fields {
	return x.response("in_progress", nil, nil, nil, []any{}, nil)
}

// finished is the response object with its output and usage.
func (x *exchange) finished(a answer) fields {
	var incomplete, usage any
	switch a.finish {
	case "length":
		incomplete = fields{"reason", "max_output_tokens"}
	case "content_filter":
		incomplete = fields{"reason", "content_filter"}
	}
	if !x.fault.NoUsage {
		usage = fields{
			"input_tokens", a.prompt, "input_tokens_details", fields{"cached_tokens", a.cached},
			"output_tokens", a.completion, "output_tokens_details", fields{"reasoning_tokens", a.reasoning},
			"total_tokens", a.prompt + a.completion,
		}
	}
	output := []any{}
	for i, it := range x.items(a) {
		output = append(output, it.whole(x, a, i))
	}
	return x.response(a.status(), x.created.Unix(), nil, incomplete, output, usage)
}

// item is one item of an answer's output.
type item struct {
	kind string // reasoning, message or function_call
	text string // a call's arguments
	name string // of a call
}

// items are the items of an answer, in order.
func (x *exchange) items(a answer) []item {
	var out []item
	if a.thought != "" {
		out = append(out, item{kind: "reasoning", text: a.thought})
	}
	if len(a.calls) == 0 && (a.thought == "" || a.text != "" || a.refusal != "") {
		out = append(out, item{kind: "message", text: orElse(a.text, a.refusal)})
	}
	for _, c := range a.calls {
		out = append(out, item{kind: "function_call", text: c.args, name: c.name})
	}
	return out
}

// summarised reports whether the reasoning is told in words.
func (x *exchange) summarised() bool {
	mode := text(object(x.body["reasoning"])["summary"])
	return mode != "" && mode != "none"
}

func (it item) whole(x *exchange, a answer, i int) fields {
	switch it.kind {
	case "reasoning":
		summary := []any{}
		if x.summarised() {
			summary = append(summary, fields{"type", "summary_text", "text", it.text})
		}
		f := fields{"id", x.itemID("rs_", i), "type", "reasoning", "summary", summary}
		if x.included("reasoning.encrypted_content") {
			f = f.with("encrypted_content", x.sign(it.text))
		}
		return f
	case "function_call":
		return x.functionCall(it, i, "completed", it.text)
	}
	return x.message(i, a.status(), x.content(a, it.text))
}

// content is the one part of a message.
func (x *exchange) content(a answer, said string) fields {
	if a.refusal != "" {
		return fields{"type", "refusal", "refusal", said}
	}
	return outputText(said)
}

func (x *exchange) functionCall(it item, i int, status, args string) fields {
	return fields{"id", x.itemID("fc_", i), "type", "function_call", "status", status, "arguments", args, "call_id", x.callID("call_", 0, i), "name", it.name}
}

// itemID is the id of the i-th item; a first message has that of the response.
func (x *exchange) itemID(prefix string, i int) string {
	if i == 0 {
		return prefix + x.id
	}
	return fmt.Sprintf("%s%s%d", prefix, x.id, i)
}

func (x *exchange) included(name string) bool {
	for _, v := range list(x.body["include"]) {
		if v == name {
			return true
		}
	}
	return false
}

func (x *exchange) message(i int, status string, content ...any) fields {
	if content == nil {
		content = []any{}
	}
	return fields{"id", x.itemID("msg_", i), "type", "message", "status", status, "content", content, "role", "assistant"}
}

func outputText(text string) fields {
	return fields{"type", "output_text", "annotations", []any{}, "logprobs", []any{}, "text", text}
}
