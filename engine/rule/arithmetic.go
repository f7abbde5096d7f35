package rule

import (
	"errors"
	"math"
	"math/bits"
	"reflect"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/pointsman/pointsman/engine"
)

// Failures of a rule that runs. They hold nothing of the request.
var (
	errDivision = errors.New("division by zero")
	errOverflow = errors.New("number too large")
)

// arithmetic names the functions that stand for the operators on whole numbers,
// where expr wraps around silently, and for division, where it answers infinity. No
// source can name them.
var arithmetic = map[string]string{"+": "checked +", "-": "checked -", "*": "checked *", "/": "checked /", "%": "checked %"}

var ownFunctions = func() conf.FunctionsTable {
	table := conf.FunctionsTable{
		"trim": {
			Name:  "trim",
			Func:  func(args ...any) (any, error) { return strings.TrimSpace(args[0].(string)), nil },
			Types: []reflect.Type{reflect.TypeFor[func(string) string]()},
		},
	}
	for operator, name := range arithmetic {
		table[name] = &builtin.Function{
			Name:     name,
			Func:     func(args ...any) (any, error) { return calculate(operator, args[0], args[1]) },
			Validate: func(args []reflect.Type) (reflect.Type, error) { return resultType(operator, args), nil },
		}
	}
	return table
}()

func resultType(operator string, args []reflect.Type) reflect.Type {
	if operator != "/" && args[0].Kind() == reflect.Int && args[1].Kind() == reflect.Int {
		return intType
	}
	return floatType
}

var (
	intType   = reflect.TypeFor[int]()
	floatType = reflect.TypeFor[float64]()
	boolType  = reflect.TypeFor[bool]()
)

// calculate applies the operator to two numbers. Errors: errDivision, errOverflow.
func calculate(operator string, left, right any) (any, error) {
	if a, ok := left.(int); ok && operator != "/" {
		if b, ok := right.(int); ok {
			return whole(operator, a, b)
		}
	}
	a, ok1 := float(left)
	b, ok2 := float(right)
	if !ok1 || !ok2 {
		return nil, errors.New("not a number")
	}
	switch operator {
	case "+":
		a += b
	case "-":
		a -= b
	case "*":
		a *= b
	case "/":
		if b == 0 {
			return nil, errDivision
		}
		a /= b
	}
	if math.IsInf(a, 0) || math.IsNaN(a) {
		return nil, errOverflow
	}
	return a, nil
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func whole(operator string, a, b int) (any, error) {
	switch operator {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return c, nil
		}
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return c, nil
		}
	case "*":
		hi, lo := bits.Mul64(magnitude(a), magnitude(b))
		negative := (a < 0) != (b < 0)
		switch {
		case hi != 0:
		case !negative && lo <= math.MaxInt64, negative && lo <= math.MaxInt64+1:
			return a * b, nil
		}
	case "%":
		if b == 0 {
			return nil, errDivision
		}
		return a % b, nil
	}
	return nil, errOverflow
}

func magnitude(n int) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// typed walks a tree whose types are known. It refuses what the types show to be
// unbounded or without meaning, and replaces what expr does not do as rules need it.
type typed struct {
	source  string
	err     *engine.SourceError
	patched bool
}

func (t *typed) fail(n ast.Node, message string) {
	if t.err == nil {
		t.err = at(t.source, n.Location().From, message)
	}
}

// Visit implements ast.Visitor, children first.
func (t *typed) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.UnaryNode:
		if n.Operator == "-" {
			t.negate(node, n.Node)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "+", "-", "*", "/", "%":
			t.calculation(node, n)
		case "==", "!=":
			t.comparable(n, n.Left)
			t.comparable(n, n.Right)
		case "in":
			t.membership(node, n)
		}
	}
}

// negate turns the minus of a literal into the literal.
func (t *typed) negate(node *ast.Node, n ast.Node) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		t.patch(node, &ast.IntegerNode{Value: -n.Value}, intType)
	case *ast.FloatNode:
		t.patch(node, &ast.FloatNode{Value: -n.Value}, floatType)
	}
}

// patch replaces a node by one of that type.
func (t *typed) patch(node *ast.Node, with ast.Node, is reflect.Type) {
	t.patched = true
	ast.Patch(node, with)
	with.SetType(is)
}

func (t *typed) calculation(node *ast.Node, n *ast.BinaryNode) {
	left, right := n.Left.Type(), n.Right.Type()
	if !isNumber(left) || !isNumber(right) {
		message := strconv.Quote(n.Operator) + " needs a number on both sides"
		if n.Operator == "+" && (left.Kind() == reflect.String || right.Kind() == reflect.String) {
			message = "texts cannot be joined in rules; compare each by itself"
		}
		t.fail(n, message)
		return
	}
	if a, ok := literal(n.Left); ok {
		if b, ok := literal(n.Right); ok {
			v, err := calculate(n.Operator, a, b)
			switch v := v.(type) {
			case int:
				t.patch(node, &ast.IntegerNode{Value: v}, intType)
			case float64:
				t.patch(node, &ast.FloatNode{Value: v}, floatType)
			default:
				t.fail(n, err.Error())
			}
			return
		}
	}
	callee := &ast.IdentifierNode{Value: arithmetic[n.Operator]}
	callee.SetLocation(n.Location())
	t.patch(node, &ast.CallNode{Callee: callee, Arguments: []ast.Node{n.Left, n.Right}},
		resultType(n.Operator, []reflect.Type{left, right}))
}

func isNumber(t reflect.Type) bool {
	return t.Kind() == reflect.Int || t.Kind() == reflect.Float64
}

func literal(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.FloatNode:
		return n.Value, true
	}
	return nil, false
}

// comparable refuses comparing lists, maps and groups: expr would compare them deeply.
func (t *typed) comparable(n *ast.BinaryNode, operand ast.Node) {
	switch operand.Type().Kind() {
	case reflect.Slice, reflect.Map, reflect.Struct, reflect.Array, reflect.Func:
		t.fail(n, strconv.Quote(n.Operator)+" compares texts, numbers and true or false, not a "+typeName(operand.Type()))
	}
}

// membership replaces x in a..b by two comparisons; expr would make a list otherwise.
func (t *typed) membership(node *ast.Node, n *ast.BinaryNode) {
	if n.Right.Type().Kind() == reflect.Struct {
		t.fail(n, `"in" looks into a list, a map or a range`)
		return
	}
	r, ok := n.Right.(*ast.BinaryNode)
	if !ok || r.Operator != ".." {
		return
	}
	if n.Left.Type().Kind() != reflect.Int {
		t.fail(n, "only a whole number can be in a range")
		return
	}
	low := &ast.BinaryNode{Operator: ">=", Left: n.Left, Right: r.Left}
	high := &ast.BinaryNode{Operator: "<=", Left: n.Left, Right: r.Right}
	for _, half := range []*ast.BinaryNode{low, high} {
		half.SetLocation(n.Location())
		half.SetType(boolType)
	}
	t.patch(node, &ast.BinaryNode{Operator: "and", Left: low, Right: high}, boolType)
}
