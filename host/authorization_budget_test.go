package host

import "github.com/pointsman/pointsman/engine"

// budgetRoutes: everybody sees what bounds them, who manages a level writes budgets of it,
// and a lead leaves alone what an administrator made.
func (w *world) budgetRoutes() map[string]permission {
	homes := []struct {
		name, account string
		scope         map[string]any
		sees, writes  []string // writes: may make one; rows of the super admin are the admins'
	}{
		{"acme", "acme", nil, acmeUsers, []string{"boss", "admin"}},
		{"acme's red team", "acme", map[string]any{"team_id": "red"}, redUsers, []string{"lead", "boss", "admin"}},
		{"acme's user", "acme", map[string]any{"user_id": "user"}, aboveUser, []string{"lead", "boss", "admin"}},
		{"rival", "rival", nil, nil, nil},
		{"rival's user", "rival", map[string]any{"user_id": "user"}, nil, nil},
	}
	body := func(w *world, account string, scope map[string]any) map[string]any {
		b := map[string]any{"id": w.next(account), "period": "month", "amount": "1000.00", "account_id": account}
		for k, v := range scope {
			b[k] = v
		}
		return b
	}
	var create, read, change, remove []target
	for _, h := range homes {
		fresh := func(w *world) string { return w.made("/api/v1/budgets", body(w, h.account, h.scope)) }
		create = append(create, target{name: h.name, account: h.account, may: h.writes, sees: h.sees, body: func(w *world, _ string) any { return body(w, h.account, h.scope) }})
		row := target{name: h.name, account: h.account, path: "?account_id=" + h.account, fresh: fresh, may: h.sees}
		read = append(read, row)
		row.may, row.sees = nil, h.sees
		if h.account == "acme" {
			row.may = []string{"boss", "admin"}
		}
		remove = append(remove, row)
		row.body = map[string]any{"amount": "2.00", "period": "day"}
		change = append(change, row)
	}
	write := func(targets []target) permission {
		return permission{role: engine.RoleTeamLead, scopes: writes, targets: targets}
	}
	return map[string]permission{
		"GET /api/v1/budgets":        {role: engine.RoleUser, scopes: reads, targets: everywhere()},
		"POST /api/v1/budgets":       write(create),
		"GET /api/v1/budgets/:id":    {role: engine.RoleUser, scopes: reads, targets: read},
		"PUT /api/v1/budgets/:id":    write(change),
		"PATCH /api/v1/budgets/:id":  write(change),
		"DELETE /api/v1/budgets/:id": write(remove),
		"GET /api/v1/alerts":         {role: engine.RoleUser, scopes: reads, targets: everywhere()},
	}
}
