package simulator

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// messagesMembers are what POST /v1/messages knows (anthropic-sdk-go v1.84.0); any
// other is refused. So it is with the members of messages, blocks and tools.
var (
	messagesMembers = members("model", "max_tokens", "messages", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream",
		"metadata", "tools", "tool_choice", "thinking", "output_config", "service_tier", "cache_control", "container", "speed", "inference_geo", "diagnostics")
	// betaMembers are known to callers of a beta (BetaMessageNewParams there).
	betaMembers  = members(append(slices.Collect(maps.Keys(messagesMembers)), "context_management", "mcp_servers", "output_format")...)
	blockMembers = map[string]map[string]bool{
		"text":              members("type", "text", "cache_control", "citations"),
		"image":             members("type", "source", "cache_control"),
		"document":          members("type", "source", "cache_control", "citations", "context", "title"),
		"tool_use":          members("type", "id", "name", "input", "cache_control", "caller"),
		"tool_result":       members("type", "tool_use_id", "content", "is_error", "cache_control"),
		"thinking":          members("type", "thinking", "signature"),
		"redacted_thinking": members("type", "data"),
	}
	toolMembers    = members("type", "name", "description", "input_schema", "cache_control", "strict", "defer_loading", "eager_input_streaming", "input_examples", "allowed_callers")
	toolUseID      = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	toolName       = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	imageTypes     = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	oneSampling    = []string{"claude-opus-4-1", "claude-opus-4-5", "claude-opus-4-6", "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-haiku-4-5"}
	maxCacheMarks  = 4
	leastThinking  = 1024
	withoutPrefill = []string{"claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-7", "claude-opus-5"}
)

func refused(format string, args ...any) *problem {
	return &problem{Status: 400, Message: fmt.Sprintf(format, args...)}
}

// checkMessages refuses what the real server refuses.
func (x *exchange) checkMessages() *problem {
	if x.r.Header.Get("anthropic-version") == "" {
		return refused("anthropic-version: header is required")
	}
	known := messagesMembers
	if x.r.Header.Get("anthropic-beta") != "" {
		known = betaMembers
	}
	if name := unknownMember(x.body, known); name != "" {
		return refused("%s: Extra inputs are not permitted", name)
	}
	if x.row.Model == "" {
		return refused("model: Field required")
	}
	if _, ok := x.body["max_tokens"].(float64); !ok {
		return refused("max_tokens: Field required")
	}
	all, isList := x.body["messages"].([]any)
	if !isList {
		return refused("messages: Field required")
	}
	if len(all) == 0 {
		return refused("messages: at least one message is required")
	}
	if role := text(object(all[0])["role"]); role != "user" {
		return refused("messages: first message must use the \"user\" role")
	}
	for i, m := range all {
		if p := checkMessage(i, m); p != nil {
			return p
		}
	}
	if p := checkUses(all); p != nil {
		return p
	}
	if p := x.checkLastMessage(object(all[len(all)-1])); p != nil {
		return p
	}
	if p := x.checkTools(); p != nil {
		return p
	}
	if p := x.checkSampling(); p != nil {
		return p
	}
	if p := x.checkThinking(all); p != nil {
		return p
	}
	if n := marks(x.body, 0); n > maxCacheMarks {
		return refused("A maximum of %d blocks with cache_control may be provided. Found %d.", maxCacheMarks, n)
	}
	format := object(object(x.body["output_config"])["format"])
	if format != nil && !closedSchema(format["schema"], 0) {
		return refused("output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
	}
	if !knows(x.provider, x.row.Model, x.created) {
		return &problem{Status: 404, Message: "model: " + x.row.Model}
	}
	return nil
}

func checkMessage(i int, m any) *problem {
	message, isObject := m.(map[string]any)
	if !isObject {
		return refused("messages.%d: Input does not match the expected shape.", i)
	}
	role := text(message["role"])
	if role != "user" && role != "assistant" && role != "system" {
		return refused("messages: Unexpected role \"%s\". Allowed roles are \"user\" or \"assistant\".", role)
	}
	if name := unknownMember(message, members("role", "content")); name != "" {
		return refused("messages.%d.%s: Extra inputs are not permitted", i, name)
	}
	blocks, isList := message["content"].([]any)
	if message["content"] == nil || message["content"] == "" || isList && len(blocks) == 0 {
		return refused("messages.%d: all messages must have non-empty content", i)
	}
	for j, b := range blocks {
		if p := checkBlock(fmt.Sprintf("messages.%d.content.%d", i, j), role, object(b)); p != nil {
			return p
		}
	}
	return nil
}

func checkBlock(at, role string, b map[string]any) *problem {
	kind := text(b["type"])
	known, ok := blockMembers[kind]
	if !ok {
		return refused("%s: Input tag '%s' found using 'type' does not match any of the expected tags", at, kind)
	}
	if name := unknownMember(b, known); name != "" {
		return refused("%s.%s.%s: Extra inputs are not permitted", at, kind, name)
	}
	switch kind {
	case "text":
		if text(b["text"]) == "" {
			return refused("%s.text: text content blocks must be non-empty", at)
		}
	case "image", "document":
		source := object(b["source"])
		if _, bad := anthropicMedia(b); bad {
			return refused("%s.%s.source.base64: invalid base64 data", at, kind)
		}
		if mediaType := text(source["media_type"]); kind == "image" && text(source["type"]) == "base64" && !slices.Contains(imageTypes, mediaType) {
			return refused("%s.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'", at)
		}
		if url := text(source["url"]); text(source["type"]) == "url" && !strings.HasPrefix(url, "https://") {
			return refused("%s.%s.source.url.url: Only HTTPS URLs are supported.", at, kind)
		}
	case "tool_use":
		if role != "assistant" {
			return refused("%s: `tool_use` blocks can only be in `assistant` messages", at)
		}
		if _, ok := b["input"].(map[string]any); !ok {
			return refused("%s.tool_use.input: Input should be a valid dictionary", at)
		}
		if !toolUseID.MatchString(text(b["id"])) {
			return refused("%s.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'", at)
		}
	case "tool_result":
		if role != "user" {
			return refused("%s: `tool_result` blocks can only be in `user` messages", at)
		}
		for j, inner := range list(b["content"]) {
			if p := checkBlock(fmt.Sprintf("%s.tool_result.content.%d", at, j), role, object(inner)); p != nil {
				return p
			}
		}
	case "thinking", "redacted_thinking":
		if role != "assistant" {
			return refused("%s: `%s` blocks can only be in `assistant` messages", at, kind)
		}
		if kind == "thinking" && text(b["signature"]) == "" {
			return refused("%s.thinking.signature: Field required", at)
		}
	}
	return nil
}

// checkUses checks that results follow their calls. Turns of one role in a row count
// as one, as the real server merges them.
func checkUses(all []any) *problem {
	open, seen, lastRole := map[string]bool{}, map[string]bool{}, ""
	unanswered := func(i int) *problem {
		if len(open) == 0 {
			return nil
		}
		return refused("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i, keysOf(open))
	}
	for i, m := range all {
		message := object(m)
		role := text(message["role"])
		if role != "user" && role != "assistant" {
			continue
		}
		if role == "assistant" && lastRole != role {
			if p := unanswered(i - 1); p != nil {
				return p
			}
		}
		others := false
		for j, b := range list(message["content"]) {
			block := object(b)
			switch text(block["type"]) {
			case "tool_use":
				id := text(block["id"])
				if seen[id] {
					return refused("messages.%d.content.%d: `tool_use` ids must be unique", i, j)
				}
				open[id], seen[id] = true, true
			case "tool_result":
				id := text(block["tool_use_id"])
				if !open[id] {
					return refused("messages.%d.content.%d: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", i, j, id)
				}
				if others {
					return refused("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s.", i-1, id)
				}
				delete(open, id)
			default:
				others = others || role == "user"
			}
		}
		if role == "user" {
			if p := unanswered(i - 1); p != nil {
				return p
			}
		}
		lastRole = role
	}
	return unanswered(len(all) - 1)
}

// checkLastMessage checks a prefill.
func (x *exchange) checkLastMessage(last map[string]any) *problem {
	if text(last["role"]) != "assistant" {
		return nil
	}
	for _, id := range withoutPrefill {
		if strings.HasPrefix(x.row.Model, id) {
			return refused("This model does not support assistant message prefill. The conversation must end with a user message.")
		}
	}
	if said := joined(last["content"]); said != strings.TrimRight(said, " \t\r\n") {
		return refused("messages: final assistant content cannot end with trailing whitespace")
	}
	return nil
}

func (x *exchange) checkTools() *problem {
	tools, set := x.body["tools"].([]any)
	choice := object(x.body["tool_choice"])
	if !set {
		if choice != nil && text(choice["type"]) != "none" {
			return refused("tool_choice: may only be specified while providing tools")
		}
		return nil
	}
	if len(tools) == 0 {
		return refused("tools: List should have at least 1 item after validation, not 0")
	}
	named := text(choice["name"])
	found := named == ""
	for i, t := range tools {
		tool := object(t)
		name, kind := text(tool["name"]), text(tool["type"])
		found = found || name == named
		if kind != "" && kind != "custom" {
			continue
		}
		if unknown := unknownMember(tool, toolMembers); unknown != "" {
			return refused("tools.%d.custom.%s: Extra inputs are not permitted", i, unknown)
		}
		if !toolName.MatchString(name) {
			return refused("tools.%d.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", i)
		}
		schema := object(tool["input_schema"])
		if schema == nil {
			return refused("tools.%d.custom.input_schema: Field required", i)
		}
		if text(schema["type"]) != "object" {
			return refused("tools.%d.custom.input_schema.type: Input should be 'object'", i)
		}
	}
	if !found {
		return refused("Tool '%s' not found in provided tools", named)
	}
	return nil
}

func (x *exchange) checkSampling() *problem {
	t, hasTemperature := x.body["temperature"].(float64)
	_, hasTopP := x.body["top_p"]
	if hasTemperature && (t < 0 || t > 1) {
		return refused("temperature: range: 0..1")
	}
	if hasTemperature && hasTopP {
		for _, id := range oneSampling {
			if strings.HasPrefix(x.row.Model, id) {
				return refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
			}
		}
	}
	for _, s := range list(x.body["stop_sequences"]) {
		if strings.TrimSpace(text(s)) == "" {
			return refused("stop_sequences: each stop sequence must contain non-whitespace")
		}
	}
	return nil
}

func (x *exchange) checkThinking(all []any) *problem {
	thinking := object(x.body["thinking"])
	kind := text(thinking["type"])
	if kind != "enabled" && kind != "adaptive" {
		return nil
	}
	if choice := text(object(x.body["tool_choice"])["type"]); choice == "any" || choice == "tool" {
		return refused("Thinking may not be enabled when tool_choice forces tool use.")
	}
	if kind == "enabled" {
		budget := number(thinking["budget_tokens"])
		if budget < leastThinking {
			return refused("thinking.enabled.budget_tokens: Input should be greater than or equal to %d", leastThinking)
		}
		if budget >= number(x.body["max_tokens"]) {
			return refused("`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size")
		}
		if t, set := x.body["temperature"]; set && t != 1.0 {
			return refused("`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking")
		}
		if _, set := x.body["top_k"]; set {
			return refused("`top_k` must be unset when thinking is enabled.")
		}
	}
	for i, m := range all {
		message := object(m)
		if text(message["role"]) != "assistant" {
			continue
		}
		blocks := list(message["content"])
		for j, b := range blocks {
			if block := object(b); text(block["type"]) == "thinking" && !x.signed(text(block["signature"])) {
				return refused("messages.%d.content.%d: Invalid `signature` in `thinking` block", i, j)
			}
		}
		if kind != "enabled" || i != len(all)-2 || len(blocks) == 0 {
			continue
		}
		first := text(object(blocks[0])["type"])
		if answered := list(object(all[i+1])["content"]); len(answered) > 0 && text(object(answered[0])["type"]) == "tool_result" &&
			first != "thinking" && first != "redacted_thinking" {
			return refused("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%s`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).", i, first)
		}
	}
	return nil
}

// marks counts the blocks with cache_control.
func marks(v any, depth int) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		if v["cache_control"] != nil {
			n++
		}
		for name, member := range v {
			if depth < maxNesting && name != "input_schema" && name != "input" {
				n += marks(member, depth+1)
			}
		}
	case []any:
		for _, element := range v {
			n += marks(element, depth)
		}
	}
	return n
}

// closedSchema reports whether every object of the schema takes no further members.
func closedSchema(schema any, depth int) bool {
	s := object(schema)
	if s == nil || depth > maxNesting {
		return true
	}
	if text(s["type"]) == "object" && s["additionalProperties"] != false {
		return false
	}
	for _, p := range object(s["properties"]) {
		if !closedSchema(p, depth+1) {
			return false
		}
	}
	return closedSchema(s["items"], depth+1)
}
