package simulator

import (
	"fmt"
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
	if p := x.checkChat(); p != nil {
		x.fail(*p)
		return
	}
	q := x.chatQuestion()
	if !x.prepare(q.last) {
		return
	}
	a := x.compose(q)
	a.logprobs = x.body["logprobs"] == true
	x.bill(a)
	x.row.ID = "chatcmpl-" + x.id
	x.openAIHeaders()
	if x.row.Stream {
		x.chatStream(a)
		return
	}
	choices := []any{}
	for i := range a.choices {
		choices = append(choices, fields{"index", i, "message", x.chatMessage(a, i), "logprobs", a.logprobsOf(a.text), "finish_reason", a.finish})
	}
	answer := fields{
		"id", x.row.ID, "object", "chat.completion", "created", x.created.Unix(), "model", x.row.Model,
		"choices", choices,
	}
	if !x.fault.NoUsage {
		answer = answer.with("usage", chatUsage(a))
	}
	x.json(answer.with("service_tier", "default", "system_fingerprint", nil))
}

// callID is the id of the i-th call of a choice.
func (x *exchange) callID(prefix string, choice, i int) string {
	return fmt.Sprintf("%s%s%d", prefix, x.id, choice*100+i)
}

func (x *exchange) chatMessage(a answer, choice int) fields {
	m := fields{"role", "assistant", "content", a.content(), "refusal", orNull(a.refusal)}
	if a.thought != "" && x.provider != "openai" {
		m = m.with("reasoning_content", a.thought)
	}
	if len(a.calls) > 0 {
		calls := []any{}
		for i, c := range a.calls {
			calls = append(calls, fields{"id", x.callID("call_", choice, i), "type", "function", "function", fields{"name", c.name, "arguments", c.args}})
		}
		m = m.with("tool_calls", calls)
	}
	return m.with("annotations", []any{})
}

// content is the text of a message; null beside calls and refusals.
func (a answer) content() any {
	if a.text == "" && (len(a.calls) > 0 || a.refusal != "") {
		return nil
	}
	return a.text
}

// logprobsOf is the logprobs of a text, each word a token; null when not asked for.
func (a answer) logprobsOf(said string) any {
	if !a.logprobs {
		return nil
	}
	content := []any{}
	for _, word := range strings.SplitAfter(said, " ") {
		if word != "" {
			content = append(content, fields{"token", word, "logprob", -0.5, "bytes", numbered(word), "top_logprobs", []any{}})
		}
	}
	return fields{"content", content, "refusal", nil}
}

// numbered is the bytes of a text as JSON numbers.
func numbered(s string) []int {
	out := make([]int, len(s))
	for i := range len(s) {
		out[i] = int(s[i])
	}
	return out
}

func chatUsage(a answer) fields {
	return fields{
		"prompt_tokens", a.prompt, "completion_tokens", a.completion, "total_tokens", a.prompt + a.completion,
		"prompt_tokens_details", fields{"cached_tokens", a.cached, "audio_tokens", 0},
		"completion_tokens_details", fields{"reasoning_tokens", a.reasoning, "audio_tokens", 0, "accepted_prediction_tokens", 0, "rejected_prediction_tokens", 0},
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
	delta := func(choice int, d fields, logprobs, finish any) fields {
		return chunk([]any{fields{"index", choice, "delta", d, "logprobs", logprobs, "finish_reason", finish}}, nil)
	}
	fail := func() { e.event("", fields{"error", openAIError(x.midway())}) }
	for choice := range a.choices {
		first := fields{"role", "assistant", "content", "", "refusal", nil}
		if a.content() == nil {
			first = fields{"role", "assistant", "content", nil}
		}
		e.event("", delta(choice, first, nil, nil))
	}
	// The pieces of several choices alternate.
	each := func(said string, event func(choice int, part string) fields) {
		if said == "" {
			return
		}
		for _, part := range x.pieces(said) {
			for choice := range a.choices {
				e.piece("", part, event(choice, part), fail)
			}
		}
	}
	if x.provider != "openai" {
		each(a.thought, func(choice int, part string) fields {
			return delta(choice, fields{"reasoning_content", part}, nil, nil)
		})
	}
	each(a.text, func(choice int, part string) fields {
		return delta(choice, fields{"content", part}, a.logprobsOf(part), nil)
	})
	each(a.refusal, func(choice int, part string) fields { return delta(choice, fields{"refusal", part}, nil, nil) })
	for i, c := range a.calls {
		for choice := range a.choices {
			e.event("", delta(choice, fields{"tool_calls", []any{fields{"index", i, "id", x.callID("call_", choice, i), "type", "function",
				"function", fields{"name", c.name, "arguments", ""}}}}, nil, nil))
		}
		each(c.args, func(choice int, part string) fields {
			return delta(choice, fields{"tool_calls", []any{fields{"index", i, "function", fields{"arguments", part}}}}, nil, nil)
		})
	}
	if e.ending() {
		for choice := range a.choices {
			e.event("", delta(choice, fields{}, nil, a.finish))
		}
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
