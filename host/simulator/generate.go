package simulator

import (
	"fmt"
	"strings"
)

// generateMembers are what :generateContent knows (Gemini API discovery, 2025-12).
var (
	generateMembers = members("contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "serviceTier", "store", "generationConfig")
	generateConfig  = members("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed", "presencePenalty",
		"frequencyPenalty", "responseLogprobs", "logprobs", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
		"thinkingConfig", "mediaResolution", "speechConfig", "imageConfig")
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
	last, promptBytes := contents(x.body)
	if p := x.checkGenerate(method, config); p != nil {
		x.fail(*p)
		return
	}
	// No member of the body says so here: the method does.
	x.body["stream"] = method == "streamGenerateContent"
	if !x.prepare(last) {
		return
	}
	a := x.compose(last, promptBytes, number(config["maxOutputTokens"]))
	x.bill(a)
	x.row.ID = "r" + x.id
	x.googleHeaders()
	switch {
	case !x.row.Stream:
		x.json(x.candidate(a.text, googleFinish(a), a.prompt, a.completion))
	case x.r.URL.Query().Get("alt") == "sse":
		x.generateStream(a)
	default:
		x.generateArray(a)
	}
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

// candidate is one GenerateContentResponse. A completion of 0 leaves its count out,
// as the real server does.
func (x *exchange) candidate(part string, finish any, prompt, completion int) fields {
	c := fields{"content", fields{"parts", []any{fields{"text", part}}, "role", "model"}}
	if finish != nil {
		c = c.with("finishReason", finish)
	}
	r := fields{"candidates", []any{c.with("index", 0)}}
	if !x.fault.NoUsage {
		usage := fields{"promptTokenCount", prompt}
		if completion > 0 {
			usage = usage.with("candidatesTokenCount", completion)
		}
		r = r.with("usageMetadata", usage.with("totalTokenCount", prompt+completion,
			"promptTokensDetails", []any{fields{"modality", "TEXT", "tokenCount", prompt}}, "serviceTier", "standard"))
	}
	return r.with("modelVersion", x.row.Model, "responseId", x.row.ID)
}

// each calls f with every piece of the answer as a response: counts are
// cumulative, and the last piece has the finish.
func (x *exchange) each(a answer, f func(part string, response fields)) {
	parts, said := x.pieces(a.text), 0
	for i, part := range parts {
		said += len(part)
		count, finish := tokens(said), any(nil)
		if i == len(parts)-1 {
			count = a.completion
			if !x.fault.NoEnd {
				finish = googleFinish(a)
			}
		}
		f(part, x.candidate(part, finish, a.prompt, count))
	}
}

func (x *exchange) generateStream(a answer) {
	e := x.stream("\r\n")
	x.contentType("text/event-stream")
	x.each(a, func(part string, response fields) {
		e.piece("", part, response, func() {
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
	x.row.Chunks, x.row.TextBytes = len(all), len(a.text)
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

// checkGenerate refuses what the real server refuses.
func (x *exchange) checkGenerate(method string, config map[string]any) *problem {
	bad := func(format string, args ...any) *problem {
		return &problem{Status: 400, Message: fmt.Sprintf(format, args...)}
	}
	if method != "generateContent" && method != "streamGenerateContent" {
		return &problem{Status: 404, Message: "Requested entity was not found."}
	}
	if name := unknownMember(x.body, generateMembers); name != "" {
		return bad("Invalid JSON payload received. Unknown name %q: Cannot find field.", name)
	}
	if name := unknownMember(config, generateConfig); name != "" {
		return bad("Invalid JSON payload received. Unknown name %q at 'generation_config': Cannot find field.", name)
	}
	all := list(x.body["contents"])
	if len(all) == 0 {
		return bad("* GenerateContentRequest.contents: contents is not specified\n")
	}
	for i, c := range all {
		content := object(c)
		if role := text(content["role"]); role != "" && role != "user" && role != "model" {
			return bad("Please use a valid role: user, model.")
		}
		if len(list(content["parts"])) == 0 {
			return bad("* GenerateContentRequest.contents[%d].parts: contents.parts must not be empty.\n", i)
		}
	}
	if !knows(x.provider, x.row.Model, x.created) || embeds(x.row.Model) {
		p := notFoundGoogle(x.row.Model, method)
		return &p
	}
	return nil
}
