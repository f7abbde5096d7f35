package row

import "github.com/pointsman/pointsman/engine"

// CheckModel says why a model cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckModel(m engine.Model) error {
	var c check
	c.account(m.AccountID)
	c.key("id", m.ID)
	c.text("family", m.Family)
	c.text("display_name", m.DisplayName)
	c.text("tier", m.Tier)
	c.count("premium_centi", m.PremiumCenti)
	c.key("provider_id", m.ProviderID)
	c.key("upstream_id", m.UpstreamID)
	c.text("api", string(m.API))
	c.count("context_window", m.ContextWindow)
	c.count("max_output", m.MaxOutput)
	c.text("modalities", m.Modalities...)
	c.text("capabilities", list(m.Capabilities)...)
	c.text("unsupported", m.Unsupported...)
	c.pairs("rename", m.Rename)
	c.text("fallbacks", m.Fallbacks...)
	c.text("source", m.Source)
	c.time("retires_at", m.RetiresAt)
	if r := m.Replacement; r != nil {
		c.key("replacement.upstream_id", r.UpstreamID)
		c.text("replacement.api", string(r.API))
		c.count("replacement.context_window", r.ContextWindow)
		c.count("replacement.max_output", r.MaxOutput)
		c.text("replacement.unsupported", r.Unsupported...)
		c.pairs("replacement.rename", r.Rename)
	}
	c.time("created_at", m.CreatedAt)
	c.time("updated_at", m.UpdatedAt)
	return c.result()
}

// CheckProvider says why a provider cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckProvider(p engine.Provider) error {
	var c check
	c.account(p.AccountID)
	c.key("id", p.ID)
	c.text("name", p.Name)
	c.text("adapter", p.Adapter)
	c.text("base_url", p.BaseURL)
	c.text("credential", p.Credential)
	c.json("config", p.Config)
	c.time("created_at", p.CreatedAt)
	c.time("updated_at", p.UpdatedAt)
	return c.result()
}

// CheckPrice says why a price cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckPrice(p engine.Price) error {
	var c check
	c.account(p.AccountID)
	c.key("provider_id", p.ProviderID)
	c.key("upstream_id", p.UpstreamID)
	c.time("from", p.From)
	c.count("above_prompt", p.AbovePrompt)
	c.count("input", p.Input)
	c.count("output", p.Output)
	for _, optional := range []struct {
		member string
		price  *int64
	}{{"cached_input", p.CachedInput}, {"cache_write", p.CacheWrite}, {"cache_write_1h", p.CacheWrite1h}, {"reasoning", p.Reasoning}, {"per_request", &p.PerRequest}, {"per_image", &p.PerImage}} {
		if optional.price != nil {
			c.count(optional.member, *optional.price)
		}
	}
	c.text("source", p.Source)
	return c.result()
}

// CheckPriceVersion says why rows cannot be stored as one version of a price, and returns
// one of them: an *engine.Error with CodeInvalid, or nil.
func CheckPriceVersion(version []engine.Price) (engine.Price, error) {
	var c check
	if len(version) == 0 {
		c.refuse("tiers", "are none")
		return engine.Price{}, c.result()
	}
	key, seen := version[0], map[int64]bool{}
	for _, p := range version {
		if err := CheckPrice(p); err != nil {
			return key, err
		}
		if p.AccountID != key.AccountID || p.ProviderID != key.ProviderID || p.UpstreamID != key.UpstreamID || !p.From.Equal(key.From) {
			c.refuse("tiers", "are of several versions")
		}
		if seen[p.AbovePrompt] {
			c.refuse("above_prompt", "is that of two tiers")
		}
		seen[p.AbovePrompt] = true
	}
	return key, c.result()
}

// CheckCredential says why a credential cannot be stored: an *engine.Error with CodeInvalid, or nil.
func CheckCredential(k engine.StoredCredential) error {
	var c check
	c.account(k.AccountID)
	c.key("provider_id", k.ProviderID)
	c.key("id", k.ID)
	c.text("name", k.Name)
	c.text("hint", k.Hint)
	if k.Weight < 1 || k.Weight > engine.MaxWeight {
		c.refuse("weight", "is not within 1 to 1,000")
	}
	if len(k.Sealed) == 0 || k.Version < 1 {
		c.refuse("secret", "is not sealed")
	}
	c.text("seal_key", k.SealKey)
	c.time("created_at", k.CreatedAt)
	c.time("updated_at", k.UpdatedAt)
	return c.result()
}
