package simulator

import (
	"fmt"
	"net/http"
	"strings"
)

// generateMembers are what :generateContent knows (Gemini API discovery, 2025-12).
var (
	generateMembers = members("contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "serviceTier", "store", "generationConfig")
	generateConfig  = members("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed", "presencePenalty",
		"frequencyPenalty", "responseLogprobs", "logprobs", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
		"thinkingConfig", "mediaResolution", "speechConfig", "imageConfig")
)

// generate answers POST /v1beta/models/{model}:generateContent and :streamGenerateContent.
func (s *Simulator) generate(x *exchange) {
	model, method, _ := strings.Cut(x.r.PathValue("call"), ":")
	last, promptBytes := contents(x.body)
	if p := checkGenerate(x.body, method); p != nil {
		x.row.Model = model
		x.fail(*p)
		return
	}
	if !x.prepare(model, last) {
		return
	}
	config := object(x.body["generationConfig"])
	a := compose(x.provider, model, last, promptBytes, number(config["maxOutputTokens"]), x.fault)
	x.bill(a)
	x.w.Header().Set("x-gemini-service-tier", "standard")
	if method == "streamGenerateContent" {
		x.generateStream(a, model)
		return
	}
	x.json(x.candidate(model, a.text, googleFinish(a), a.prompt, a.completion))
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

// candidate is one GenerateContentResponse. A completion of 0 leaves its count out,
// as the real server does.
func (x *exchange) candidate(model, part string, finish any, prompt, completion int) map[string]any {
	content := map[string]any{"role": "model"}
	if part != "" {
		content["parts"] = []any{map[string]any{"text": part}}
	}
	c := map[string]any{"content": content, "index": 0}
	if finish != nil {
		c["finishReason"] = finish
	}
	r := map[string]any{"candidates": []any{c}, "modelVersion": model, "responseId": "r" + x.id}
	if !x.fault.NoUsage {
		usage := map[string]any{"promptTokenCount": prompt, "totalTokenCount": prompt + completion,
			"promptTokensDetails": []any{map[string]any{"modality": "TEXT", "tokenCount": prompt}}}
		if completion > 0 {
			usage["candidatesTokenCount"] = completion
		}
		r["usageMetadata"] = usage
	}
	return r
}

func (x *exchange) generateStream(a answer, model string) {
	if x.r.URL.Query().Get("alt") != "sse" {
		x.generateArray(a, model)
		return
	}
	e := x.stream("\r\n")
	parts := pieces(a.text, x.s.cfg.Chunks)
	said := 0
	for i, part := range parts {
		said += len(part)
		var finish any
		if i == len(parts)-1 && !x.fault.NoEnd {
			finish = googleFinish(a)
		}
		count := (said + 3) / 4
		if i == len(parts)-1 {
			count = a.completion
		}
		e.piece("", x.candidate(model, part, finish, a.prompt, count), func() {
			e.event("", map[string]any{"error": googleError(problem{Status: 503, Message: "The model is overloaded. Please try again later."})})
		})
	}
	e.end()
}

// generateArray answers without alt=sse: one JSON array of all pieces.
func (x *exchange) generateArray(a answer, model string) {
	parts := pieces(a.text, x.s.cfg.Chunks)
	var all []any
	for i, part := range parts {
		var finish any
		if i == len(parts)-1 {
			finish = googleFinish(a)
		}
		all = append(all, x.candidate(model, part, finish, a.prompt, a.completion))
	}
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

// checkGenerate refuses what the real server refuses.
func checkGenerate(body map[string]any, method string) *problem {
	if method != "generateContent" && method != "streamGenerateContent" {
		return &problem{Status: 404, Message: "Method not found."}
	}
	for name := range body {
		if !generateMembers[name] {
			return unknownName(name, "")
		}
	}
	for name := range object(body["generationConfig"]) {
		if !generateConfig[name] {
			return unknownName(name, "generation_config")
		}
	}
	all := list(body["contents"])
	if len(all) == 0 {
		return &problem{Status: 400, Message: "* GenerateContentRequest.contents: contents is not specified"}
	}
	for i, c := range all {
		content := object(c)
		if role := text(content["role"]); role != "" && role != "user" && role != "model" {
			return &problem{Status: 400, Message: "Please use a valid role: user, model."}
		}
		if len(list(content["parts"])) == 0 {
			return &problem{Status: 400, Message: fmt.Sprintf("* GenerateContentRequest.contents[%d].parts: contents.parts must not be empty.", i)}
		}
	}
	return nil
}

func unknownName(name, at string) *problem {
	return &problem{Status: 400, Message: fmt.Sprintf("Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", name, at)}
}

// listGoogle answers GET /v1beta/models.
func (s *Simulator) listGoogle(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, w: w, r: r, provider: "google"}
	if credential(r) == "" {
		x.fail(problem{Status: 403, Message: "Method doesn't allow unregistered callers."})
		return
	}
	var all []any
	for _, id := range []string{"gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3.1-pro-preview"} {
		all = append(all, map[string]any{"name": "models/" + id, "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
			"supportedGenerationMethods": []any{"generateContent", "countTokens"}})
	}
	x.json(map[string]any{"models": all})
}
