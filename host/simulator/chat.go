package simulator

import (
	"net/http"
	"strings"
)

// chat answers POST /v1/chat/completions.
func (s *Simulator) chat(x *exchange) {
	model := text(x.body["model"])
	last, promptBytes := conversation(x.body["messages"])
	if p := checkChat(x.body, model, x.provider); p != nil {
		x.row.Model = model
		x.fail(*p)
		return
	}
	if !x.prepare(model, last) {
		return
	}
	limit := number(x.body["max_completion_tokens"])
	if limit == 0 {
		limit = number(x.body["max_tokens"])
	}
	a := compose(x.provider, model, last, promptBytes, limit, x.fault)
	x.bill(a)
	x.openAIHeaders()
	id := "chatcmpl-" + x.id
	usage := map[string]any{
		"prompt_tokens": a.prompt, "completion_tokens": a.completion, "total_tokens": a.prompt + a.completion,
		"prompt_tokens_details":     map[string]any{"cached_tokens": 0, "audio_tokens": 0},
		"completion_tokens_details": map[string]any{"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
	}
	if stream, _ := x.body["stream"].(bool); stream {
		x.chatStream(a, id, model, usage)
		return
	}
	answer := map[string]any{
		"id": id, "object": "chat.completion", "created": x.created, "model": model, "service_tier": "default", "system_fingerprint": nil,
		"choices": []any{map[string]any{
			"index": 0, "message": map[string]any{"role": "assistant", "content": a.text, "refusal": nil, "annotations": []any{}},
			"logprobs": nil, "finish_reason": a.finish,
		}},
	}
	if !x.fault.NoUsage {
		answer["usage"] = usage
	}
	x.json(answer)
}

func (x *exchange) chatStream(a answer, id, model string, usage any) {
	asked, _ := object(x.body["stream_options"])["include_usage"].(bool)
	asked = asked && !x.fault.NoUsage
	e := x.stream("\n")
	chunk := func(choices []any) map[string]any {
		c := map[string]any{"id": id, "object": "chat.completion.chunk", "created": x.created, "model": model,
			"service_tier": "default", "system_fingerprint": nil, "choices": choices}
		if asked {
			c["usage"] = nil
		}
		return c
	}
	delta := func(d map[string]any, finish any) []any {
		return []any{map[string]any{"index": 0, "delta": d, "logprobs": nil, "finish_reason": finish}}
	}
	e.event("", chunk(delta(map[string]any{"role": "assistant", "content": "", "refusal": nil}, nil)))
	for _, part := range pieces(a.text, x.s.cfg.Chunks) {
		e.piece("", chunk(delta(map[string]any{"content": part}, nil)), func() {
			e.event("", map[string]any{"error": openAIError(problem{Status: 500, Message: "Simulated: the server had an error in mid-stream."})})
		})
	}
	if e.ending() {
		e.event("", chunk(delta(map[string]any{}, a.finish)))
		if asked {
			c := chunk([]any{})
			c["usage"] = usage
			e.event("", c)
		}
		e.raw("", "[DONE]")
	}
	e.end()
}

// openAIHeaders are on every answer of OpenAI's.
func (x *exchange) openAIHeaders() {
	h := x.w.Header()
	h.Set("x-request-id", "req_"+x.id)
	h.Set("openai-processing-ms", "5")
	h.Set("openai-version", "2020-10-01")
	for name, value := range map[string]string{
		"limit-requests": "10000", "remaining-requests": "9999", "reset-requests": "6ms",
		"limit-tokens": "2000000", "remaining-tokens": "1999000", "reset-tokens": "30ms",
	} {
		h.Set("x-ratelimit-"+name, value)
	}
}

// conversation returns the last user message's text and the bytes of all texts.
func conversation(messages any) (last string, bytes int) {
	for _, m := range list(messages) {
		message := object(m)
		t := joined(message["content"])
		bytes += len(t)
		if text(message["role"]) == "user" && t != "" {
			last = t
		}
	}
	return last, bytes
}

// reasoning reports whether the model is one that refuses sampling parameters.
func reasoning(model string) bool {
	return strings.HasPrefix(model, "gpt-5") || strings.HasPrefix(model, "o1") || strings.HasPrefix(model, "o3") || strings.HasPrefix(model, "o4")
}

// checkChat refuses what the real server refuses.
func checkChat(body map[string]any, model, provider string) *problem {
	messages, isList := body["messages"].([]any)
	switch {
	case model == "":
		return &problem{Status: 400, Message: "you must provide a model parameter"}
	case strings.Contains(model, "codex") && provider == "openai":
		return &problem{Status: 404, Param: "model", Message: "This model is only supported in v1/responses and not in v1/chat/completions."}
	case !isList:
		return &problem{Status: 400, Param: "messages", Code: "missing_required_parameter", Message: "Missing required parameter: 'messages'."}
	case len(messages) == 0:
		return &problem{Status: 400, Param: "messages", Code: "empty_array", Message: "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."}
	}
	if provider == "openai" && reasoning(model) {
		if _, set := body["max_tokens"]; set {
			return &problem{Status: 400, Param: "max_tokens", Code: "unsupported_parameter", Message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}
		}
		for _, name := range []string{"temperature", "top_p"} {
			if v, set := body[name]; set && v != 1.0 {
				return &problem{Status: 400, Param: name, Code: "unsupported_value", Message: "Unsupported value: '" + name + "' does not support this value with this model. Only the default (1) value is supported."}
			}
		}
	}
	if provider == "openai" {
		for _, name := range []string{"models"} {
			if _, set := body[name]; set {
				return &problem{Status: 400, Param: name, Code: "unknown_parameter", Message: "Unknown parameter: '" + name + "'."}
			}
		}
	}
	return nil
}

// listOpenAI answers GET /v1/models.
func (s *Simulator) listOpenAI(provider string) http.HandlerFunc {
	ids := []string{"gpt-4.1", "gpt-4o", "gpt-5", "gpt-5-mini", "gpt-5.1", "gpt-5.2", "gpt-5.3-codex", "gpt-5.4", "gpt-5.4-mini"}
	if provider == "raptor" {
		ids = []string{"raptor-mini"}
	}
	return func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{s: s, w: w, r: r, provider: provider}
		if credential(r) == "" {
			x.fail(problem{Status: 401, Message: "You didn't provide an API key."})
			return
		}
		var data []any
		for _, id := range ids {
			data = append(data, map[string]any{"id": id, "object": "model", "created": 1700000000, "owned_by": "simulator"})
		}
		x.json(map[string]any{"object": "list", "data": data})
	}
}
