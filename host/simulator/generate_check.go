package simulator

import "fmt"

// Members of generateContent and what is inside it (Gemini API discovery, 2025-12).
var (
	generateMembers = members("contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "serviceTier", "store", "generationConfig")
	generateConfig  = members("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed", "presencePenalty",
		"frequencyPenalty", "responseLogprobs", "logprobs", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
		"thinkingConfig", "mediaResolution", "speechConfig", "imageConfig")
	googlePartMembers = members("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
		"thought", "thoughtSignature", "videoMetadata", "mediaResolution", "toolCall", "toolResponse", "partMetadata")
	googleToolMembers     = members("functionDeclarations", "googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "fileSearch", "computerUse", "googleMaps", "mcpServers")
	declarationMembers    = members("name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior")
	functionCallMembers   = members("id", "name", "args")
	functionReplyMembers  = members("id", "name", "response", "parts", "willContinue", "scheduling")
	googleSchemaMembers   = members("type", "format", "title", "description", "nullable", "enum", "items", "minItems", "maxItems", "properties", "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering", "default")
	callingConfigMembers  = members("mode", "allowedFunctionNames")
	thinkingConfigMembers = members("includeThoughts", "thinkingBudget", "thinkingLevel")
)

func unknownName(name, at string) *problem {
	if at == "" {
		return refused("Invalid JSON payload received. Unknown name %q: Cannot find field.", name)
	}
	return refused("Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", name, at)
}

// checkGenerate refuses what the real server refuses.
func (x *exchange) checkGenerate(method string, config map[string]any) *problem {
	if method != "generateContent" && method != "streamGenerateContent" {
		return &problem{Status: 404, Message: "Requested entity was not found."}
	}
	if name := unknownMember(x.body, generateMembers); name != "" {
		return unknownName(name, "")
	}
	all := list(x.body["contents"])
	for _, check := range []func() *problem{
		func() *problem { return x.checkConfig(config) },
		func() *problem { return x.checkDeclarations() },
		func() *problem { return checkContents(all) },
		func() *problem { return checkTurns(all) },
	} {
		if p := check(); p != nil {
			return p
		}
	}
	if !knows(x.provider, x.row.Model, x.created) || embeds(x.row.Model) {
		p := notFoundGoogle(x.row.Model, method)
		return &p
	}
	return x.checkSignatures(all)
}

func (x *exchange) checkConfig(config map[string]any) *problem {
	if name := unknownMember(config, generateConfig); name != "" {
		return unknownName(name, "generation_config")
	}
	thinking := camel(object(config["thinkingConfig"]))
	if name := unknownMember(thinking, thinkingConfigMembers); name != "" {
		return unknownName(name, "generation_config.thinking_config")
	}
	_, budget := thinking["thinkingBudget"]
	_, level := thinking["thinkingLevel"]
	switch {
	case budget && level:
		return refused("You can only set only one of thinking budget and thinking level.")
	case level && !gemini3(x.row.Model):
		return refused("Thinking level is not supported for this model.")
	case len(list(config["stopSequences"])) > 5:
		return refused("* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are allowed\n")
	}
	if t, ok := config["temperature"].(float64); ok && (t < 0 || t > 2) {
		return refused("* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].\n")
	}
	schema, jsonSchema := config["responseSchema"], config["responseJsonSchema"]
	mime := text(config["responseMimeType"])
	switch {
	case (schema != nil || jsonSchema != nil) && mime != "application/json":
		return refused("* GenerateContentRequest.generation_config.response_schema: response_schema is only supported with response_mime_type application/json\n")
	case schema != nil && jsonSchema != nil:
		return refused("Only one of response_schema and response_json_schema can be set.")
	case mime == "application/json" && x.body["tools"] != nil && !gemini3(x.row.Model):
		return refused("Function calling with a response mime type: 'application/json' is unsupported")
	case config["logprobs"] != nil && config["responseLogprobs"] != true:
		return refused("logprobs is only supported when response_logprobs is true")
	}
	return checkGoogleSchema("generation_config.response_schema", schema, 0)
}

func (x *exchange) checkDeclarations() *problem {
	for i, t := range list(x.body["tools"]) {
		tool := camel(object(t))
		if name := unknownMember(tool, googleToolMembers); name != "" {
			return unknownName(name, fmt.Sprintf("tools[%d]", i))
		}
		for j, d := range list(tool["functionDeclarations"]) {
			at, declaration := fmt.Sprintf("tools[%d].function_declarations[%d]", i, j), camel(object(d))
			if name := unknownMember(declaration, declarationMembers); name != "" {
				return unknownName(name, at)
			}
			if name := text(declaration["name"]); name == "" || len(name) > 64 {
				return refused("* GenerateContentRequest.%s.name: Invalid function name. Must start with a letter or an underscore, with a maximum length of 64.\n", at)
			}
			if declaration["parameters"] != nil && declaration["parametersJsonSchema"] != nil {
				return refused("Only one of parameters and parameters_json_schema can be set.")
			}
			if p := checkGoogleSchema(at+".parameters", declaration["parameters"], 0); p != nil {
				return p
			}
		}
	}
	toolConfig := camel(object(x.body["toolConfig"]))
	if name := unknownMember(toolConfig, members("functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations")); name != "" {
		return unknownName(name, "tool_config")
	}
	calling := camel(object(toolConfig["functionCallingConfig"]))
	if name := unknownMember(calling, callingConfigMembers); name != "" {
		return unknownName(name, "tool_config.function_calling_config")
	}
	if mode := text(calling["mode"]); len(list(calling["allowedFunctionNames"])) > 0 && mode != "ANY" && mode != "VALIDATED" {
		return refused("Function calling config with allowed_function_names must have mode ANY or VALIDATED.")
	}
	return nil
}

// checkGoogleSchema refuses what is outside the subset of OpenAPI's schema.
func checkGoogleSchema(at string, schema any, depth int) *problem {
	s := camel(object(schema))
	if schema == nil || depth > maxNesting {
		return nil
	}
	if name := unknownMember(s, googleSchemaMembers); name != "" {
		return unknownName(name, at)
	}
	if _, isList := s["type"].([]any); isList {
		return refused("Invalid value at '%s.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type)", at)
	}
	for _, v := range list(s["enum"]) {
		if _, ok := v.(string); !ok {
			return refused("Invalid value at '%s.enum' (TYPE_STRING), %v", at, v)
		}
	}
	for name, p := range object(s["properties"]) {
		if problem := checkGoogleSchema(at+".properties["+name+"]", p, depth+1); problem != nil {
			return problem
		}
	}
	for _, p := range list(s["anyOf"]) {
		if problem := checkGoogleSchema(at+".any_of", p, depth+1); problem != nil {
			return problem
		}
	}
	return checkGoogleSchema(at+".items", s["items"], depth+1)
}

func checkContents(all []any) *problem {
	if len(all) == 0 {
		return refused("* GenerateContentRequest.contents: contents is not specified\n")
	}
	for i, c := range all {
		content := object(c)
		if name := unknownMember(content, members("role", "parts")); name != "" {
			return unknownName(name, fmt.Sprintf("contents[%d]", i))
		}
		if role := text(content["role"]); role != "" && role != "user" && role != "model" {
			return refused("Please use a valid role: user, model.")
		}
		if len(list(content["parts"])) == 0 {
			return refused("* GenerateContentRequest.contents[%d].parts: contents.parts must not be empty.\n", i)
		}
		for j, p := range list(content["parts"]) {
			if p := checkPart(fmt.Sprintf("contents[%d].parts[%d]", i, j), camel(object(p))); p != nil {
				return p
			}
		}
	}
	return nil
}

func checkPart(at string, part map[string]any) *problem {
	if name := unknownMember(part, googlePartMembers); name != "" {
		return unknownName(name, at)
	}
	data := 0
	for _, name := range []string{"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"} {
		if _, set := part[name]; set {
			data++
		}
	}
	if data != 1 {
		return refused("* GenerateContentRequest.%s.data: required oneof field 'data' must have one initialized field\n", at)
	}
	if _, bad := googleMedia(part); bad {
		return refused("Invalid value at '%s.inline_data.data' (TYPE_BYTES), Base64 decoding failed", at)
	}
	if v := object(part["functionCall"]); part["functionCall"] != nil {
		if name := unknownMember(v, functionCallMembers); name != "" {
			return unknownName(name, at+".function_call")
		}
		if _, isObject := v["args"].(map[string]any); v["args"] != nil && !isObject {
			return refused("Invalid value at '%s.function_call.args' (type.googleapis.com/google.protobuf.Struct)", at)
		}
	}
	if v := camel(object(part["functionResponse"])); part["functionResponse"] != nil {
		if name := unknownMember(v, functionReplyMembers); name != "" {
			return unknownName(name, at+".function_response")
		}
		if text(v["name"]) == "" {
			return refused("* GenerateContentRequest.%s.function_response.name: Name cannot be empty.\n", at)
		}
		if _, isObject := v["response"].(map[string]any); !isObject {
			return refused("Invalid value at '%s.function_response.response' (type.googleapis.com/google.protobuf.Struct)", at)
		}
	}
	return nil
}

// parted counts the parts of a content that have the member.
func parted(content map[string]any, member string) int {
	n := 0
	for _, p := range list(content["parts"]) {
		if camel(object(p))[member] != nil {
			n++
		}
	}
	return n
}

// checkTurns checks that calls follow a user and results follow their calls.
func checkTurns(all []any) *problem {
	for i, c := range all {
		content := object(c)
		calls, results := parted(content, "functionCall"), parted(content, "functionResponse")
		var before, after map[string]any
		if i > 0 {
			before = object(all[i-1])
		}
		if i+1 < len(all) {
			after = object(all[i+1])
		}
		switch {
		case calls > 0 && (before == nil || text(before["role"]) == "model"):
			return refused("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
		case calls > 0 && after != nil && parted(after, "functionResponse") != calls:
			return refused("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
		case results > 0 && parted(before, "functionCall") == 0:
			return refused("Please ensure that function response turn comes immediately after a function call turn.")
		}
	}
	return nil
}

// checkSignatures checks what Gemini 3 wants back: in the current turn, the first
// call of each step has the signature that it came with.
func (x *exchange) checkSignatures(all []any) *problem {
	if !gemini3(x.row.Model) {
		return nil
	}
	begin := 0
	for i, c := range all {
		if content := object(c); text(content["role"]) != "model" && parted(content, "functionResponse") == 0 {
			begin = i
		}
	}
	for i, c := range all[begin:] {
		first := true
		for j, p := range list(object(c)["parts"]) {
			part := camel(object(p))
			called := object(part["functionCall"])
			if called == nil {
				continue
			}
			signature := text(part["thoughtSignature"])
			switch {
			case signature == "" && first:
				return refused("Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:%s` , position %d. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.", text(called["name"]), begin+i+1)
			case signature != "" && signature != escapeSignature && !x.signed(signature):
				return refused("Corrupted thought signature. (contents[%d].parts[%d])", begin+i, j)
			}
			first = false
		}
	}
	return nil
}
