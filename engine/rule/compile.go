package rule

import (
	"errors"
	"reflect"
	"slices"
	"sync"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
	"github.com/pointsman/pointsman/engine"
)

// program is a compiled expression. It is immutable and safe for concurrent use.
type program struct {
	// flow answers without expr's virtual machine; nil when the expression has
	// parts that only the machine knows.
	flow *flow
	// machine is set when flow is not.
	machine *vm.Program

	calls [][]string // phrases of each mentions call
	needs need
	cost  cost

	source string
	parts  func() *clauses // nil when it cannot be taken apart; compiled when first asked for
}

// compile turns a rule's text into a program. Its time and memory are bounded by
// the bounds in source.go and gate.go, whatever the text.
// Errors: *engine.SourceError, always.
func compile(source string) (p *program, err error) {
	defer func() {
		// Nothing here is known to panic; expr's stages are 10,000 lines that read tenants' text.
		if recover() != nil {
			p, err = nil, at(source, 0, "the rule cannot be compiled")
		}
	}()
	c, err := parse(source)
	if err != nil {
		return nil, err
	}
	p = &program{calls: c.calls, needs: c.needs, cost: c.cost, source: source}
	p.parts = sync.OnceValue(func() *clauses { return takeApart(source) })
	if p.flow = newFlow(c.tree.Node); p.flow != nil {
		p.cost.fixed = nodeCost
		return p, nil
	}
	p.machine, err = c.compile()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// checked is an expression that passed the gate and expr's checker.
type checked struct {
	source string
	tree   *parser.Tree
	config *conf.Config
	calls  [][]string
	needs  need
	cost   cost
}

func parse(source string) (*checked, error) {
	if err := scan(source); err != nil {
		return nil, err
	}
	config := newConfig()
	tree, err := parser.ParseWithConfig(source, config)
	if err != nil {
		return nil, sourceError(source, err)
	}
	g := &gate{source: source, times: 1}
	if g.check(&tree.Node); g.err != nil {
		return nil, g.err
	}
	if _, err := new(checker.Checker).Check(tree, config); err != nil {
		return nil, sourceError(source, err)
	}
	t := &typed{source: source}
	if ast.Walk(&tree.Node, t); t.err != nil {
		return nil, t.err
	}
	if t.patched {
		if _, err := new(checker.Checker).Check(tree, config); err != nil {
			return nil, sourceError(source, err)
		}
	}
	return &checked{source: source, tree: tree, config: config, calls: g.calls, needs: g.needs, cost: g.cost}, nil
}

// compile makes the program for expr's virtual machine. It changes the tree.
func (c *checked) compile() (*vm.Program, error) {
	if err := optimizer.Optimize(&c.tree.Node, c.config); err != nil {
		return nil, sourceError(c.source, err)
	}
	p, err := compiler.Compile(c.tree, c.config)
	if err != nil {
		return nil, at(c.source, 0, "the rule cannot be compiled")
	}
	return p, nil
}

// newConfig returns expr's configuration for one compilation: it caches types and
// must not be shared. See RATIONALE.md, "Why not expr.Compile?".
func newConfig() *conf.Config {
	c := &conf.Config{
		Expect:       reflect.Bool,
		Optimize:     true,
		ShortCircuit: true,
		MaxNodes:     maxNodes,
		Functions:    ownFunctions,
		Builtins:     allowedBuiltins,
		Disabled:     disabledBuiltins,
	}
	c.WithEnv(&Env{})
	return c
}

var allowedBuiltins, disabledBuiltins = func() (conf.FunctionsTable, map[string]bool) {
	allowed, disabled := conf.FunctionsTable{}, map[string]bool{}
	for _, f := range builtin.Builtins {
		if slices.Contains(functions, f.Name) && ownFunctions[f.Name] == nil {
			allowed[f.Name] = f
		} else {
			disabled[f.Name] = true
		}
	}
	return allowed, disabled
}()

// sourceError places expr's error in the source.
func sourceError(source string, err error) *engine.SourceError {
	var own *engine.SourceError
	if errors.As(err, &own) {
		return own
	}
	var e *file.Error
	if !errors.As(err, &e) {
		// What has no place concerns the expression as a whole.
		return at(source, firstToken(source), friendly(err.Error()))
	}
	if e.Message == "unexpected token EOF" || e.Message == "unexpected end of expression" {
		return at(source, len(source), friendly(e.Message))
	}
	return at(source, e.From, friendly(e.Message))
}
