package simulator

// chatQuestion reads a request of /v1/chat/completions.
func (x *exchange) chatQuestion() question {
	q := question{limit: number(x.body["max_completion_tokens"]), choices: number(x.body["n"]), stops: stopsOf(x.body["stop"])}
	if q.limit == 0 {
		q.limit = number(x.body["max_tokens"])
	}
	names := map[string]string{}
	for _, m := range list(x.body["messages"]) {
		message := object(m)
		said := joined(message["content"])
		q.bytes += len(said)
		switch text(message["role"]) {
		case "user":
			q.results = nil
			if said != "" {
				q.last = said
			}
			for _, part := range list(message["content"]) {
				if d, _ := openAIMedia(object(part)); d != "" {
					q.media = append(q.media, d)
				}
			}
		case "assistant":
			q.results = nil
			for _, c := range list(message["tool_calls"]) {
				call := object(c)
				names[text(call["id"])] = text(object(call["function"])["name"])
			}
		case "tool":
			id := text(message["tool_call_id"])
			q.results = append(q.results, result{name: names[id], id: id, text: said})
		}
	}
	for _, t := range list(x.body["tools"]) {
		function := object(object(t)["function"])
		q.tools = append(q.tools, declared{text(function["name"]), function["parameters"]})
	}
	q.openAIChoice(x.body["tool_choice"])
	q.named = orElse(q.named, text(object(object(x.body["tool_choice"])["function"])["name"]))
	q.single = x.body["parallel_tool_calls"] == false
	format := object(x.body["response_format"])
	switch text(format["type"]) {
	case "json_schema":
		q.format = object(format["json_schema"])["schema"]
	case "json_object":
		q.json = true
	}
	effort := text(x.body["reasoning_effort"])
	q.think = effort != "" && effort != "none"
	if key := text(x.body["prompt_cache_key"]); key != "" {
		q.marked, q.cached = q.bytes, key
	}
	return q
}

// openAIChoice reads tool_choice, of Chat and of Responses.
func (q *question) openAIChoice(choice any) {
	switch c := choice.(type) {
	case string:
		q.choice = map[string]string{"required": "any"}[c]
		if q.choice == "" {
			q.choice = c
		}
	case map[string]any:
		q.choice, q.named = "named", text(c["name"])
		if text(c["type"]) == "allowed_tools" {
			allowed := c
			if nested := object(c["allowed_tools"]); nested != nil {
				allowed = nested
			}
			q.choice = map[string]string{"required": "any"}[text(allowed["mode"])]
			var tools []declared
			for _, t := range list(allowed["tools"]) {
				name := orElse(text(object(t)["name"]), text(object(object(t)["function"])["name"]))
				for _, d := range q.tools {
					if d.name == name {
						tools = append(tools, d)
					}
				}
			}
			q.tools = tools
		}
	}
	if q.choice == "" {
		q.choice = "auto"
	}
}

// openAIMedia describes a part of Chat's or of Responses' content that is no text.
func openAIMedia(part map[string]any) (said string, bad bool) {
	switch text(part["type"]) {
	case "image_url":
		return describeURL("image", text(object(part["image_url"])["url"]))
	case "input_audio":
		audio := object(part["input_audio"])
		return describe("audio", text(audio["format"]), text(audio["data"]))
	case "file":
		return openAIFile(object(part["file"]))
	case "input_image":
		if id := text(part["file_id"]); id != "" {
			return "image " + id, false
		}
		return describeURL("image", text(part["image_url"]))
	case "input_file":
		return openAIFile(part)
	}
	return "", false
}

func openAIFile(file map[string]any) (said string, bad bool) {
	switch {
	case text(file["file_id"]) != "":
		return "file " + text(file["file_id"]), false
	case text(file["file_url"]) != "":
		return describeURL("file", text(file["file_url"]))
	}
	return describeURL("file", text(file["file_data"]))
}

func stopsOf(v any) []string {
	if one := text(v); one != "" {
		return []string{one}
	}
	var out []string
	for _, s := range list(v) {
		out = append(out, text(s))
	}
	return out
}

func orElse(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
