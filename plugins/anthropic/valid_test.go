package anthropic_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checker holds a request against what the Messages API refuses (API reference,
// November 2026). It knows nothing of the adapter.
type checker struct {
	marks int
	ids   map[string]bool // of all calls
	open  []string        // calls of the turn before, not answered yet
}

var (
	idPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	topLevel  = []string{"model", "max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier", "cache_control", "thinking", "output_config", "tools", "tool_choice", "system", "messages"}
)

// checkRequest returns what the API would refuse; nil when it would take the body.
func checkRequest(body string) error {
	var r map[string]any
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return err
	}
	for name := range r {
		if !slices.Contains(topLevel, name) {
			return fmt.Errorf("%s: extra inputs are not permitted", name)
		}
	}
	c := checker{ids: map[string]bool{}}
	c.mark(r)
	if model, _ := r["model"].(string); model == "" {
		return fmt.Errorf("model: %v", r["model"])
	}
	most, _ := r["max_tokens"].(float64)
	if most < 0 || most != float64(int64(most)) {
		return fmt.Errorf("max_tokens: %v", r["max_tokens"])
	}
	if t, ok := r["temperature"]; ok {
		if v, ok := t.(float64); !ok || v < 0 || v > 1 {
			return fmt.Errorf("temperature: %v", t)
		}
	}
	for _, stop := range list(r["stop_sequences"]) {
		if s, ok := stop.(string); !ok || strings.TrimSpace(s) == "" {
			return fmt.Errorf("stop_sequences: %q", stop)
		}
	}
	if err := c.checkTools(r); err != nil {
		return err
	}
	if err := checkThinking(r, most); err != nil {
		return err
	}
	for _, b := range list(r["system"]) {
		block, _ := b.(map[string]any)
		if block["type"] != "text" {
			return fmt.Errorf("system: %v", b)
		}
		if err := c.block(block, "system", false); err != nil {
			return fmt.Errorf("system: %w", err)
		}
	}
	if system, ok := r["system"]; ok && len(list(system)) == 0 {
		return fmt.Errorf("system: empty")
	}
	if err := c.turns(list(r["messages"])); err != nil {
		return err
	}
	if c.marks > 4 {
		return fmt.Errorf("%d blocks with cache_control, at most 4", c.marks)
	}
	return nil
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func (c *checker) mark(o map[string]any) {
	if _, ok := o["cache_control"]; ok {
		c.marks++
	}
}

func (c *checker) checkTools(r map[string]any) error {
	tools := list(r["tools"])
	if _, ok := r["tools"]; ok && len(tools) == 0 {
		return fmt.Errorf("tools: empty")
	}
	var names []any
	for _, t := range tools {
		tool := t.(map[string]any)
		c.mark(tool)
		names = append(names, tool["name"])
		if schema, _ := tool["input_schema"].(map[string]any); schema["type"] != "object" {
			return fmt.Errorf("tools: input_schema %v", tool["input_schema"])
		}
	}
	choice, ok := r["tool_choice"].(map[string]any)
	if !ok {
		return nil
	}
	if len(tools) == 0 {
		return fmt.Errorf("tool_choice without tools")
	}
	if choice["type"] == "tool" && !slices.Contains(names, choice["name"]) {
		return fmt.Errorf("tool_choice: no tool %v", choice["name"])
	}
	if thinking, _ := r["thinking"].(map[string]any); thinking != nil && thinking["type"] != "disabled" && (choice["type"] == "tool" || choice["type"] == "any") {
		return fmt.Errorf("thinking beside a forced call")
	}
	return nil
}

func checkThinking(r map[string]any, most float64) error {
	thinking, _ := r["thinking"].(map[string]any)
	if thinking["type"] != "enabled" && thinking["type"] != "adaptive" {
		return nil
	}
	if budget, ok := thinking["budget_tokens"].(float64); ok && (budget < 1024 || budget >= most) {
		return fmt.Errorf("thinking: budget %v of %v tokens", budget, most)
	}
	for _, name := range []string{"temperature", "top_k"} {
		if _, ok := r[name]; ok {
			return fmt.Errorf("%s beside thinking", name)
		}
	}
	messages := list(r["messages"])
	if last, _ := messages[len(messages)-1].(map[string]any); last["role"] == "assistant" {
		return fmt.Errorf("thinking beside a prefill")
	}
	return nil
}

func (c *checker) turns(messages []any) error {
	if len(messages) == 0 {
		return fmt.Errorf("messages: empty")
	}
	before := ""
	for i, m := range messages {
		turn := m.(map[string]any)
		role, _ := turn["role"].(string)
		blocks := list(turn["content"])
		if i == 0 && role != "user" || len(blocks) == 0 {
			return fmt.Errorf("messages.%d: role %q with %d blocks", i, role, len(blocks))
		}
		if role == "system" {
			next := ""
			if i+1 < len(messages) {
				next, _ = messages[i+1].(map[string]any)["role"].(string)
			}
			if before != "user" || next != "" && next != "assistant" {
				return fmt.Errorf("messages.%d: system between %q and %q", i, before, next)
			}
		}
		if len(c.open) > 0 && role != "user" {
			return fmt.Errorf("messages.%d: %q are not answered", i, c.open)
		}
		answering := len(c.open) > 0
		for j, b := range blocks {
			block := b.(map[string]any)
			if answering && block["type"] != "tool_result" && len(c.open) > 0 {
				return fmt.Errorf("messages.%d: %q are not answered first", i, c.open)
			}
			if err := c.block(block, role, false); err != nil {
				return fmt.Errorf("messages.%d.content.%d: %w", i, j, err)
			}
		}
		if role == "user" && len(c.open) > 0 {
			return fmt.Errorf("messages.%d: %q are not answered", i, c.open)
		}
		last := blocks[len(blocks)-1].(map[string]any)
		if kind := last["type"]; kind == "thinking" || kind == "redacted_thinking" {
			return fmt.Errorf("messages.%d: ends with thinking", i)
		}
		if text, ok := last["text"].(string); ok && role == "assistant" && i == len(messages)-1 && strings.TrimRight(text, " \t\r\n") != text {
			return fmt.Errorf("messages.%d: final assistant content ends with white space", i)
		}
		before = role
	}
	if len(c.open) > 0 {
		return fmt.Errorf("%q are not answered", c.open)
	}
	return nil
}

func (c *checker) block(b map[string]any, role string, inResult bool) error {
	c.mark(b)
	switch kind := b["type"]; kind {
	case "text":
		text, ok := b["text"].(string)
		if !ok || text == "" || len(text) <= 64 && strings.TrimSpace(text) == "" {
			return fmt.Errorf("text content blocks must contain non-whitespace text: %q", b["text"])
		}
		return nil
	case "image", "document":
		if role != "user" {
			return fmt.Errorf("%s of the %s", kind, role)
		}
		return checkSource(b["source"].(map[string]any), kind == "image")
	case "thinking", "redacted_thinking":
		if _, ok := b["cache_control"]; ok || role != "assistant" {
			return fmt.Errorf("%v of the %s, marked %v", kind, role, ok)
		}
		return nil
	case "tool_use":
		id, _ := b["id"].(string)
		if _, ok := b["input"].(map[string]any); !ok || role != "assistant" || !idPattern.MatchString(id) || c.ids[id] {
			return fmt.Errorf("tool_use %q with input %v", id, b["input"])
		}
		c.ids[id] = true
		c.open = append(c.open, id)
		return nil
	case "tool_result":
		id, _ := b["tool_use_id"].(string)
		at := slices.Index(c.open, id)
		if at < 0 || role != "user" || inResult {
			return fmt.Errorf("tool_result of %q, open are %q", id, c.open)
		}
		c.open = slices.Delete(c.open, at, at+1)
		return c.result(b)
	default:
		return fmt.Errorf("type %v", kind)
	}
}

func (c *checker) result(b map[string]any) error {
	for _, inner := range list(b["content"]) {
		inner := inner.(map[string]any)
		if b["is_error"] == true && inner["type"] != "text" {
			return fmt.Errorf("all content must be type 'text' if 'is_error' is true")
		}
		if err := c.block(inner, "user", true); err != nil {
			return err
		}
	}
	if content, ok := b["content"]; b["is_error"] == true && (!ok || content == "") {
		return fmt.Errorf("content cannot be empty if 'is_error' is true")
	}
	return nil
}

func checkSource(s map[string]any, image bool) error {
	media, _ := s["media_type"].(string)
	switch s["type"] {
	case "url":
		if url, _ := s["url"].(string); !strings.HasPrefix(strings.ToLower(url), "https://") {
			return fmt.Errorf("source: only HTTPS URLs are supported: %q", url)
		}
		return nil
	case "base64":
		if image != slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, media) || !image && media != "application/pdf" {
			return fmt.Errorf("source: media type %q", media)
		}
		return nil
	case "text":
		if image || media != "text/plain" {
			return fmt.Errorf("source: media type %q", media)
		}
		return nil
	}
	return fmt.Errorf("source: type %v", s["type"])
}

// What the check is worth: it refuses what the API does.
func TestCheckRequest(t *testing.T) {
	const hi = `{"role":"user","content":[{"type":"text","text":"hi"}]}`
	const use = `{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}`
	if err := checkRequest(`{"model":"m","max_tokens":1,"messages":[` + hi + `]}`); err != nil {
		t.Errorf("a valid request is refused: %v", err)
	}
	for _, body := range []string{
		`{"model":"m","max_tokens":1,"messages":[]}`,
		`{"model":"m","max_tokens":1,"n":1,"messages":[` + hi + `]}`,
		`{"model":"m","max_tokens":1,"temperature":1.5,"messages":[` + hi + `]}`,
		`{"model":"m","max_tokens":1,"stop_sequences":[" "],"messages":[` + hi + `]}`,
		`{"model":"m","max_tokens":1,"messages":[` + use + `]}`,
		`{"model":"m","max_tokens":1,"messages":[` + hi + `,` + use + `]}`,
		`{"model":"m","max_tokens":1,"messages":[` + hi + `,` + use + `,` + hi + `]}`,
		`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":" "}]}]}`,
		`{"model":"m","max_tokens":1,"messages":[` + hi + `,{"role":"system","content":[{"type":"text","text":"s"}]},` + hi + `]}`,
		`{"model":"m","max_tokens":1,"tool_choice":{"type":"auto"},"messages":[` + hi + `]}`,
		`{"model":"m","max_tokens":1024,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[` + hi + `]}`,
	} {
		if checkRequest(body) == nil {
			t.Errorf("checkRequest(%s) = nil, want an error", body)
		}
	}
}
