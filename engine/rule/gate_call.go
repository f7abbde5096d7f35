package rule

import (
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
)

// call checks mentions and trim, the functions that expr does not have or not so.
func (g *gate) call(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		g.fail(n, "only named functions can be called")
		return
	}
	switch callee.Value {
	case "mentions":
		g.mentions(node, n)
	case "trim":
		for i := range n.Arguments {
			g.check(&n.Arguments[i])
		}
	default:
		g.unknownFunction(n, callee.Value)
	}
}

func (g *gate) unknownFunction(n ast.Node, name string) {
	if _, known := builtin.Index[name]; known {
		g.fail(n, quoted(name)+" is not available in rules")
		return
	}
	names := append([]string{"mentions"}, functions...)
	g.fail(n, "there is no function "+quoted(name)+" in rules"+didYouMean(name, names))
}

// mentions checks the phrases of a call and puts a lookup of its answer in its place.
func (g *gate) mentions(node *ast.Node, n *ast.CallNode) {
	switch {
	case len(n.Arguments) == 0:
		g.fail(n, "mentions needs a word or phrase, as mentions('screenshot')")
	case len(n.Arguments) > maxPhrases:
		g.fail(n, "mentions takes at most 32 phrases; join two calls with or")
	}
	phrases := make([]string, 0, len(n.Arguments))
	for _, arg := range n.Arguments {
		text, ok := arg.(*ast.StringNode)
		switch {
		case !ok:
			g.fail(arg, "mentions takes texts in quotes, not computed")
			return
		case strings.TrimSpace(text.Value) == "":
			g.fail(arg, "mentions needs a word or phrase, not an empty text")
		case len(text.Value) > maxPhraseBytes:
			g.fail(arg, "the phrase is longer than 128 bytes")
		}
		if g.err != nil {
			return
		}
		phrases = append(phrases, text.Value)
	}
	if g.err != nil {
		return
	}
	lookup := &ast.MemberNode{
		Node:     &ast.IdentifierNode{Value: "hits"},
		Property: &ast.IntegerNode{Value: len(g.calls)},
	}
	lookup.Node.SetLocation(n.Location())
	lookup.Property.SetLocation(n.Location())
	g.calls = append(g.calls, phrases)
	ast.Patch(node, lookup)
}

func (g *gate) builtin(n *ast.BuiltinNode) {
	if !slices.Contains(functions, n.Name) {
		g.unknownFunction(n, n.Name)
		return
	}
	if slices.Contains(loops, n.Name) {
		g.loop(n)
		return
	}
	for i := range n.Arguments {
		if id, ok := n.Arguments[i].(*ast.IdentifierNode); ok && n.Name == "len" {
			g.identifier(id)
			continue
		}
		g.check(&n.Arguments[i])
	}
	switch n.Name {
	case "lower", "upper":
		g.charge(copyCost, n.Arguments...)
	case "indexOf", "lastIndexOf":
		g.charge(scanCost, n.Arguments...)
	}
}

// loop checks any(models, .id == 'x') and the like. The collection has a known bound
// and loops do not nest, so that a rule's steps are bounded by its length.
func (g *gate) loop(n *ast.BuiltinNode) {
	if len(n.Arguments) != 2 {
		g.fail(n, n.Name+" takes a list and a condition, as "+n.Name+"(models, .tier == 'flagship')")
		return
	}
	if g.inLoop {
		g.fail(n, n.Name+" cannot stand inside another loop")
		return
	}
	times := 0
	switch c := n.Arguments[0].(type) {
	case *ast.IdentifierNode:
		if t := g.identifier(c); t != nil && t.Kind() == reflect.Slice {
			g.element, times = t.Elem(), maxRuleModels
		}
	case *ast.ArrayNode:
		g.check(&n.Arguments[0])
		times = len(c.Nodes)
		g.element = nil
	}
	if times == 0 && g.err == nil {
		if _, ok := n.Arguments[0].(*ast.ArrayNode); !ok {
			g.fail(n.Arguments[0], n.Name+" looks through models or a list in brackets only")
		}
	}
	g.inLoop, g.times = true, max(times, 1)
	g.check(&n.Arguments[1])
	g.inLoop, g.times, g.element = false, 1, nil
}
