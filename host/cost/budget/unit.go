package budget

import (
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// Unit is what a Guard counts. The zero value is money.
type Unit int

// Units.
const (
	Money  Unit = iota // nano-USD
	Tokens             // of input and output together
)

// of is what a row comes to.
func (u Unit) of(row *engine.Usage) int64 {
	if u == Tokens {
		if row.Kind == engine.UsageCorrection {
			return 0
		}
		return row.Tokens.Total()
	}
	return row.CostNanoUSD
}

// sum is what a group of rows comes to.
func (u Unit) sum(rows *engine.ReportRow) int64 {
	if u == Tokens {
		return rows.Tokens.Total()
	}
	return rows.CostNanoUSD
}

// Owns reports whether a budget of that id is counted in this unit: guards of both share one
// database.
func (u Unit) Owns(id string) bool {
	return (u == Tokens) == (id == engine.TokenBudget || strings.HasPrefix(id, engine.TokenBudget+"/"))
}
