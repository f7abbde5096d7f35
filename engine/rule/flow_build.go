package rule

import (
	"regexp"

	"github.com/expr-lang/expr/ast"
)

// newFlow returns the checked expression as a flow, or nil when it has other parts.
func newFlow(root ast.Node) *flow {
	b := &flowBuilder{}
	start := b.build(root, endYes, endNo)
	if b.unknown {
		return nil
	}
	return &flow{tests: b.tests, operands: b.operands, start: start}
}

// flowBuilder builds from the end: what follows a test is built before it.
type flowBuilder struct {
	tests    []test
	operands []operand
	unknown  bool
}

// build returns where the flow of a node begins that goes on at yes or at no.
func (b *flowBuilder) build(n ast.Node, yes, no int16) int16 {
	if b.unknown || len(b.tests) > maxVisits {
		b.unknown = true
		return no
	}
	switch n := n.(type) {
	case *ast.BoolNode:
		if n.Value {
			return yes
		}
		return no
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return b.build(n.Node, no, yes)
		}
	case *ast.ConditionalNode:
		then := b.build(n.Exp1, yes, no)
		otherwise := b.build(n.Exp2, yes, no)
		return b.build(n.Cond, then, otherwise)
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			return b.build(n.Left, b.build(n.Right, yes, no), no)
		case "or", "||":
			return b.build(n.Left, yes, b.build(n.Right, yes, no))
		case "!=":
			return b.compare("==", n.Left, n.Right, no, yes)
		case "<=":
			return b.compare(">", n.Left, n.Right, no, yes)
		case ">=":
			return b.compare("<", n.Left, n.Right, no, yes)
		}
		return b.compare(n.Operator, n.Left, n.Right, yes, no)
	case *ast.MemberNode:
		if call, ok := hitIndex(n); ok {
			return b.add(test{ask: askMentions, arg: call}, yes, no)
		}
		if i := indexOf(flags, path(n)); i >= 0 {
			return b.add(test{ask: askFlag, field: uint8(i)}, yes, no)
		}
	}
	b.unknown = true
	return no
}

func (b *flowBuilder) add(t test, yes, no int16) int16 {
	t.yes, t.no = yes, no
	b.tests = append(b.tests, t)
	return int16(len(b.tests) - 1)
}

// hitIndex recognises the lookup that the gate put in place of a mentions call.
func hitIndex(n *ast.MemberNode) (int, bool) {
	id, ok1 := n.Node.(*ast.IdentifierNode)
	index, ok2 := n.Property.(*ast.IntegerNode)
	if ok1 && ok2 && id.Value == "hits" {
		return index.Value, true
	}
	return 0, false
}

// path is a node's name as "request.chars", or "" when it is not a plain member of a group.
func path(n ast.Node) string {
	m, ok := n.(*ast.MemberNode)
	if !ok || m.Optional {
		return ""
	}
	group, ok1 := m.Node.(*ast.IdentifierNode)
	name, ok2 := m.Property.(*ast.StringNode)
	if !ok1 || !ok2 {
		return ""
	}
	return group.Value + "." + name.Value
}

var mirrored = map[string]string{"<": ">", ">": "<", "==": "=="}

// compare builds a test of a variable against literals.
func (b *flowBuilder) compare(operator string, left, right ast.Node, yes, no int16) int16 {
	if isLiteral(left) && mirrored[operator] != "" {
		left, right, operator = right, left, mirrored[operator]
	}
	var t test
	var o operand
	known := false
	name := path(left)
	if value, ok := right.(*ast.BoolNode); ok && operator == "==" && indexOf(flags, name) >= 0 {
		if !value.Value {
			yes, no = no, yes
		}
		return b.build(left, yes, no)
	}
	switch {
	case indexOf(numbers, name) >= 0:
		t.field = uint8(indexOf(numbers, name))
		known = setNumber(&t, &o, operator, right)
	case indexOf(floats, name) >= 0:
		t.field = uint8(indexOf(floats, name))
		known = setFloat(&t, &o, operator, right)
	case indexOf(texts, name) >= 0:
		t.field = uint8(indexOf(texts, name))
		known = setText(&t, &o, operator, right)
	default:
		t.field = noField
		if o.key, known = metadataKey(left); known {
			known = setText(&t, &o, operator, right)
		} else if key, ok := left.(*ast.StringNode); ok && operator == "in" && path(right) == "request.metadata" {
			t.ask, o.key, known = askKey, key.Value, true
		}
	}
	if !known {
		b.unknown = true
		return no
	}
	if t.ask > askSame {
		t.arg = len(b.operands)
		b.operands = append(b.operands, o)
	}
	return b.add(t, yes, no)
}

// metadataKey recognises request.metadata.key and request.metadata["key"].
func metadataKey(n ast.Node) (string, bool) {
	m, ok := n.(*ast.MemberNode)
	if !ok || m.Optional || path(m.Node) != "request.metadata" {
		return "", false
	}
	key, ok := m.Property.(*ast.StringNode)
	if !ok {
		return "", false
	}
	return key.Value, true
}

func setNumber(t *test, o *operand, operator string, right ast.Node) bool {
	if list, ok := right.(*ast.ArrayNode); ok && operator == "in" && len(list.Nodes) > 0 {
		for _, n := range list.Nodes {
			whole, ok := n.(*ast.IntegerNode)
			if !ok {
				return false
			}
			o.wholes = append(o.wholes, whole.Value)
		}
		t.ask = askAmongNumbers
		return true
	}
	n, ok := right.(*ast.IntegerNode)
	if !ok {
		return false
	}
	t.arg = n.Value
	switch operator {
	case "<":
		t.ask = askLess
	case ">":
		t.ask = askMore
	case "==":
		t.ask = askSame
	default:
		return false
	}
	return true
}

func setFloat(t *test, o *operand, operator string, right ast.Node) bool {
	switch n := right.(type) {
	case *ast.IntegerNode:
		o.real = float64(n.Value)
	case *ast.FloatNode:
		o.real = n.Value
	default:
		return false
	}
	switch operator {
	case "<":
		t.ask = askFloatLess
	case ">":
		t.ask = askFloatMore
	case "==":
		t.ask = askFloatSame
	default:
		return false
	}
	return true
}

func setText(t *test, o *operand, operator string, right ast.Node) bool {
	if list, ok := right.(*ast.ArrayNode); ok && operator == "in" && len(list.Nodes) > 0 {
		for _, n := range list.Nodes {
			word, ok := n.(*ast.StringNode)
			if !ok {
				return false
			}
			o.words = append(o.words, word.Value)
		}
		t.ask = askAmong
		return true
	}
	word, ok := right.(*ast.StringNode)
	if !ok {
		return false
	}
	o.words = []string{word.Value}
	switch operator {
	case "==":
		t.ask = askEqual
	case "contains":
		t.ask = askContains
	case "startsWith":
		t.ask = askPrefix
	case "endsWith":
		t.ask = askSuffix
	case "matches":
		re, err := regexp.Compile(word.Value)
		t.ask, o.re = askPattern, re
		return err == nil
	default:
		return false
	}
	return true
}
