package budget

import "github.com/pointsman/pointsman/engine"

// Gauge is a budget in force and how this process sees it.
type Gauge struct {
	Budget engine.Budget
	State  engine.BudgetState
}

// Gauges returns every budget in force, in no order. It reaches no database: of what other
// replicas spent it knows as much as their last exchange told.
func (g *Guard) Gauges() []Gauge {
	x, now := g.index.Load(), g.cfg.Now()
	all := make([]Gauge, len(x.all))
	for i := range x.all {
		all[i] = Gauge{x.all[i].b, x.all[i].c.state(now)}
	}
	return all
}
