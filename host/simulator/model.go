package simulator

import (
	"strings"
	"time"
)

// served lists what GET /v1/models answers, by provider.
var served = map[string][]string{
	"openai":    {"gpt-4.1", "gpt-4o", "gpt-5", "gpt-5-mini", "gpt-5.1", "gpt-5.2", "gpt-5.3-codex", "gpt-5.4", "gpt-5.4-mini"},
	"raptor":    {"raptor-mini"},
	"anthropic": {"claude-sonnet-4-6", "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"},
	"google":    {"gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3.1-pro-preview"},
}

// families are the beginnings of the ids that a provider has; a provider that is
// not named has every id.
var families = map[string][]string{
	"openai":    {"gpt-", "chatgpt-", "codex-", "o1", "o3", "o4"},
	"anthropic": {"claude-"},
	"google":    {"gemini-", "gemma-"},
}

// retired is when the vendors switched upstream ids off. A gateway that still
// calls one is told what the vendor would say. Sources: OpenAI's deprecations page
// of 2026-04-22, Anthropic's of 2026-04-14.
var retired = map[string]time.Time{
	"gpt-5-codex":              time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC),
	"gpt-5.1-codex":            time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC),
	"gpt-5.1-codex-max":        time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC),
	"gpt-5.1-codex-mini":       time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC),
	"gpt-5.2-codex":            time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC),
	"claude-sonnet-4-20250514": time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC),
}

// knows reports whether the provider serves the model at that instant.
func knows(provider, model string, now time.Time) bool {
	if end, ok := retired[model]; ok && !now.Before(end) {
		return false
	}
	known, closed := families[provider]
	for _, family := range known {
		if strings.HasPrefix(model, family) {
			return true
		}
	}
	return !closed
}

// reasoning reports whether the model is one that refuses max_tokens and sampling
// parameters.
func reasoning(model string) bool {
	for _, family := range []string{"gpt-5", "o1", "o3", "o4"} {
		if strings.HasPrefix(model, family) {
			return true
		}
	}
	return false
}

// listOpenAI answers GET /v1/models and GET /v1/models/{id}.
func (s *Simulator) listOpenAI(x *exchange) {
	row := func(id string) fields {
		return fields{"id", id, "object", "model", "created", 1700000000, "owned_by", "simulator"}
	}
	x.openAIHeaders()
	if id := x.r.PathValue("id"); id != "" {
		if !knows(x.provider, id, s.cfg.Now()) {
			x.fail(problem{Status: 404, Code: "model_not_found", Param: "model", Message: "The model '" + id + "' does not exist"})
			return
		}
		x.json(row(id))
		return
	}
	data := []any{}
	for _, id := range served[x.provider] {
		data = append(data, row(id))
	}
	x.json(fields{"object", "list", "data", data})
}

// listAnthropic answers GET /v1/models.
func (s *Simulator) listAnthropic(x *exchange) {
	ids := served[x.provider]
	data := []any{}
	for _, id := range ids {
		data = append(data, fields{"type", "model", "id", id, "display_name", id, "created_at", "2025-11-01T00:00:00Z"})
	}
	x.anthropicHeaders()
	x.json(fields{"data", data, "has_more", false, "first_id", ids[0], "last_id", ids[len(ids)-1]})
}

// listGoogle answers GET /v1beta/models.
func (s *Simulator) listGoogle(x *exchange) {
	all := []any{}
	for _, id := range served[x.provider] {
		all = append(all, fields{"name", "models/" + id, "displayName", id, "inputTokenLimit", 1048576, "outputTokenLimit", 65536,
			"supportedGenerationMethods", []string{"generateContent", "countTokens"}})
	}
	x.googleHeaders()
	x.json(fields{"models", all})
}
