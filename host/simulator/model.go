package simulator

import (
	"strings"
	"time"
)

// served lists what GET /v1/models answers, by provider.
var served = map[string][]string{
	"openai": {"gpt-4.1", "gpt-4o", "gpt-5", "gpt-5-mini", "gpt-5.1", "gpt-5.2", "gpt-5.3-codex", "gpt-5.4", "gpt-5.4-mini",
		"text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"},
	"raptor":    {"raptor-mini", "raptor-embed"},
	"anthropic": {"claude-sonnet-4-6", "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"},
	"google":    {"gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-embedding-001"},
}

// families are the beginnings of the ids that a provider has; a provider that is
// not named has every id.
var families = map[string][]string{
	"openai":    {"gpt-", "chatgpt-", "codex-", "o1", "o3", "o4", "text-embedding-"},
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

// embeds reports whether the model is one that answers with vectors.
func embeds(model string) bool { return strings.Contains(model, "embed") }

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

// listAnthropic answers GET /v1/models and GET /v1/models/{id}.
func (s *Simulator) listAnthropic(x *exchange) {
	row := func(id string) fields {
		return fields{"type", "model", "id", id, "display_name", id, "created_at", "2025-11-01T00:00:00Z"}
	}
	x.anthropicHeaders()
	if id := x.r.PathValue("id"); id != "" {
		if !knows(x.provider, id, s.cfg.Now()) {
			x.fail(problem{Status: 404, Message: "model: " + id})
			return
		}
		x.json(row(id))
		return
	}
	ids := served[x.provider]
	data := []any{}
	for _, id := range ids {
		data = append(data, row(id))
	}
	x.json(fields{"data", data, "has_more", false, "first_id", ids[0], "last_id", ids[len(ids)-1]})
}

// listGoogle answers GET /v1beta/models and GET /v1beta/models/{id}.
func (s *Simulator) listGoogle(x *exchange) {
	row := func(id string) fields {
		methods := []string{"generateContent", "countTokens"}
		if embeds(id) {
			methods = []string{"embedContent", "batchEmbedContents", "countTokens"}
		}
		return fields{"name", "models/" + id, "version", "001", "displayName", id, "inputTokenLimit", 1048576, "outputTokenLimit", 65536,
			"supportedGenerationMethods", methods}
	}
	x.googleHeaders()
	if id := x.r.PathValue("id"); id != "" {
		if !knows(x.provider, id, s.cfg.Now()) {
			x.fail(notFoundGoogle(id, "GetModel"))
			return
		}
		x.json(row(id))
		return
	}
	all := []any{}
	for _, id := range served[x.provider] {
		all = append(all, row(id))
	}
	x.json(fields{"models", all})
}

func notFoundGoogle(model, method string) problem {
	return problem{Status: 404, Message: "models/" + model + " is not found for API version v1beta, or is not supported for " + method + "."}
}
