package httpapi

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestListModels(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	r := s.do("GET", "/v1/models", userKey, "")
	var list struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != 200 || list.Object != "list" {
		t.Fatalf("GET /v1/models = %d %s, want a list", r.status, r.body)
	}
	byID := map[string]model{}
	var ids []string
	for _, m := range list.Data {
		byID[m.ID] = m
		ids = append(ids, m.ID)
		if m.Object != "model" || m.OwnedBy == "" {
			t.Errorf("entry %+v, want object model and an owner", m)
		}
	}
	if !slices.Equal(ids, []string{"auto", "gpt-4o", "gpt-5.1-codex", "old-model"}) {
		t.Errorf("ids = %v, want auto and every enabled model", ids)
	}
	if m := byID["gpt-4o"]; m.Status != "active" || m.Provider != "openai" || m.ContextWindow != 128_000 || m.Created != 1754524800 || m.RetiresAt != nil || m.SubstitutedBy != "" {
		t.Errorf("gpt-4o = %+v, want it active with its window", m)
	}
	if m := byID["gpt-5.1-codex"]; m.Status != "substituted" || m.SubstitutedBy != "gpt-5.3-codex" || m.ContextWindow != 400_000 || m.RetiresAt == nil || m.Premium != 0.33 {
		t.Errorf("gpt-5.1-codex = %+v, want it served by gpt-5.3-codex with that one's window", m)
	}
	if m := byID["old-model"]; m.Status != "retired" || m.SubstitutedBy != "" {
		t.Errorf("old-model = %+v, want it retired", m)
	}
}

func TestGetModel(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	for id, want := range map[string]string{"gpt-4o": "gpt-4o", "auto": "auto", "gpt%2D4o": "gpt-4o"} {
		r := s.do("GET", "/v1/models/"+id, userKey, "")
		if r.status != 200 || r.member("id") != want || r.member("object") != "model" {
			t.Errorf("GET /v1/models/%s = %d %s, want %s", id, r.status, r.body, want)
		}
	}
	for _, id := range []string{"gpt-4", "hidden", "openai/gpt-9", "GPT-4O", strings.Repeat("x", 3000), "..", "%00"} {
		r := s.do("GET", "/v1/models/"+id, userKey, "")
		isOpenAIError(t, "model "+id, r, 404, "not_found_error", "model_not_found", "model")
		if len(r.body) > 1000 {
			t.Errorf("GET /v1/models/%.20s… answers %d bytes, want it short", id, len(r.body))
		}
	}
	if r := s.do("GET", "/v1/models/gpt-4", userKey, ""); !strings.Contains(r.body, "Nearest: gpt-4o") {
		t.Errorf("GET /v1/models/gpt-4 = %s, want gpt-4o as the nearest", r.body)
	}
}

func TestAnthropicModels(t *testing.T) {
	t.Parallel()
	s := start(t, &fake{})
	r := s.do("GET", "/v1/models", userKey, "", "Anthropic-Version", "2023-06-01")
	var list struct {
		Data []struct {
			Type        string `json:"type"`
			ID          string `json:"id"`
			DisplayName string `json:"display_name"`
			CreatedAt   string `json:"created_at"`
			MaxInput    int64  `json:"max_input_tokens"`
			MaxTokens   int64  `json:"max_tokens"`
		} `json:"data"`
		HasMore bool   `json:"has_more"`
		FirstID string `json:"first_id"`
		LastID  string `json:"last_id"`
	}
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || len(list.Data) != 4 || list.HasMore || list.FirstID != "auto" || list.LastID != "old-model" {
		t.Fatalf("GET /v1/models for Anthropic = %d %s, want four models", r.status, r.body)
	}
	if m := list.Data[1]; m.Type != "model" || m.ID != "gpt-4o" || m.DisplayName != "GPT-4o" || m.CreatedAt != "2025-08-07T00:00:00Z" || m.MaxInput != 128_000 || m.MaxTokens != 16_384 {
		t.Errorf("entry = %+v, want gpt-4o in Anthropic's shape", m)
	}
	r = s.do("GET", "/v1/models/gpt-4o", userKey, "", "Anthropic-Version", "2023-06-01")
	if r.member("type") != "model" || r.member("object") != nil {
		t.Errorf("GET /v1/models/gpt-4o for Anthropic = %s, want its shape", r.body)
	}
}
