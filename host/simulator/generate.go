package simulator

import (
	"encoding/json"
	"strings"
)

// google answers POST /v1beta/models/{model}:{method}.
func (s *Simulator) google(x *exchange) {
	model, method, _ := strings.Cut(x.r.PathValue("call"), ":")
	x.row.Model = model
	x.body = camel(x.body)
	switch method {
	case "countTokens":
		s.countGoogle(x)
	case "embedContent", "batchEmbedContents":
		s.embedGoogle(x, method)
	default:
		s.generate(x, method)
	}
}

// generate answers generateContent and streamGenerateContent.
func (s *Simulator) generate(x *exchange, method string) {
	config := camel(object(x.body["generationConfig"]))
	if p := x.checkGenerate(method, config); p != nil {
		x.fail(*p)
		return
	}
	// No member of the body says so here: the method does.
	x.body["stream"] = method == "streamGenerateContent"
	q := x.generateQuestion(config)
	if !x.prepare(q.last) {
		return
	}
	a := x.compose(q)
	a.logprobs = config["responseLogprobs"] == true
	x.bill(a)
	x.row.ID = "r" + x.id
	x.googleHeaders()
	switch {
	case a.refusal != "":
		x.blocked(a)
	case !x.row.Stream:
		x.json(x.whole(a))
	case x.r.URL.Query().Get("alt") == "sse":
		x.generateStream(a)
	default:
		x.generateArray(a)
	}
}

// blocked answers that the prompt was not let through: without candidates.
func (x *exchange) blocked(a answer) {
	a.completion, a.reasoning = 0, 0
	x.row.Completion, x.row.TextBytes = 0, 0
	r := fields{"promptFeedback", fields{"blockReason", "PROHIBITED_CONTENT"}}.with(x.about(a, 0, 0)...)
	if !x.row.Stream {
		x.json(r)
		return
	}
	e := x.stream("\r\n")
	x.contentType("text/event-stream")
	e.event("", r)
	e.end()
}

func googleFinish(a answer) any {
	switch a.finish {
	case "length":
		return "MAX_TOKENS"
	case "content_filter":
		return "SAFETY"
	}
	return "STOP"
}

// googleHeaders are on every answer of Google's. There is no request id.
func (x *exchange) googleHeaders() {
	x.w.Header().Set("server-timing", "gfet4t7; dur=5")
	x.w.Header().Set("x-gemini-service-tier", "standard")
}

// about is what a response says of itself: usage, model and id. A count of 0 is
// left out, as the real server does.
func (x *exchange) about(a answer, completion, reasoning int) fields {
	var r fields
	if !x.fault.NoUsage {
		usage := fields{"promptTokenCount", a.prompt}
		if completion > 0 {
			usage = usage.with("candidatesTokenCount", completion)
		}
		if reasoning > 0 {
			usage = usage.with("thoughtsTokenCount", reasoning)
		}
		if a.cached > 0 {
			usage = usage.with("cachedContentTokenCount", a.cached)
		}
		r = r.with("usageMetadata", usage.with("totalTokenCount", a.prompt+completion+reasoning,
			"promptTokensDetails", []any{fields{"modality", "TEXT", "tokenCount", a.prompt}}, "serviceTier", "standard"))
	}
	return r.with("modelVersion", x.row.Model, "responseId", x.row.ID)
}

// candidate is one candidate with these parts.
func candidate(index int, parts []any, finish any) fields {
	c := fields{"content", fields{"parts", parts, "role", "model"}}
	if finish != nil {
		c = c.with("finishReason", finish)
	}
	return c.with("index", index)
}

// callPart is the part of the i-th call. Gemini 3 gives it an id; the first of
// several has the signature for all.
func (x *exchange) callPart(choice, i int, c call) fields {
	f := fields{"name", c.name, "args", json.RawMessage(c.args)}
	if gemini3(x.row.Model) {
		f = f.with("id", x.callID("", choice, i))
	}
	part := fields{"functionCall", f}
	if i == 0 {
		part = part.with("thoughtSignature", x.sign(c.name+c.args))
	}
	return part
}

// whole is the answer as one response.
func (x *exchange) whole(a answer) fields {
	candidates := []any{}
	for choice := range a.choices {
		parts := []any{}
		if a.thought != "" {
			parts = append(parts, fields{"text", a.thought, "thought", true})
		}
		if a.text != "" || len(a.calls) == 0 {
			parts = append(parts, fields{"text", a.text})
		}
		for i, c := range a.calls {
			parts = append(parts, x.callPart(choice, i, c))
		}
		one := candidate(choice, parts, googleFinish(a))
		if len(a.calls) > 0 {
			one = one.with("finishMessage", "Model generated function call(s).")
		}
		if a.logprobs {
			one = one.with("avgLogprobs", -0.5, "logprobsResult", googleLogprobs(a.text))
		}
		candidates = append(candidates, one)
	}
	return fields{"candidates", candidates}.with(x.about(a, a.completion-a.reasoning, a.reasoning)...)
}

// googleLogprobs is the logprobs of a text, each word a token.
func googleLogprobs(said string) fields {
	chosen, top := []any{}, []any{}
	for i, word := range strings.SplitAfter(said, " ") {
		if word != "" {
			one := fields{"token", word, "tokenId", i, "logProbability", -0.5}
			chosen, top = append(chosen, one), append(top, fields{"candidates", []any{one}})
		}
	}
	return fields{"topCandidates", top, "chosenCandidates", chosen}
}

// each calls f with every piece of the answer as a response: counts are
// cumulative, and the last piece has the finish, after calls one of its own.
func (x *exchange) each(a answer, f func(said string, response fields)) {
	said := 0
	var finish any
	if !x.fault.NoEnd {
		finish = googleFinish(a)
	}
	send := func(text string, part fields, reasoning int, last bool) {
		count, thoughts, end := tokens(said), reasoning, any(nil)
		if last {
			count, thoughts, end = a.completion-a.reasoning, a.reasoning, finish
		}
		for choice := range a.choices {
			f(text, fields{"candidates", []any{candidate(choice, []any{part}, end)}}.with(x.about(a, count, thoughts)...))
		}
	}
	if a.thought != "" {
		for _, part := range x.pieces(a.thought) {
			send(part, fields{"text", part, "thought", true}, tokens(len(a.thought)), false)
		}
	}
	if a.text != "" || len(a.calls) == 0 {
		parts := x.pieces(a.text)
		for i, part := range parts {
			said += len(part)
			send(part, fields{"text", part}, a.reasoning, i == len(parts)-1 && len(a.calls) == 0)
		}
	}
	for i, c := range a.calls {
		said += len(c.args)
		for choice := range a.choices {
			f(c.args, fields{"candidates", []any{candidate(choice, []any{x.callPart(choice, i, c)}, nil)}}.with(x.about(a, tokens(said), a.reasoning)...))
		}
	}
	if len(a.calls) > 0 {
		send("", fields{"text", ""}, a.reasoning, true)
	}
}

func (x *exchange) generateStream(a answer) {
	e := x.stream("\r\n")
	x.contentType("text/event-stream")
	x.each(a, func(said string, response fields) {
		if said == "" && len(a.calls) > 0 {
			e.event("", response)
			return
		}
		e.piece("", said, response, func() {
			p := problem{Status: 503, Message: "The model is overloaded. Please try again later."}
			if known, ok := kinds[x.fault.Kind]; ok {
				p = known
			}
			e.event("", fields{"error", googleError(p)})
		})
	})
	e.end()
}

// generateArray answers a stream without alt=sse: one JSON array of all pieces.
func (x *exchange) generateArray(a answer) {
	all := []any{}
	x.each(a, func(_ string, response fields) { all = append(all, response) })
	x.row.Chunks, x.row.TextBytes = len(all), a.size()
	x.json(all)
}

// contents returns the last user text and the bytes of all texts.
func contents(body map[string]any) (last string, bytes int) {
	bytes = len(partsText(object(body["systemInstruction"])))
	for _, c := range list(body["contents"]) {
		content := object(c)
		t := partsText(content)
		bytes += len(t)
		if role := text(content["role"]); (role == "user" || role == "") && t != "" {
			last = t
		}
	}
	return last, bytes
}

func partsText(content map[string]any) string { return joined(content["parts"]) }

// camel returns the object with its own names in camel case: the real server takes
// snake_case too.
func camel(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, v := range m {
		words := strings.Split(name, "_")
		for i, w := range words[1:] {
			if w != "" {
				words[i+1] = strings.ToUpper(w[:1]) + w[1:]
			}
		}
		out[strings.Join(words, "")] = v
	}
	return out
}
