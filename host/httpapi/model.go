package httpapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
)

// model is an entry of GET /v1/models: OpenAI's four members, then ours.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`

	DisplayName   string              `json:"display_name,omitempty"`
	Family        string              `json:"family,omitempty"`
	Tier          string              `json:"tier,omitempty"`
	Provider      string              `json:"provider,omitempty"`
	Kind          string              `json:"kind"`   // chat or embeddings
	Status        string              `json:"status"` // active, substituted or retired
	SubstitutedBy string              `json:"substituted_by,omitempty"`
	RetiresAt     *time.Time          `json:"retires_at,omitempty"`
	ContextWindow int64               `json:"context_window,omitempty"`
	MaxOutput     int64               `json:"max_output,omitempty"`
	Modalities    []string            `json:"modalities,omitempty"`
	Capabilities  []engine.Capability `json:"capabilities,omitempty"`
	Premium       float64             `json:"premium_requests"`
}

// Kinds of models: what they are asked for.
const (
	kindChat       = "chat"
	kindEmbeddings = "embeddings"
)

// autoModel is the entry for "auto".
func autoModel(created time.Time) model {
	return model{
		ID: engine.ModelAuto, Object: "model", Created: unix(created), OwnedBy: "pointsman",
		DisplayName: "Automatic: the routing rules choose", Kind: kindChat, Status: "active",
	}
}

// shownModel is the row as it is served at that time: an entry that the vendor's
// replacement serves, or that nothing serves, says so.
func shownModel(m engine.Model, at time.Time) model {
	served, substituted, ok := m.At(at)
	out := model{
		ID: m.ID, Object: "model", Created: unix(m.CreatedAt), OwnedBy: m.ProviderID,
		DisplayName: m.DisplayName, Family: m.Family, Tier: m.Tier, Provider: m.ProviderID, Kind: kindChat, Status: "active",
		ContextWindow: served.ContextWindow, MaxOutput: served.MaxOutput,
		Modalities: m.Modalities, Capabilities: m.Capabilities, Premium: float64(m.PremiumCenti) / 100,
	}
	if m.Has(engine.CapEmbeddings) {
		out.Kind = kindEmbeddings
	}
	if !m.RetiresAt.IsZero() {
		t := m.RetiresAt.UTC()
		out.RetiresAt = &t
	}
	switch {
	case substituted:
		out.Status, out.SubstitutedBy = "substituted", served.UpstreamID
	case !ok:
		out.Status = "retired"
	}
	return out
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// anthropic is the same entry in the shape of Anthropic's GET /v1/models
// (ModelInfo, API version 2023-06-01; the limits are of 2026).
func (m model) anthropic() any {
	return struct {
		Type        string    `json:"type"`
		ID          string    `json:"id"`
		DisplayName string    `json:"display_name"`
		CreatedAt   time.Time `json:"created_at"`
		MaxInput    int64     `json:"max_input_tokens,omitempty"`
		MaxTokens   int64     `json:"max_tokens,omitempty"`
	}{"model", m.ID, m.DisplayName, time.Unix(m.Created, 0).UTC(), m.ContextWindow, m.MaxOutput}
}

// listModels serves GET /v1/models, in Anthropic's shape for its clients.
func (s *Server) listModels(c *fiber.Ctx) error {
	rq := requestOf(c.Context())
	list := []model{autoModel(time.Time{})}
	policy := s.cfg.Policies().Of(rq.principal)
	for _, m := range s.cfg.Catalogue().Models(rq.principal.AccountID) {
		if m.Enabled && policy.Allows(m.ID) {
			list = append(list, shownModel(m, rq.received))
		}
	}
	if c.Get(headerAnthropic) == "" {
		return sendJSON(c, map[string]any{"object": "list", "data": list})
	}
	data := make([]any, 0, len(list))
	for _, m := range list {
		data = append(data, m.anthropic())
	}
	return sendJSON(c, map[string]any{"data": data, "has_more": false, "first_id": list[0].ID, "last_id": list[len(list)-1].ID})
}

// headerAnthropic is sent by every client of Anthropic's API.
const headerAnthropic = "Anthropic-Version"

// getModel serves GET /v1/models/{id}; an id may hold slashes, as provider/model does.
func (s *Server) getModel(c *fiber.Ctx) error {
	rq := requestOf(c.Context())
	id, err := url.PathUnescape(c.Params("+"))
	if err != nil {
		return invalid("model", "The model id in the path is not correctly percent-encoded.")
	}
	m, f := s.findModel(rq, id)
	if f != nil {
		return f
	}
	if c.Get(headerAnthropic) != "" {
		return sendJSON(c, m.anthropic())
	}
	return sendJSON(c, m)
}

func (s *Server) findModel(rq *request, id string) (model, *failure) {
	if id == engine.ModelAuto {
		return autoModel(time.Time{}), nil
	}
	catalogue, account := s.cfg.Catalogue(), rq.principal.AccountID
	policy := s.cfg.Policies().Of(rq.principal)
	if m, ok := catalogue.Model(account, id); ok && m.Enabled && policy.Allows(id) {
		return shownModel(m, rq.received), nil
	}
	shown := id
	if len(shown) > maxRequestID {
		shown = strings.ToValidUTF8(shown[:maxRequestID], "") + "…"
	}
	message := "The model '" + shown + "' does not exist or this key may not use it."
	near := slices.DeleteFunc(catalogue.Nearest(account, id, 16), func(id string) bool { return !policy.Allows(id) })
	if near = near[:min(len(near), 3)]; len(near) > 0 {
		message += " Nearest: " + strings.Join(near, ", ") + "."
	}
	f := failed(http.StatusNotFound, string(engine.CodeModelNotFound), message)
	f.param = "model"
	return model{}, f
}

func sendJSON(c *fiber.Ctx, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.Response().Header.SetContentType("application/json")
	return c.Send(body)
}
