package simulator

import (
	"fmt"
	"strings"
)

// gemini3 reports whether the model is one of the third generation: its calls have
// ids, and their signatures must come back.
func gemini3(model string) bool { return strings.HasPrefix(model, "gemini-3") }

// generateQuestion reads a request of :generateContent.
func (x *exchange) generateQuestion(config map[string]any) question {
	q := question{limit: number(config["maxOutputTokens"]), choices: number(config["candidateCount"]), stops: stopsOf(config["stopSequences"])}
	q.last, q.bytes = contents(x.body)
	for _, c := range list(x.body["contents"]) {
		content := object(c)
		if text(content["role"]) == "model" {
			q.results = nil
		}
		for _, p := range list(content["parts"]) {
			part := camel(object(p))
			if said, _ := googleMedia(part); said != "" {
				q.media = append(q.media, said)
			}
			if r := camel(object(part["functionResponse"])); part["functionResponse"] != nil {
				returned := object(r["response"])
				said := string(encode(r["response"]))
				for _, name := range []string{"output", "error", "result"} {
					if one, ok := returned[name].(string); ok && len(returned) == 1 {
						said = one
					}
				}
				q.bytes += len(said)
				q.results = append(q.results, result{name: text(r["name"]), id: text(r["id"]), text: said})
				for _, inner := range list(r["parts"]) {
					if said, _ := googleMedia(camel(object(inner))); said != "" {
						q.media = append(q.media, said)
					}
				}
			}
		}
	}
	for _, t := range list(x.body["tools"]) {
		for _, d := range list(camel(object(t))["functionDeclarations"]) {
			declaration := camel(object(d))
			schema := declaration["parametersJsonSchema"]
			if schema == nil {
				schema = declaration["parameters"]
			}
			q.tools = append(q.tools, declared{text(declaration["name"]), schema})
		}
	}
	calling := camel(object(camel(object(x.body["toolConfig"]))["functionCallingConfig"]))
	q.choice = map[string]string{"ANY": "any", "NONE": "none"}[text(calling["mode"])]
	q.choice = orElse(q.choice, "auto")
	if allowed := list(calling["allowedFunctionNames"]); len(allowed) > 0 {
		var tools []declared
		for _, name := range allowed {
			for _, d := range q.tools {
				if d.name == text(name) {
					tools = append(tools, d)
				}
			}
		}
		q.tools = tools
	}
	if text(config["responseMimeType"]) == "application/json" {
		q.json = true
		if q.format = config["responseJsonSchema"]; q.format == nil {
			q.format = config["responseSchema"]
		}
	}
	q.think = camel(object(config["thinkingConfig"]))["includeThoughts"] == true
	if name := text(x.body["cachedContent"]); name != "" {
		q.marked, q.cached = q.bytes, name
		x.s.cache(x.provider, x.row.Model, q) // it was written when it was made
	}
	return q
}

// googleMedia describes a part that is no text; "" for any other.
func googleMedia(part map[string]any) (said string, bad bool) {
	if v := camel(object(part["inlineData"])); part["inlineData"] != nil {
		mediaType := text(v["mimeType"])
		kind, _, _ := strings.Cut(mediaType, "/")
		if kind == "application" || kind == "text" {
			kind = "document"
		}
		return describe(kind, mediaType, text(v["data"]))
	}
	if v := camel(object(part["fileData"])); part["fileData"] != nil {
		return fmt.Sprintf("file %s", text(v["fileUri"])), text(v["fileUri"]) == ""
	}
	return "", false
}
