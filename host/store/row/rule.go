package row

import "github.com/pointsman/pointsman/engine"

// CheckRule says why a rule cannot be stored: an *engine.Error with CodeInvalid, or nil.
// It does not compile the rule.
func CheckRule(r engine.Rule) error {
	var c check
	c.account(r.AccountID)
	c.key("id", r.ID)
	c.text("name", r.Name)
	c.text("description", r.Description)
	if r.Priority < 0 || r.Priority > engine.MaxPriority {
		c.refuse("priority", "is not within 0 to 10,000")
	}
	if (r.When == "") == (r.Plugin == "") {
		c.refuse("when", "and plugin: exactly one must be set")
	}
	c.text("when", r.When)
	c.text("plugin", r.Plugin)
	c.json("config", r.Config)
	c.text("target", r.Target)
	c.text("fallbacks", r.Fallbacks...)
	switch r.OnFailure {
	case "", engine.FailureSkip, engine.FailureRefuse:
	default:
		c.refuse("on_failure", "is neither skip nor refuse")
	}
	c.text("team_id", r.TeamID)
	c.time("created_at", r.CreatedAt)
	c.time("updated_at", r.UpdatedAt)
	return c.result()
}
