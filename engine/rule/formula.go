package rule

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// formula is an expression as far as it can be reasoned about: and, or, not over atoms.
type formula struct {
	kind  formulaKind
	parts []*formula
	atom  *atom
}

type formulaKind uint8

const (
	isTrue formulaKind = iota
	isFalse
	isAtom
	isNot
	isAnd
	isOr
)

// atom is a question whose answer is a function of the request.
type atom struct {
	test    test
	operand operand
	name    string // of the variable, or all of it when it is opaque
	opaque  bool   // nothing is known of it but that it is itself; it may fail
	phrases []string
	runes   int // that the text has at least when one of phrases is in it
}

// former makes formulas. Nothing in it is a guess: what it does not know becomes opaque.
type former struct {
	calls [][]string
	scope string // makes what is opaque here differ from what is opaque elsewhere
	fails bool   // something in it may fail
	names []string
}

// formulaOf reads an expression that compiles; nil when it cannot be read.
func formulaOf(source, scope string) (*formula, *former) {
	c, err := parse(source)
	if err != nil {
		return nil, nil
	}
	f := &former{calls: c.calls, scope: scope}
	return f.form(c.tree.Node), f
}

func (f *former) form(n ast.Node) *formula {
	switch n := n.(type) {
	case *ast.BoolNode:
		if n.Value {
			return &formula{kind: isTrue}
		}
		return &formula{kind: isFalse}
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return negated(f.form(n.Node))
		}
	case *ast.ConditionalNode:
		condition := f.form(n.Cond)
		return &formula{kind: isOr, parts: []*formula{
			{kind: isAnd, parts: []*formula{condition, f.form(n.Exp1)}},
			{kind: isAnd, parts: []*formula{negated(condition), f.form(n.Exp2)}},
		}}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			return &formula{kind: isAnd, parts: []*formula{f.form(n.Left), f.form(n.Right)}}
		case "or", "||":
			return &formula{kind: isOr, parts: []*formula{f.form(n.Left), f.form(n.Right)}}
		}
		if opposite := opposites[n.Operator]; opposite != "" {
			if x := f.compare(opposite, n.Left, n.Right); x != nil {
				return negated(x)
			}
		} else if x := f.compare(n.Operator, n.Left, n.Right); x != nil {
			return x
		}
	case *ast.MemberNode:
		if call, ok := hitIndex(n); ok {
			return f.words(f.calls[call])
		}
		if i := indexOf(flags, path(n)); i >= 0 {
			return f.add(&atom{test: test{ask: askFlag, field: uint8(i)}, name: flags[i].name})
		}
	}
	return f.opaque(n)
}

// opposites are no when the other is yes, between values that are both there.
var opposites = map[string]string{"!=": "==", "<=": ">", ">=": "<"}

func negated(x *formula) *formula { return &formula{kind: isNot, parts: []*formula{x}} }

func (f *former) add(a *atom) *formula {
	f.names = append(f.names, a.name)
	return &formula{kind: isAtom, atom: a}
}

// opaque is a part that only expr's machine knows.
func (f *former) opaque(n ast.Node) *formula {
	f.fails = true
	return f.add(&atom{opaque: true, name: f.scope + " " + n.String()})
}

// words is a mentions call. Each phrase is a variable of its own.
func (f *former) words(call []string) *formula {
	a := &atom{test: test{ask: askMentions}, runes: -1}
	for _, phrase := range call {
		phrase = canonical(phrase)
		a.phrases = append(a.phrases, phrase)
		f.names = append(f.names, "mentions "+phrase)
		if n := utf8.RuneCountInString(phrase); a.runes < 0 || n < a.runes {
			a.runes = n
		}
	}
	return &formula{kind: isAtom, atom: a}
}

// canonical is the same for phrases that are found in the same texts, as far as that is plain:
// case and blanks of ASCII.
func canonical(phrase string) string {
	phrase = strings.TrimSpace(phrase)
	for i := range len(phrase) {
		if phrase[i] >= utf8.RuneSelf {
			return phrase
		}
	}
	return strings.ToLower(strings.Join(strings.Fields(phrase), " "))
}

// compare is as that of flowBuilder; nil for what that does not know either.
func (f *former) compare(operator string, left, right ast.Node) *formula {
	if isLiteral(left) && mirrored[operator] != "" {
		left, right, operator = right, left, mirrored[operator]
	}
	a := &atom{name: path(left)}
	known := false
	if value, ok := right.(*ast.BoolNode); ok && operator == "==" && indexOf(flags, a.name) >= 0 {
		if !value.Value {
			return negated(f.form(left))
		}
		return f.form(left)
	}
	switch {
	case indexOf(numbers, a.name) >= 0:
		a.test.field = uint8(indexOf(numbers, a.name))
		known = setNumber(&a.test, &a.operand, operator, right)
	case indexOf(floats, a.name) >= 0:
		a.test.field = uint8(indexOf(floats, a.name))
		known = setFloat(&a.test, &a.operand, operator, right)
	case indexOf(texts, a.name) >= 0:
		a.test.field = uint8(indexOf(texts, a.name))
		known = setText(&a.test, &a.operand, operator, right)
	default:
		a.test.field = noField
		if a.operand.key, known = metadataKey(left); known {
			a.name = "request.metadata." + strconv.Quote(a.operand.key)
			known = setText(&a.test, &a.operand, operator, right)
		} else if key, ok := left.(*ast.StringNode); ok && operator == "in" && path(right) == "request.metadata" {
			a.test.ask, a.operand.key, known = askKey, key.Value, true
			a.name = "in request.metadata " + strconv.Quote(key.Value)
		}
	}
	if !known {
		return nil
	}
	return f.add(a)
}

// accepts reports whether a text answers the atom with yes.
func (a *atom) accepts(text string) bool {
	o := &a.operand
	switch a.test.ask {
	case askEqual, askAmong:
		return slices.Contains(o.words, text)
	case askContains:
		return strings.Contains(text, o.words[0])
	case askPrefix:
		return strings.HasPrefix(text, o.words[0])
	case askSuffix:
		return strings.HasSuffix(text, o.words[0])
	}
	return o.re.MatchString(text)
}

// key is the same for atoms that ask the same.
func (a *atom) key() string {
	if a.opaque || a.test.ask == askFlag || a.test.ask == askKey {
		return a.name
	}
	return a.name + " " + strconv.Itoa(int(a.test.ask)) + " " + strings.Join(a.operand.words, "\x00")
}
