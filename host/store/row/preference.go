package row

import "github.com/pointsman/pointsman/engine"

// CheckPreferences says why preferences cannot be stored: an *engine.Error with CodeInvalid, or nil.
// It does not ask whether their models exist.
func CheckPreferences(p engine.Preferences) error {
	var c check
	c.tenant(p.Tenant)
	for _, optional := range []struct {
		member string
		text   *string
	}{{"default_model", p.DefaultModel}, {"model", p.Model}} {
		if optional.text != nil {
			c.text(optional.member, *optional.text)
		}
	}
	if p.Model != nil && !p.Override {
		c.refuse("model", "can only be set by an override")
	}
	for _, optional := range []struct {
		member string
		list   *[]string
	}{{"allowed_models", p.AllowedModels}, {"blocked_models", p.BlockedModels}} {
		if optional.list != nil {
			c.text(optional.member, *optional.list...)
		}
	}
	for _, optional := range []struct {
		member string
		n      *int64
	}{{"max_tokens_per_day", p.MaxTokensPerDay}, {"max_cost_per_day", p.MaxCostPerDay}} {
		if optional.n != nil {
			c.count(optional.member, *optional.n)
		}
	}
	c.text("locked", p.Locked...)
	c.text("reason", p.Reason)
	c.text("updated_by", p.UpdatedBy)
	c.time("created_at", p.CreatedAt)
	c.time("updated_at", p.UpdatedAt)
	return c.result()
}

// IsTenant reports whether a row could belong to the tenant.
func IsTenant(t engine.Tenant) bool {
	var c check
	c.tenant(t)
	return c.err == nil
}

// tenant refuses what is at no level, or at two.
func (c *check) tenant(t engine.Tenant) {
	c.account(t.AccountID)
	for _, part := range []struct{ member, id string }{{"team_id", t.TeamID}, {"user_id", t.UserID}} {
		if part.id != "" {
			c.key(part.member, part.id)
		}
		if part.id != "" && t.AccountID == "" {
			c.refuse(part.member, "needs an account_id")
		}
	}
	if t.TeamID != "" && t.UserID != "" {
		c.refuse("team_id", "and user_id: at most one may be set")
	}
}

// OptionalList writes a list that may be unset: nil is nil, an empty one is [].
func OptionalList(list *[]string) []byte {
	if list == nil {
		return nil
	}
	return List(*list)
}

// ParseOptionalList reads what OptionalList wrote; an empty list is not nil.
func ParseOptionalList(b []byte) (*[]string, error) {
	if b == nil {
		return nil, nil
	}
	list, err := ParseList[string](b)
	if list == nil {
		list = []string{}
	}
	return &list, err
}
