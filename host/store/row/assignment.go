package row

import "github.com/pointsman/pointsman/engine"

// CheckAssignment says why an assignment cannot be stored: an *engine.Error with CodeInvalid, or nil.
// It neither compiles its condition nor asks whether its models exist.
func CheckAssignment(a engine.Assignment) error {
	var c check
	c.tenant(a.Tenant)
	c.key("id", a.ID)
	c.key("task_type", a.TaskType)
	c.text("model", a.Model)
	c.text("fallbacks", a.Fallbacks...)
	c.text("allowed_models", a.Allowed...)
	if a.Priority < 0 || a.Priority > engine.MaxPriority {
		c.refuse("priority", "is not within 0 to 10,000")
	}
	c.text("when", a.When)
	c.time("expires_at", a.ExpiresAt)
	c.text("updated_by", a.UpdatedBy)
	c.time("created_at", a.CreatedAt)
	c.time("updated_at", a.UpdatedAt)
	return c.result()
}
