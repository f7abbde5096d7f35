package simulator

import "fmt"

// responsesMembers are what POST /v1/responses knows (OpenAI's OpenAPI, 2026-08).
var responsesMembers = members("model", "input", "instructions", "previous_response_id", "conversation", "tools", "tool_choice",
	"parallel_tool_calls", "max_output_tokens", "max_tool_calls", "temperature", "top_p", "top_logprobs", "text", "reasoning", "include",
	"store", "stream", "stream_options", "truncation", "background", "prompt", "metadata", "service_tier", "safety_identifier",
	"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "context_management", "moderation", "user")

func members(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// responses answers POST /v1/responses.
func (s *Simulator) responses(x *exchange) {
	model := text(x.body["model"])
	last, promptBytes := inputItems(x.body["input"])
	promptBytes += len(text(x.body["instructions"]))
	if p := checkResponses(x.body, model); p != nil {
		x.row.Model = model
		x.fail(*p)
		return
	}
	if !x.prepare(model, last) {
		return
	}
	a := compose(x.provider, model, last, promptBytes, number(x.body["max_output_tokens"]), x.fault)
	x.bill(a)
	x.openAIHeaders()
	if stream, _ := x.body["stream"].(bool); stream {
		x.responsesStream(a, model)
		return
	}
	x.json(x.response(a, model, a.status(), true))
}

func (a answer) status() string {
	if a.finish == "stop" {
		return "completed"
	}
	return "incomplete"
}

// response is the response object; output and usage are there when it is finished.
func (x *exchange) response(a answer, model, status string, finished bool) map[string]any {
	r := map[string]any{
		"id": "resp_" + x.id, "object": "response", "created_at": x.created, "status": status, "background": false, "error": nil,
		"incomplete_details": nil, "instructions": x.body["instructions"], "max_output_tokens": x.body["max_output_tokens"], "model": model,
		"output": []any{}, "parallel_tool_calls": true, "previous_response_id": nil, "store": x.body["store"],
		"tool_choice": "auto", "tools": []any{}, "truncation": "disabled", "usage": nil, "metadata": map[string]any{},
	}
	if !finished {
		return r
	}
	r["completed_at"] = x.created
	r["output"] = []any{x.message(a.text, "completed")}
	switch a.finish {
	case "length":
		r["incomplete_details"] = map[string]any{"reason": "max_output_tokens"}
	case "content_filter":
		r["incomplete_details"] = map[string]any{"reason": "content_filter"}
	}
	if !x.fault.NoUsage {
		r["usage"] = map[string]any{
			"input_tokens": a.prompt, "input_tokens_details": map[string]any{"cached_tokens": 0},
			"output_tokens": a.completion, "output_tokens_details": map[string]any{"reasoning_tokens": 0},
			"total_tokens": a.prompt + a.completion,
		}
	}
	return r
}

func (x *exchange) message(content, status string) map[string]any {
	parts := []any{}
	if status == "completed" {
		parts = []any{outputText(content)}
	}
	return map[string]any{"id": "msg_" + x.id, "type": "message", "status": status, "role": "assistant", "content": parts}
}

func outputText(content string) map[string]any {
	return map[string]any{"type": "output_text", "annotations": []any{}, "logprobs": []any{}, "text": content}
}

func (x *exchange) responsesStream(a answer, model string) {
	e := x.stream("\n")
	sequence := 0
	event := func(kind string, fields map[string]any) (string, map[string]any) {
		fields["type"], fields["sequence_number"] = kind, sequence
		sequence++
		return kind, fields
	}
	item := map[string]any{"item_id": "msg_" + x.id, "output_index": 0, "content_index": 0}
	with := func(name string, v any) map[string]any {
		m := map[string]any{name: v}
		for k, v := range item {
			m[k] = v
		}
		return m
	}
	e.event(event("response.created", map[string]any{"response": x.response(a, model, "in_progress", false)}))
	e.event(event("response.in_progress", map[string]any{"response": x.response(a, model, "in_progress", false)}))
	e.event(event("response.output_item.added", map[string]any{"output_index": 0, "item": x.message("", "in_progress")}))
	e.event(event("response.content_part.added", with("part", outputText(""))))
	for _, part := range pieces(a.text, x.s.cfg.Chunks) {
		fields := with("delta", part)
		fields["logprobs"] = []any{}
		kind, fields := event("response.output_text.delta", fields)
		e.piece(kind, fields, func() {
			e.event(event("error", map[string]any{"error": map[string]any{"type": "server_error", "code": "server_is_overloaded", "message": "Simulated: overloaded in mid-stream.", "param": nil}}))
			failed := x.response(a, model, "failed", false)
			failed["error"] = map[string]any{"code": "server_is_overloaded", "message": "Simulated: overloaded in mid-stream."}
			e.event(event("response.failed", map[string]any{"response": failed}))
		})
	}
	if e.ending() {
		e.event(event("response.output_text.done", with("text", a.text)))
		e.event(event("response.content_part.done", with("part", outputText(a.text))))
		e.event(event("response.output_item.done", map[string]any{"output_index": 0, "item": x.message(a.text, "completed")}))
		e.event(event("response."+a.status(), map[string]any{"response": x.response(a, model, a.status(), true)}))
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
func checkResponses(body map[string]any, model string) *problem {
	for name := range body {
		if !responsesMembers[name] {
			return &problem{Status: 400, Param: name, Code: "unknown_parameter", Message: fmt.Sprintf("Unknown parameter: '%s'.", name)}
		}
	}
	if model == "" {
		return &problem{Status: 400, Param: "model", Code: "missing_required_parameter", Message: "Missing required parameter: 'model'."}
	}
	if limit, set := body["max_output_tokens"]; set && number(limit) < 16 {
		return &problem{Status: 400, Param: "max_output_tokens", Code: "integer_below_min_value", Message: "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16."}
	}
	if reasoning(model) {
		for _, name := range []string{"temperature", "top_p"} {
			if _, set := body[name]; set {
				return &problem{Status: 400, Param: name, Code: "unsupported_parameter", Message: "Unsupported parameter: '" + name + "' is not supported with this model."}
			}
		}
	}
	for i, v := range list(body["input"]) {
		item := object(v)
		role := text(item["role"])
		for j, c := range list(item["content"]) {
			kind := text(object(c)["type"])
			wrong := role == "assistant" && kind != "output_text" && kind != "refusal" || role != "assistant" && role != "" && kind == "output_text"
			if wrong {
				param := fmt.Sprintf("input[%d].content[%d]", i, j)
				return &problem{Status: 400, Param: param, Code: "invalid_value", Message: fmt.Sprintf("Invalid value: '%s' for the role '%s'.", kind, role)}
			}
		}
	}
	switch v := body["input"].(type) {
	case string:
	case []any:
		if len(v) == 0 {
			return &problem{Status: 400, Param: "input", Code: "empty_array", Message: "Invalid 'input': empty array."}
		}
	default:
		return &problem{Status: 400, Param: "input", Code: "missing_required_parameter", Message: "Missing required parameter: 'input'."}
	}
	return nil
}
