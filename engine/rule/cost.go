package rule

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// cost bounds the time of one run of a rule, in nanoseconds of a slow case on one
// 2025 server core. It is exact arithmetic over the rule and the lengths of what it
// looks at, never a clock: the same request costs the same everywhere, and a decision
// can be replayed. See RATIONALE.md, "Why is work counted and not timed?".
type cost struct {
	fixed    int
	perText  int // for each byte of request.text
	perName  int // for each byte of the longest other variable
	patterns int // instructions of all regular expressions
}

// Weights, measured by BenchmarkWeights as the worst case found.
const (
	nodeCost    = 60 // a node of the tree
	scanCost    = 1  // looking at a byte: contains, ==
	copyCost    = 8  // lower, upper
	patternCost = 10 // an instruction of a regular expression, for each byte

	// maxPatternSteps is what the patterns of one rule may have together.
	maxPatternSteps = 128

	// DefaultWork is what the expressions may cost for one request, all rules together.
	DefaultWork = 32_000_000
)

// of returns the cost of one run.
func (c cost) of(text, name int) int { return c.fixed + c.perText*text + c.perName*name }

// charge adds weight for each byte that the operands may have.
func (g *gate) charge(weight int, operands ...ast.Node) {
	if g.err != nil {
		return // the rest of the tree was not measured: it may be deep
	}
	weight *= g.times
	for _, n := range operands {
		text, name := g.reach(n)
		switch {
		case text:
			g.cost.perText += weight
		case name:
			g.cost.perName += weight
		default:
			g.cost.fixed += weight * len(g.source)
		}
	}
}

// reach reports whether the node's value may come from request.text, or from any other variable.
func (g *gate) reach(n ast.Node) (text, name bool) {
	r := &reacher{gate: g}
	ast.Walk(&n, r)
	return r.text, r.name
}

type reacher struct {
	gate       *gate
	text, name bool
}

// Visit implements ast.Visitor.
func (r *reacher) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		if p, ok := n.Property.(*ast.StringNode); ok && p.Value == "text" {
			r.text = true
		}
	case *ast.IdentifierNode:
		r.name = true
		if slices.Contains(r.gate.locals, n.Value) {
			r.text = true // a local may hold it
		}
	case *ast.PointerNode:
		r.name = true
		if r.gate.element == nil {
			r.text = true // an element of a written list may be it
		}
	}
}
