package rule

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
	"github.com/pointsman/pointsman/engine"
)

// Bounds of a rule's parts.
const (
	maxVisits       = 1_000 // of nodes; more than nodes, since 1 < x < 3 stands for two comparisons that share x
	maxPhrases      = 32    // of one mentions call
	maxPhraseBytes  = 128
	maxPatternChars = 256
)

// functions that rules may call, beside mentions. Each is bounded by its input and
// has one signature: expr's checker visits the arguments of a function with several
// once for each, so that nesting those takes exponential time.
var functions = []string{
	"abs", "all", "any", "ceil", "count", "float", "floor", "hasPrefix", "hasSuffix", "indexOf",
	"int", "lastIndexOf", "len", "lower", "max", "min", "none", "one", "round", "trim", "upper",
}

// loops are those of functions that run their second argument for each element of the first.
var loops = []string{"all", "any", "count", "none", "one"}

// gate walks a syntax tree before expr's own checker sees it. It lets pass only what
// is known to be bounded, puts a lookup in place of each mentions call, and adds up
// what the rule may cost. It stops at the first thing that it refuses.
type gate struct {
	source string
	err    *engine.SourceError

	calls [][]string // phrases of the mentions calls, in order
	needs need
	cost  cost

	visits  int
	locals  []string     // names that let declared
	element reflect.Type // of "#"; nil outside a loop and when unknown
	inLoop  bool
	times   int // how often the current node runs; 1 outside loops
}

// need says which variables a rule uses, of those that are not at hand for every request.
type need uint8

const (
	needModels need = 1 << iota
	needMetadata
	needText // filled for every request, but not kept of every one

	needFilled = needModels | needMetadata
)

var envType = reflect.TypeFor[Env]()

func (g *gate) fail(n ast.Node, message string) {
	if g.err == nil {
		g.err = at(g.source, n.Location().From, message)
	}
}

// check walks one node. A group as a whole, as "request", is refused here: only
// base may be one.
func (g *gate) check(node *ast.Node) {
	if g.err != nil {
		return
	}
	if g.visits++; g.visits > maxVisits {
		g.fail(*node, "the rule has more than 500 parts")
		return
	}
	g.cost.fixed += nodeCost * g.times
	switch n := (*node).(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.PointerNode:
	case *ast.IdentifierNode:
		if t := g.identifier(n); t != nil && t.Kind() == reflect.Struct {
			g.fail(n, strconv.Quote(n.Value)+" is a group; name a member, as "+n.Value+"."+memberNames(t)[0])
		}
	case *ast.UnaryNode:
		g.check(&n.Node)
	case *ast.BinaryNode:
		g.binary(n)
	case *ast.ChainNode:
		g.check(&n.Node)
	case *ast.MemberNode:
		g.member(n)
	case *ast.SliceNode:
		g.check(&n.Node)
		g.optional(&n.From)
		g.optional(&n.To)
	case *ast.CallNode:
		g.call(node, n)
	case *ast.BuiltinNode:
		g.builtin(n)
	case *ast.PredicateNode:
		g.check(&n.Node)
	case *ast.VariableDeclaratorNode:
		g.check(&n.Value)
		g.locals = append(g.locals, n.Name)
		g.check(&n.Expr)
		g.locals = g.locals[:len(g.locals)-1]
	case *ast.SequenceNode:
		for i := range n.Nodes {
			g.check(&n.Nodes[i])
		}
	case *ast.ConditionalNode:
		g.check(&n.Cond)
		g.check(&n.Exp1)
		g.check(&n.Exp2)
	case *ast.ArrayNode:
		for i := range n.Nodes {
			g.check(&n.Nodes[i])
		}
	case *ast.MapNode:
		g.fail(n, "maps cannot be written in rules")
	case *ast.BytesNode:
		g.fail(n, "bytes cannot be written in rules")
	default:
		g.fail(n, "this cannot be written in rules")
	}
}

func (g *gate) optional(node *ast.Node) {
	if *node != nil {
		g.check(node)
	}
}

// identifier checks a name and returns its type, nil when that is not fixed.
func (g *gate) identifier(n *ast.IdentifierNode) reflect.Type {
	if slices.Contains(g.locals, n.Value) {
		return nil
	}
	if f, ok := fieldOf(envType, n.Value); ok {
		if n.Value == "models" {
			g.needs |= needModels
		}
		return f.Type
	}
	switch {
	case n.Value == "mentions", slices.Contains(functions, n.Value):
		g.fail(n, strconv.Quote(n.Value)+" is a function; call it with brackets")
	case isMember(n.Value):
		g.fail(n, "unknown name "+quoted(n.Value)+"; did you mean request."+n.Value+"?")
	default:
		g.fail(n, "unknown name "+quoted(n.Value)+didYouMean(n.Value, memberNames(envType)))
	}
	return nil
}

// isMember reports whether request has a member of that name.
func isMember(name string) bool {
	_, ok := fieldOf(reflect.TypeFor[RequestEnv](), name)
	return ok
}

// base checks what stands before a dot or bracket and returns its type, nil when unknown.
func (g *gate) base(node *ast.Node) reflect.Type {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		return g.identifier(n)
	case *ast.PointerNode:
		return g.element
	case *ast.MemberNode:
		return g.member(n)
	case *ast.ChainNode:
		return g.base(&n.Node)
	}
	g.check(node)
	return nil
}

// member checks a member or element and returns its type, nil when unknown.
func (g *gate) member(n *ast.MemberNode) reflect.Type {
	if g.visits++; g.visits > maxVisits {
		g.fail(n, "the rule has more than 500 parts")
		return nil
	}
	t := g.base(&n.Node)
	if g.err != nil {
		return nil
	}
	name, named := n.Property.(*ast.StringNode)
	if t == nil || t.Kind() != reflect.Struct {
		if !named {
			g.check(&n.Property)
		}
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
			return t.Elem()
		}
		return nil
	}
	group := groupName(t)
	if !named {
		g.fail(n, group+" has members, not elements; write "+group+"."+memberNames(t)[0])
		return nil
	}
	f, ok := fieldOf(t, name.Value)
	if !ok {
		g.fail(n, group+" has no member "+quoted(name.Value)+didYouMean(name.Value, memberNames(t)))
		return nil
	}
	if t == reflect.TypeFor[RequestEnv]() {
		switch name.Value {
		case "metadata":
			g.needs |= needMetadata
		case "text":
			g.needs |= needText
		}
	}
	return f.Type
}

func (g *gate) binary(n *ast.BinaryNode) {
	switch n.Operator {
	case "..":
		g.fail(n, `a range stands behind "in" only, as in time.hour in 9..17`)
		return
	case "in":
		g.check(&n.Left)
		if r, ok := n.Right.(*ast.BinaryNode); ok && r.Operator == ".." {
			g.rangeOf(r)
			return
		}
		g.check(&n.Right)
		list, _ := n.Right.(*ast.ArrayNode)
		if list != nil {
			g.charge(scanCost*len(list.Nodes), n.Left)
		}
		return
	case "matches":
		g.check(&n.Left)
		g.pattern(n)
		return
	}
	g.check(&n.Left)
	g.check(&n.Right)
	switch n.Operator {
	case "contains":
		g.charge(scanCost, n.Left)
	case "==", "!=", "<", "<=", ">", ">=", "startsWith", "endsWith":
		if !isLiteral(n.Left) && !isLiteral(n.Right) {
			g.charge(scanCost, n.Left)
		}
	}
}

// rangeOf checks the range of x in a..b, which never becomes a list.
func (g *gate) rangeOf(r *ast.BinaryNode) {
	from, ok1 := wholeNumber(r.Left)
	to, ok2 := wholeNumber(r.Right)
	switch {
	case !ok1 || !ok2:
		g.fail(r, "the bounds of a range are whole numbers, as in 9..17")
	case from > to:
		g.fail(r, "the first bound of a range is not above the second")
	}
}

// wholeNumber reads a literal, with a minus sign or without.
func wholeNumber(n ast.Node) (int, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.UnaryNode:
		if i, ok := n.Node.(*ast.IntegerNode); ok && n.Operator == "-" {
			return -i.Value, true
		}
	}
	return 0, false
}

func isLiteral(n ast.Node) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NilNode:
		return true
	}
	return false
}
