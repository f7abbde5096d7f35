package engine

import (
	"slices"
)

// Ranks of levels, highest level first.
const (
	rankGlobal = iota
	rankAccount
	rankTeam
	rankUser
	ranks
)

// Names of members of Preferences, as the API writes them and Locked has them.
const (
	MemberDefaultModel    = "default_model"
	MemberModel           = "model"
	MemberAllowedModels   = "allowed_models"
	MemberBlockedModels   = "blocked_models"
	MemberMaxTokens       = "max_tokens_per_day"
	MemberMaxCost         = "max_cost_per_day"
	MemberPreferVision    = "prefer_vision"
	MemberPreferSpeed     = "prefer_speed"
	MemberPreferCost      = "prefer_cost"
	MemberCustomRulesOnly = "custom_rules_only"
	MemberStoreText       = "store_text"
)

// chain is what the levels of a caller have set, highest first; nil where a level has no row.
type chain [ranks]*tenantRows

// tenantRows are the rows of one tenant.
type tenantRows struct {
	tenant        Tenant
	set, override *Preferences // nil: there is none
	tasks         map[string]*taskList
}

// normal is the tenant without what its level does not have.
func (t Tenant) normal() Tenant {
	if t.UserID != "" {
		t.TeamID = ""
	}
	if t.AccountID == "" {
		return Tenant{}
	}
	return t
}

// merge puts the levels together. See RATIONALE.md, "Which setting holds?".
func merge(c chain) *Policy {
	m := merging{chain: c, sources: map[string][]Source{}}
	p := &Policy{
		Model:           value(&m, MemberModel, func(p *Preferences) *string { return p.Model }, ""),
		DefaultModel:    value(&m, MemberDefaultModel, func(p *Preferences) *string { return p.DefaultModel }, ""),
		PreferVision:    value(&m, MemberPreferVision, func(p *Preferences) *bool { return p.PreferVision }, unsetPolicy.PreferVision),
		PreferSpeed:     value(&m, MemberPreferSpeed, func(p *Preferences) *bool { return p.PreferSpeed }, false),
		PreferCost:      value(&m, MemberPreferCost, func(p *Preferences) *bool { return p.PreferCost }, false),
		CustomRulesOnly: value(&m, MemberCustomRulesOnly, func(p *Preferences) *bool { return p.CustomRulesOnly }, false),
		StoreText:       value(&m, MemberStoreText, func(p *Preferences) *bool { return p.StoreText }, unsetPolicy.StoreText),
		chain:           c,
	}
	p.Allowed = m.list(MemberAllowedModels, func(p *Preferences) *[]string { return p.AllowedModels }, narrowed)
	p.Blocked = m.list(MemberBlockedModels, func(p *Preferences) *[]string { return p.BlockedModels }, widened)
	p.Caps = m.caps()
	p.Sources = m.sources
	if p.Model != "" {
		// Whoever may set it may set the lists too.
		if p.Allowed != nil {
			p.Allowed = widened(p.Allowed, []string{p.Model})
		}
		p.Blocked = slices.DeleteFunc(p.Blocked, func(id string) bool { return id == p.Model })
	}
	return p
}

type merging struct {
	chain   chain
	sources map[string][]Source
}

// overriding returns the most specific override that says something of a member.
func overriding(c *chain, says func(*Preferences) bool) *Preferences {
	for i := ranks - 1; i >= 0; i-- {
		if r := c[i]; r != nil && r.override != nil && says(r.override) {
			return r.override
		}
	}
	return nil
}

// lockedAt is the rank of the highest level that locks the member; ranks when none does.
func (c *chain) lockedAt(member string) int {
	for i, r := range c {
		if r != nil && r.set != nil && slices.Contains(r.set.Locked, member) {
			return i
		}
	}
	return ranks
}

func (m *merging) source(member string, p *Preferences) {
	m.sources[member] = append(m.sources[member], Source{
		Level: p.Level(), Tenant: p.Tenant, Override: p.Override, Locked: !p.Override && m.chain.lockedAt(member) < ranks,
		Reason: p.Reason, By: p.UpdatedBy,
	})
}

// value is what holds of a member that has one value.
func value[T any](m *merging, member string, get func(*Preferences) *T, unset T) T {
	if o := overriding(&m.chain, func(p *Preferences) bool { return get(p) != nil }); o != nil {
		m.source(member, o)
		return *get(o)
	}
	for i := min(m.chain.lockedAt(member), ranks-1); i >= 0; i-- {
		r := m.chain[i]
		if r == nil || r.set == nil {
			continue
		}
		if v := get(r.set); v != nil {
			m.source(member, r.set)
			return *v
		}
	}
	return unset
}

// list is what holds of a list: sorted, nil when no level has one. Those below a lock count
// too, since they can only narrow.
func (m *merging) list(member string, get func(*Preferences) *[]string, join func(above, below []string) []string) []string {
	if o := overriding(&m.chain, func(p *Preferences) bool { return get(p) != nil }); o != nil {
		m.source(member, o)
		return sorted(*get(o))
	}
	var all []string
	for _, r := range m.chain {
		if r == nil || r.set == nil || get(r.set) == nil {
			continue
		}
		m.source(member, r.set)
		if own := sorted(*get(r.set)); all == nil {
			all = own
		} else {
			all = join(all, own)
		}
	}
	return all
}

// sorted is a copy in order, each once; never nil.
func sorted(ids []string) []string {
	out := append(make([]string, 0, len(ids)), ids...)
	slices.Sort(out)
	return slices.Compact(out)
}

// narrowed is what is in both.
func narrowed(above, below []string) []string {
	return slices.DeleteFunc(slices.Clone(above), func(id string) bool {
		_, found := slices.BinarySearch(below, id)
		return !found
	})
}

// widened is what is in one of them.
func widened(above, below []string) []string { return sorted(slices.Concat(above, below)) }

// caps are the bounds of each level; an override of a tenant stands for that tenant's own.
func (m *merging) caps() []Cap {
	var caps []Cap
	for _, r := range m.chain {
		if r == nil {
			continue
		}
		c := Cap{
			Tenant:  r.tenant,
			Tokens:  m.bound(r, MemberMaxTokens, func(p *Preferences) *int64 { return p.MaxTokensPerDay }),
			NanoUSD: m.bound(r, MemberMaxCost, func(p *Preferences) *int64 { return p.MaxCostPerDay }),
		}
		if c.Tokens != Uncapped || c.NanoUSD != Uncapped {
			caps = append(caps, c)
		}
	}
	return caps
}

func (m *merging) bound(r *tenantRows, member string, get func(*Preferences) *int64) int64 {
	for _, p := range []*Preferences{r.override, r.set} {
		if p == nil {
			continue
		}
		if v := get(p); v != nil {
			m.source(member, p)
			return *v
		}
	}
	return Uncapped
}
