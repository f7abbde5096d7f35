package simulator

import (
	"strings"
	"time"
)

// chatMembers are what POST /v1/chat/completions knows (OpenAI's OpenAPI, 2026-08).
var chatMembers = members("model", "messages", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
	"max_completion_tokens", "max_tokens", "metadata", "modalities", "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty",
	"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed",
	"service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
	"verbosity", "web_search_options")

// chat answers POST /v1/chat/completions.
func (s *Simulator) chat(x *exchange) {
	x.row.Model = text(x.body["model"])
	last, promptBytes := conversation(x.body["messages"])
	if p := x.checkChat(); p != nil {
		x.fail(*p)
		return
	}
	if !x.prepare(last) {
		return
	}
	limit := number(x.body["max_completion_tokens"])
	if limit == 0 {
		limit = number(x.body["max_tokens"])
	}
	a := x.compose(last, promptBytes, limit)
	x.bill(a)
	x.row.ID = "chatcmpl-" + x.id
	x.openAIHeaders()
	if x.row.Stream {
		x.chatStream(a)
		return
	}
	answer := fields{
		"id", x.row.ID, "object", "chat.completion", "created", x.created.Unix(), "model", x.row.Model,
		"choices", []any{fields{
			"index", 0,
			"message", fields{"role", "assistant", "content", a.text, "refusal", nil, "annotations", []any{}},
			"logprobs", nil,
			"finish_reason", a.finish,
		}},
	}
	if !x.fault.NoUsage {
		answer = answer.with("usage", chatUsage(a))
	}
	x.json(answer.with("service_tier", "default", "system_fingerprint", nil))
}

func chatUsage(a answer) fields {
	return fields{
		"prompt_tokens", a.prompt, "completion_tokens", a.completion, "total_tokens", a.prompt + a.completion,
		"prompt_tokens_details", fields{"cached_tokens", 0, "audio_tokens", 0},
		"completion_tokens_details", fields{"reasoning_tokens", 0, "audio_tokens", 0, "accepted_prediction_tokens", 0, "rejected_prediction_tokens", 0},
	}
}

func (x *exchange) chatStream(a answer) {
	options := object(x.body["stream_options"])
	asked, _ := options["include_usage"].(bool)
	asked = asked && !x.fault.NoUsage
	obfuscated := options["include_obfuscation"] != false && x.provider == "openai"
	e := x.stream("\n")
	chunk := func(choices []any, usage any) fields {
		c := fields{"id", x.row.ID, "object", "chat.completion.chunk", "created", x.created.Unix(), "model", x.row.Model,
			"service_tier", "default", "system_fingerprint", nil, "choices", choices}
		if asked {
			c = c.with("usage", usage)
		}
		if obfuscated {
			c = c.with("obfuscation", x.obfuscation(e.sent))
		}
		return c
	}
	delta := func(d fields, finish any) fields {
		return chunk([]any{fields{"index", 0, "delta", d, "logprobs", nil, "finish_reason", finish}}, nil)
	}
	e.event("", delta(fields{"role", "assistant", "content", "", "refusal", nil}, nil))
	for _, part := range x.pieces(a.text) {
		e.piece("", part, delta(fields{"content", part}, nil), func() {
			e.event("", fields{"error", openAIError(x.midway())})
		})
	}
	if e.ending() {
		e.event("", delta(fields{}, a.finish))
		if asked {
			e.event("", chunk([]any{}, chatUsage(a)))
		}
		e.raw("", "[DONE]")
	}
	e.end()
}

// midway is the problem of an error event after a 200.
func (x *exchange) midway() problem {
	if p, ok := kinds[x.fault.Kind]; ok {
		return p
	}
	p := kinds["server"]
	p.Code = "server_error"
	return p
}

// obfuscation is the padding by which OpenAI hides the length of a piece.
func (x *exchange) obfuscation(n int) string {
	const letters = "a7Kq0ZmX3bVt9LrE"
	return letters[:1+(n*7)%len(letters)]
}

// openAIHeaders are on every answer of OpenAI's.
func (x *exchange) openAIHeaders() {
	h := x.w.Header()
	h.Set("x-request-id", "req_"+x.id)
	h.Set("openai-processing-ms", "5")
	h.Set("openai-version", "2020-10-01")
	for name, value := range map[string]string{
		"limit-requests": "10000", "remaining-requests": "9999", "reset-requests": "6ms",
		"limit-tokens": "2000000", "remaining-tokens": "1999000", "reset-tokens": (30 * time.Millisecond).String(),
	} {
		h.Set("x-ratelimit-"+name, value)
	}
}

// checkChat refuses what the real server refuses. A compatible server (raptor)
// passes over what it does not know, as most of them do.
func (x *exchange) checkChat() *problem {
	model, strict := x.row.Model, x.provider == "openai"
	messages, isList := x.body["messages"].([]any)
	switch unknown := unknownMember(x.body, chatMembers); {
	case model == "":
		return &problem{Status: 400, Message: "you must provide a model parameter"}
	case strict && unknown != "":
		return &problem{Status: 400, Param: unknown, Code: "unknown_parameter", Message: "Unknown parameter: '" + unknown + "'."}
	case !isList:
		return &problem{Status: 400, Param: "messages", Code: "missing_required_parameter", Message: "Missing required parameter: 'messages'."}
	case len(messages) == 0:
		return &problem{Status: 400, Param: "messages", Code: "empty_array", Message: "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."}
	case !knows(x.provider, model, x.created):
		return &problem{Status: 404, Code: "model_not_found", Message: "The model `" + model + "` does not exist or you do not have access to it."}
	case strict && embeds(model):
		return &problem{Status: 404, Param: "model", Message: "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?"}
	case strict && strings.Contains(model, "codex"):
		return &problem{Status: 404, Param: "model", Message: "This model is only supported in v1/responses and not in v1/chat/completions."}
	}
	if !strict || !reasoning(model) {
		return nil
	}
	if _, set := x.body["max_tokens"]; set {
		return &problem{Status: 400, Param: "max_tokens", Code: "unsupported_parameter", Message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}
	}
	for _, name := range []string{"temperature", "top_p"} {
		if v, set := x.body[name]; set && v != 1.0 {
			return &problem{Status: 400, Param: name, Code: "unsupported_value", Message: "Unsupported value: '" + name + "' does not support this value with this model. Only the default (1) value is supported."}
		}
	}
	return nil
}
