package engine

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"time"
)

// Rows as the audit log has them: by the names of the API, and nothing that it does not show.

type recordedRule struct {
	Name             string          `json:"name"`
	Description      string          `json:"description,omitempty"`
	Priority         int             `json:"priority"`
	When             string          `json:"when,omitempty"`
	Plugin           string          `json:"plugin,omitempty"`
	Config           json.RawMessage `json:"config,omitempty"`
	Target           string          `json:"target"`
	Fallbacks        []string        `json:"fallbacks,omitempty"`
	Only             bool            `json:"only"`
	OnFailure        FailurePolicy   `json:"on_failure"`
	ContinueAfterCut bool            `json:"continue_after_cut"`
	Enabled          bool            `json:"enabled"`
	TeamID           string          `json:"team_id,omitempty"`
}

func recordRule(r Rule) recordedRule {
	return recordedRule{
		r.Name, r.Description, r.Priority, r.When, r.Plugin, r.Config, r.Target, r.Fallbacks, r.Only, r.OnFailure,
		r.ContinueAfterCut, r.Enabled, r.TeamID,
	}
}

// ruleChange is what an update did: an action of its own where it did but switch the rule.
func ruleChange(old, r Rule) string {
	switched := old
	switched.Enabled, switched.UpdatedAt = r.Enabled, r.UpdatedAt
	switch {
	case old.Enabled == r.Enabled || !reflect.DeepEqual(switched, r):
		return "rule.update"
	case r.Enabled:
		return "rule.enable"
	}
	return "rule.disable"
}

type recordedModel struct {
	Family        string            `json:"family,omitempty"`
	DisplayName   string            `json:"display_name"`
	Tier          string            `json:"tier,omitempty"`
	PremiumCenti  int64             `json:"premium_centi"`
	Provider      string            `json:"provider"`
	UpstreamID    string            `json:"upstream_id"`
	API           API               `json:"api"`
	ContextWindow int64             `json:"context_window"`
	MaxOutput     int64             `json:"max_output"`
	Modalities    []string          `json:"modalities,omitempty"`
	Capabilities  []Capability      `json:"capabilities,omitempty"`
	Unsupported   []string          `json:"unsupported,omitempty"`
	Rename        map[string]string `json:"rename,omitempty"`
	Fallbacks     []string          `json:"fallbacks,omitempty"`
	Source        string            `json:"source,omitempty"`
	RetiresAt     *time.Time        `json:"retires_at,omitempty"`
	Replacement   *Replacement      `json:"replacement,omitempty"`
	NoSubstitute  bool              `json:"no_substitute"`
	Enabled       bool              `json:"enabled"`
	Prices        []recordedPrice   `json:"prices,omitempty"`
}

// recordedPrice is in billionths of a US dollar per million tokens.
type recordedPrice struct {
	From         time.Time `json:"from"`
	AbovePrompt  int64     `json:"above_prompt,omitempty"`
	Input        int64     `json:"input"`
	Output       int64     `json:"output"`
	CachedInput  *int64    `json:"cached_input,omitempty"`
	CacheWrite   *int64    `json:"cache_write,omitempty"`
	CacheWrite1h *int64    `json:"cache_write_1h,omitempty"`
	Reasoning    *int64    `json:"reasoning,omitempty"`
	PerRequest   int64     `json:"per_request,omitempty"` // billionths of a US dollar, as the next
	PerImage     int64     `json:"per_image,omitempty"`
}

func recordPrice(p Price) recordedPrice {
	return recordedPrice{p.From, p.AbovePrompt, p.Input, p.Output, p.CachedInput, p.CacheWrite, p.CacheWrite1h, p.Reasoning, p.PerRequest, p.PerImage}
}

type recordedPriceVersion struct {
	Provider   string          `json:"provider"`
	UpstreamID string          `json:"upstream_id"`
	Source     string          `json:"source,omitempty"`
	Tiers      []recordedPrice `json:"tiers"`
}

func recordPriceVersion(v PriceVersion) recordedPriceVersion {
	r := recordedPriceVersion{Provider: v.ProviderID, UpstreamID: v.UpstreamID, Source: v.Source}
	for _, t := range v.Tiers {
		r.Tiers = append(r.Tiers, recordPrice(t))
	}
	return r
}

func recordModel(m Model, prices []Price) recordedModel {
	row := recordedModel{
		Family: m.Family, DisplayName: m.DisplayName, Tier: m.Tier, PremiumCenti: m.PremiumCenti, Provider: m.ProviderID,
		UpstreamID: m.UpstreamID, API: m.API, ContextWindow: m.ContextWindow, MaxOutput: m.MaxOutput, Modalities: m.Modalities,
		Capabilities: m.Capabilities, Unsupported: m.Unsupported, Rename: m.Rename, Fallbacks: m.Fallbacks, Source: m.Source,
		Replacement: m.Replacement, NoSubstitute: m.NoSubstitute, Enabled: m.Enabled,
	}
	if !m.RetiresAt.IsZero() {
		row.RetiresAt = &m.RetiresAt
	}
	for _, p := range prices {
		row.Prices = append(row.Prices, recordPrice(p))
	}
	return row
}

type recordedProvider struct {
	Name    string          `json:"name"`
	Adapter string          `json:"adapter"`
	BaseURL string          `json:"base_url"`
	Config  json.RawMessage `json:"config,omitempty"`
	Keyless bool            `json:"keyless"`
	Enabled bool            `json:"enabled"`
}

func recordProvider(p Provider) recordedProvider {
	return recordedProvider{p.Name, p.Adapter, p.BaseURL, p.Config, p.Keyless, p.Enabled}
}

// recordedCredential has nothing of the key, not even sealed: what is sealed can be opened.
type recordedCredential struct {
	Name    string `json:"name"`
	Weight  int    `json:"weight"`
	Enabled bool   `json:"enabled"`
	Version int64  `json:"version"` // rises when the key is replaced
}

func recordCredential(c StoredCredential) recordedCredential {
	return recordedCredential{c.Name, c.Weight, c.Enabled, int64(c.Version)}
}

type recordedPlugin struct {
	Kind   string `json:"kind"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Active bool   `json:"active"`
}

func recordPlugin(v PluginVersion) recordedPlugin {
	return recordedPlugin{v.Kind, hex.EncodeToString(v.SHA256[:]), v.Size, v.Active}
}
