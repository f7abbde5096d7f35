package simulator

// messagesQuestion reads a request of /v1/messages.
func (x *exchange) messagesQuestion() question {
	q := question{limit: number(x.body["max_tokens"]), stops: stopsOf(x.body["stop_sequences"]), preface: true}
	kind := text(object(x.body["thinking"])["type"])
	q.think = kind == "enabled" || kind == "adaptive"
	q.bytes = textBytes(x.body["system"])
	marked := x.body["cache_control"] != nil
	count := func(content any) {
		q.bytes += textBytes(content)
	}
	mark := func(content any) {
		for _, b := range list(content) {
			if object(b)["cache_control"] != nil {
				q.marked = q.bytes
			}
		}
	}
	mark(x.body["system"])
	for _, t := range list(x.body["tools"]) {
		tool := object(t)
		q.tools = append(q.tools, declared{text(tool["name"]), tool["input_schema"]})
		if tool["cache_control"] != nil {
			q.marked = max(q.marked, q.bytes)
		}
	}
	names := map[string]string{}
	for _, m := range list(x.body["messages"]) {
		message := object(m)
		count(message["content"])
		mark(message["content"])
		if text(message["role"]) == "assistant" {
			q.results = nil
			for _, b := range list(message["content"]) {
				if block := object(b); text(block["type"]) == "tool_use" {
					names[text(block["id"])] = text(block["name"])
				}
			}
			continue
		}
		if text(message["role"]) != "user" {
			continue
		}
		if said := joined(message["content"]); said != "" {
			q.last = said
		}
		for _, b := range list(message["content"]) {
			block := object(b)
			switch text(block["type"]) {
			case "tool_result":
				id := text(block["tool_use_id"])
				q.results = append(q.results, result{name: names[id], id: id, text: joined(block["content"])})
				for _, inner := range list(block["content"]) {
					q.attach(object(inner))
				}
			default:
				q.attach(block)
			}
		}
	}
	if marked {
		q.marked = q.bytes
	}
	if q.marked > 0 {
		q.cached = fields{"system", x.body["system"], "tools", x.body["tools"], "first", list(x.body["messages"])[0]}
	}
	choice := object(x.body["tool_choice"])
	q.choice = map[string]string{"": "auto", "auto": "auto", "any": "any", "none": "none", "tool": "named"}[text(choice["type"])]
	q.named = text(choice["name"])
	q.single = choice["disable_parallel_tool_use"] == true
	if format := object(object(x.body["output_config"])["format"]); text(format["type"]) == "json_schema" {
		q.format = format["schema"]
	}
	return q
}

// textBytes is the bytes of a content's texts, those of results with them.
func textBytes(content any) int {
	n := len(joined(content))
	for _, b := range list(content) {
		if block := object(b); text(block["type"]) == "tool_result" {
			n += len(joined(block["content"]))
		}
	}
	return n
}

// attach notes an image or a document.
func (q *question) attach(block map[string]any) {
	if said, _ := anthropicMedia(block); said != "" {
		q.media = append(q.media, said)
	}
}

// anthropicMedia describes an image or a document block; "" for any other.
func anthropicMedia(block map[string]any) (said string, bad bool) {
	kind := text(block["type"])
	if kind != "image" && kind != "document" {
		return "", false
	}
	source := object(block["source"])
	switch text(source["type"]) {
	case "base64":
		return describe(kind, text(source["media_type"]), text(source["data"]))
	case "url":
		return kind + " " + text(source["url"]), false
	case "file":
		return kind + " " + text(source["file_id"]), false
	case "text", "content":
		return kind + " of text", kind == "image"
	}
	return kind, true
}
