package simulator

// responsesQuestion reads a request of /v1/responses.
func (x *exchange) responsesQuestion() question {
	q := question{limit: number(x.body["max_output_tokens"])}
	q.last, q.bytes = inputItems(x.body["input"])
	q.bytes += len(text(x.body["instructions"]))
	names := map[string]string{}
	for _, v := range list(x.body["input"]) {
		in := object(v)
		switch text(in["type"]) {
		case "function_call":
			q.results = nil
			names[text(in["call_id"])] = text(in["name"])
		case "function_call_output":
			id := text(in["call_id"])
			said := joined(in["output"])
			q.bytes += len(said)
			q.results = append(q.results, result{name: names[id], id: id, text: said})
			q.attachAll(in["output"])
		case "", "message":
			if text(in["role"]) == "user" {
				q.results = nil
			}
			q.attachAll(in["content"])
		}
	}
	for _, t := range list(x.body["tools"]) {
		if tool := object(t); text(tool["type"]) == "function" {
			q.tools = append(q.tools, declared{text(tool["name"]), tool["parameters"]})
		}
	}
	q.openAIChoice(x.body["tool_choice"])
	q.single = x.body["parallel_tool_calls"] == false
	format := object(object(x.body["text"])["format"])
	switch text(format["type"]) {
	case "json_schema":
		q.format = format["schema"]
	case "json_object":
		q.json = true
	}
	effort := text(object(x.body["reasoning"])["effort"])
	q.think = reasoning(x.row.Model) && effort != "none" && (effort != "" || x.summarised())
	if key := text(x.body["prompt_cache_key"]); key != "" {
		q.marked, q.cached = q.bytes, key
	}
	return q
}

// attachAll notes the images and files of a content.
func (q *question) attachAll(content any) {
	for _, p := range list(content) {
		if said, _ := openAIMedia(object(p)); said != "" {
			q.media = append(q.media, said)
		}
	}
}

// inputItems returns the last user text and the bytes of all texts of an input.
func inputItems(input any) (last string, bytes int) {
	if s, ok := input.(string); ok {
		return s, len(s)
	}
	return conversation(input)
}
