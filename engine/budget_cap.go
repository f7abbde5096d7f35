package engine

// CapBudgets are the budgets that the preferences' bounds on the cost of a day stand for:
// one for each tenant that has one, an override's before its own. Rows without a bound have
// none.
func CapBudgets(preferences []Preferences) []Budget {
	return dailyCaps(preferences, PreferenceBudget, func(p *Preferences) *int64 { return p.MaxCostPerDay })
}

// TokenBudgets are likewise those of the bounds on the tokens of a day.
func TokenBudgets(preferences []Preferences) []Budget {
	return dailyCaps(preferences, TokenBudget, func(p *Preferences) *int64 { return p.MaxTokensPerDay })
}

func dailyCaps(preferences []Preferences, name string, bound func(p *Preferences) *int64) []Budget {
	own := map[Tenant]*Preferences{}
	var order []Tenant
	for i := range preferences {
		p := &preferences[i]
		if bound(p) == nil {
			continue
		}
		t := p.Tenant.normal()
		if own[t] == nil {
			order = append(order, t)
		}
		if own[t] == nil || p.Override {
			own[t] = p
		}
	}
	budgets := make([]Budget, 0, len(order))
	for _, t := range order {
		p, id := own[t], name
		switch t.Level() {
		case LevelTeam:
			id += "/team/" + t.TeamID
		case LevelUser:
			id += "/user/" + t.UserID
		}
		budgets = append(budgets, Budget{
			AccountID: t.AccountID, ID: id, TeamID: t.TeamID, UserID: t.UserID, Period: PeriodDay, NanoUSD: min(*bound(p), MaxBudgetNanoUSD),
			Hard: true, Enabled: true, LeastRole: RoleSuperAdmin, UpdatedBy: p.UpdatedBy, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
		})
	}
	return budgets
}
