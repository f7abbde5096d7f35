package ratelimit

import "github.com/pointsman/pointsman/engine"

// Standing returns every limit that holds for a request with what is left of it, and takes
// nothing. Where q names no target, limits that depend on one follow without a state.
func (l *Limiter) Standing(q *engine.LimitRequest) []engine.LimitStanding {
	now := int64(q.Now)
	if now == 0 {
		now = int64(l.cfg.Clock())
	}
	var s subject
	s.set(l.seed, q)
	t := l.table.Load()
	takes := t.match(&s, q.Part, nil)
	list := make([]engine.LimitStanding, 0, len(takes))
	for i := range takes {
		sp := takes[i].spec
		var left engine.LimitState
		l.look(&left, sp, &s, now)
		one := engine.LimitStanding{Limit: sp.limit}
		switch sp.limit.Kind {
		case engine.LimitTokens:
			one.Left = left.Tokens
		case engine.LimitConcurrency:
			one.Left = left.Concurrency
		default:
			one.Left = left.Requests
		}
		list = append(list, one)
	}
	if q.ProviderID != "" || q.ModelID != "" {
		return list
	}
	list = targeted(t.global, &s, list)
	return targeted(t.accounts[q.AccountID], &s, list)
}

// targeted appends the limits that hold for the caller on some target.
func targeted(groups []group, s *subject, list []engine.LimitStanding) []engine.LimitStanding {
	for _, g := range groups {
		if g.dimensions&engine.LimitByTarget == 0 || g.dimensions&^(s.present|engine.LimitByTarget) != 0 {
			continue
		}
		for _, c := range g.combos {
			specs := c.all
			for _, same := range c.by {
				specs = append(specs, same...)
			}
			for _, sp := range specs {
				scope := sp.limit.Scope
				scope.ProviderID, scope.ModelID = "", ""
				if names(scope, s) {
					list = append(list, engine.LimitStanding{Limit: sp.limit})
				}
			}
		}
	}
	return list
}
