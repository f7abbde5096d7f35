package tenancy

import "github.com/pointsman/pointsman/engine"

// budgetTenant is whose budget it is, for the question of who may see and change it.
func (d *directory) budgetTenant(b engine.Budget) engine.Tenant {
	t := engine.Tenant{AccountID: b.AccountID, TeamID: b.TeamID, UserID: b.UserID}
	if b.KeyID != "" {
		t.UserID = ""
		if key, ok := d.keyRow(b.AccountID, b.KeyID); ok {
			t.UserID = key.UserID
		}
	}
	if t.UserID != "" {
		t.TeamID = ""
	}
	return t
}

// rules reports whether the principal administers everything of the account, also budgets of
// tenants that are gone.
func rules(p engine.Principal, account string) bool {
	return p.Role.Rank() >= engine.RoleAccountAdmin.Rank() && sees(p, account)
}

func (d *directory) seesBudget(p engine.Principal, b engine.Budget) bool {
	if rules(p, b.AccountID) {
		return true
	}
	t := d.budgetTenant(b)
	return (b.KeyID == "" || t.UserID != "") && d.readable(p, t) == nil
}

func (d *directory) changesBudget(p engine.Principal, b engine.Budget) error {
	switch {
	case !d.seesBudget(p, b):
		return notFound("budget", b.ID)
	case rules(p, b.AccountID):
		return nil
	case p.Role.Rank() < engine.RoleTeamLead.Rank() || !d.writes(p, d.budgetTenant(b)):
		return forbidden("", "This key may not write budgets of that level.")
	case b.LeastRole.Rank() > p.Role.Rank():
		return forbidden("", "This budget was made by an administrator, who alone can change it.")
	}
	return nil
}

// checkScope refuses tenants that are not there, or whose budgets the principal may not write.
func (d *directory) checkScope(p engine.Principal, row *engine.Budget) error {
	account := row.AccountID
	if row.TeamID != "" {
		if err := d.readable(p, engine.Tenant{AccountID: account, TeamID: row.TeamID}); err != nil {
			return err
		}
	}
	if row.UserID != "" {
		if err := d.readable(p, engine.Tenant{AccountID: account, UserID: row.UserID}); err != nil {
			return err
		}
	}
	if row.KeyID != "" {
		key, err := d.key(p, account, row.KeyID)
		if err != nil {
			return err
		}
		if row.UserID != "" && row.UserID != key.UserID {
			return invalid("key_id", "The key is not of that user.")
		}
	}
	made := *row
	made.LeastRole = ""
	return d.changesBudget(p, made)
}
