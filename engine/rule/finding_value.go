package rule

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/pointsman/pointsman/engine"
)

// values reports comparisons with models, tiers and states that there are not.
func (x *inspection) values(r *inspected) {
	if r.program == nil {
		return
	}
	c, err := parse(r.When)
	if err != nil {
		return
	}
	v := &valueVisitor{}
	ast.Walk(&c.tree.Node, v)
	for _, compared := range v.found {
		switch {
		case compared.member == "id" && x.options.Model != nil && !x.options.Model(compared.text):
			x.report(r.Rule, FindingUnknownModel, "", "", "There is no model "+quoted(compared.text)+" to compare .id with.")
		case compared.member == "tier" && x.options.Tiers != nil && !slices.Contains(x.options.Tiers, compared.text):
			x.report(r.Rule, FindingUnknownValue, "", "", "No model has the tier "+quoted(compared.text)+". There are "+strings.Join(x.options.Tiers, ", ")+".")
		case compared.member == "health" && !slices.Contains(healths, compared.text):
			x.report(r.Rule, FindingUnknownValue, "", "", "No model has the health "+quoted(compared.text)+". It is "+strings.Join(healths, ", ")+".")
		}
	}
}

// healths are what .health can be.
var healths = []string{string(engine.HealthHealthy), string(engine.HealthDegraded), string(engine.HealthDown)}

// valueVisitor finds what members of models are compared with.
type valueVisitor struct {
	found []struct{ member, text string }
}

// Visit implements ast.Visitor.
func (v *valueVisitor) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.BinaryNode)
	if !ok || n.Operator != "==" && n.Operator != "!=" && n.Operator != "in" {
		return
	}
	for _, sides := range [...][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}} {
		member, ok := sides[0].(*ast.MemberNode)
		if !ok || !ofModel(member) {
			continue
		}
		name, _ := member.Property.(*ast.StringNode)
		values := []ast.Node{sides[1]}
		if list, ok := sides[1].(*ast.ArrayNode); ok {
			values = list.Nodes
		}
		for _, value := range values {
			if text, ok := value.(*ast.StringNode); ok && name != nil {
				v.found = append(v.found, struct{ member, text string }{name.Value, text.Value})
			}
		}
	}
}

// ofModel reports whether the member is one of an element of models.
func ofModel(n *ast.MemberNode) bool {
	switch of := n.Node.(type) {
	case *ast.PointerNode:
		return true
	case *ast.MemberNode:
		list, ok := of.Node.(*ast.IdentifierNode)
		return ok && list.Value == "models"
	}
	return false
}
