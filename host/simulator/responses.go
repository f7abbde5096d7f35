package simulator

import "fmt"

// responsesMembers are what POST /v1/responses knows (OpenAI's OpenAPI, 2026-08).
var responsesMembers = members("model", "input", "instructions", "previous_response_id", "conversation", "tools", "tool_choice",
	"parallel_tool_calls", "max_output_tokens", "max_tool_calls", "temperature", "top_p", "top_logprobs", "text", "reasoning", "include",
	"store", "stream", "stream_options", "truncation", "background", "prompt", "metadata", "service_tier", "safety_identifier",
	"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "context_management", "moderation", "user")

// responses answers POST /v1/responses.
func (s *Simulator) responses(x *exchange) {
	x.row.Model = text(x.body["model"])
	last, promptBytes := inputItems(x.body["input"])
	promptBytes += len(text(x.body["instructions"]))
	if p := x.checkResponses(); p != nil {
		x.fail(*p)
		return
	}
	if !x.prepare(last) {
		return
	}
	a := x.compose(last, promptBytes, number(x.body["max_output_tokens"]))
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
	if a.finish == "stop" {
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
		"model", x.row.Model, "moderation", nil, "output", output, "parallel_tool_calls", true, "presence_penalty", 0.0,
		"previous_response_id", nil, "prompt_cache_key", nil, "prompt_cache_retention", nil,
		"reasoning", fields{"context", nil, "effort", object(x.body["reasoning"])["effort"], "summary", nil},
		"safety_identifier", nil, "service_tier", "default", "store", or("store", true), "temperature", 1.0,
		"text", fields{"format", fields{"type", "text"}, "verbosity", "medium"}, "tool_choice", "auto", "tools", []any{},
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
			"input_tokens", a.prompt, "input_tokens_details", fields{"cached_tokens", 0},
			"output_tokens", a.completion, "output_tokens_details", fields{"reasoning_tokens", 0},
			"total_tokens", a.prompt + a.completion,
		}
	}
	return x.response(a.status(), x.created.Unix(), nil, incomplete, []any{x.message(a.status(), outputText(a.text))}, usage)
}

func (x *exchange) message(status string, content ...any) fields {
	if content == nil {
		content = []any{}
	}
	return fields{"id", "msg_" + x.id, "type", "message", "status", status, "content", content, "role", "assistant"}
}

func outputText(text string) fields {
	return fields{"type", "output_text", "annotations", []any{}, "logprobs", []any{}, "text", text}
}

func (x *exchange) responsesStream(a answer) {
	e := x.stream("\n")
	sequence := 0
	event := func(kind string, more ...any) (string, fields) {
		f := fields{"type", kind}.with(more...).with("sequence_number", sequence)
		sequence++
		return kind, f
	}
	inItem := func(kind string, more ...any) (string, fields) {
		return event(kind, append([]any{"content_index", 0, "item_id", "msg_" + x.id, "output_index", 0}, more...)...)
	}
	obfuscated := object(x.body["stream_options"])["include_obfuscation"] != false && x.provider == "openai"
	e.event(event("response.created", "response", x.running()))
	e.event(event("response.in_progress", "response", x.running()))
	e.event(event("response.output_item.added", "item", x.message("in_progress"), "output_index", 0))
	e.event(inItem("response.content_part.added", "part", outputText("")))
	for _, part := range x.pieces(a.text) {
		more := []any{"delta", part, "logprobs", []any{}}
		if obfuscated {
			more = append(more, "obfuscation", x.obfuscation(e.sent))
		}
		kind, f := inItem("response.output_text.delta", more...)
		e.piece(kind, part, f, func() {
			p := x.midway()
			e.event(event("error", "error", fields{"type", openAIError(p)[3], "code", orNull(p.Code), "message", p.Message, "param", nil}))
			e.event(event("response.failed", "response", x.response("failed", nil, fields{"code", orNull(p.Code), "message", p.Message}, nil, []any{}, nil)))
		})
	}
	if e.ending() {
		e.event(inItem("response.output_text.done", "logprobs", []any{}, "text", a.text))
		e.event(inItem("response.content_part.done", "part", outputText(a.text)))
		e.event(event("response.output_item.done", "item", x.message(a.status(), outputText(a.text)), "output_index", 0))
		e.event(event("response."+a.status(), "response", x.finished(a)))
	}
	e.end()
}

// inputItems returns the last user text and the bytes of all texts of an input.
func inputItems(input any) (last string, bytes int) {
	if s, ok := input.(string); ok {
		return s, len(s)
	}
	return conversation(input)
}

// checkResponses refuses what the real server refuses.
func (x *exchange) checkResponses() *problem {
	model := x.row.Model
	if name := unknownMember(x.body, responsesMembers); name != "" {
		return &problem{Status: 400, Param: name, Code: "unknown_parameter", Message: fmt.Sprintf("Unknown parameter: '%s'.", name)}
	}
	if model == "" {
		return &problem{Status: 400, Param: "model", Code: "missing_required_parameter", Message: "Missing required parameter: 'model'."}
	}
	if !knows(x.provider, model, x.created) {
		return &problem{Status: 400, Param: "model", Code: "model_not_found", Message: "The requested model '" + model + "' does not exist."}
	}
	if limit, set := x.body["max_output_tokens"]; set && limit != nil && number(limit) < 16 {
		return &problem{Status: 400, Param: "max_output_tokens", Code: "integer_below_min_value", Message: "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16."}
	}
	if reasoning(model) && x.provider == "openai" {
		for _, name := range []string{"temperature", "top_p"} {
			if v, set := x.body[name]; set && v != nil {
				return &problem{Status: 400, Param: name, Code: "unsupported_parameter", Message: "Unsupported parameter: '" + name + "' is not supported with this model."}
			}
		}
	}
	return checkInput(x.body["input"])
}

// checkInput refuses an input that is missing, empty, or has content of the wrong side.
func checkInput(input any) *problem {
	switch v := input.(type) {
	case string:
	case []any:
		if len(v) == 0 {
			return &problem{Status: 400, Param: "input", Code: "empty_array", Message: "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead."}
		}
	default:
		return &problem{Status: 400, Param: "input", Code: "missing_required_parameter", Message: "Missing required parameter: 'input'."}
	}
	for i, v := range list(input) {
		role := text(object(v)["role"])
		for j, c := range list(object(v)["content"]) {
			kind := text(object(c)["type"])
			said := kind == "output_text" || kind == "refusal"
			if role != "" && said != (role == "assistant") {
				param := fmt.Sprintf("input[%d].content[%d]", i, j)
				return &problem{Status: 400, Param: param, Code: "invalid_value", Message: fmt.Sprintf("Invalid value: '%s' for the role '%s'.", kind, role)}
			}
		}
	}
	return nil
}
