package rule

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// pattern checks the right side of matches: a regular expression that is known now
// and whose automaton is small, since matching takes time in proportion to its size.
func (g *gate) pattern(n *ast.BinaryNode) {
	if g.err != nil {
		return
	}
	text, ok := n.Right.(*ast.StringNode)
	if !ok {
		g.fail(n.Right, "the pattern of matches is a text in quotes, not computed")
		return
	}
	if utf8.RuneCountInString(text.Value) > maxPatternChars {
		g.fail(text, "the pattern is longer than 256 characters")
		return
	}
	parsed, err := syntax.Parse(text.Value, syntax.Perl)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		g.fail(text, "the pattern is not valid: "+reason)
		return
	}
	if n := patternSize(parsed); n > 8*maxPatternSteps {
		// Repetitions are written out before they can be counted exactly.
		g.fail(text, "the pattern is too large: its repetitions amount to "+strconv.Itoa(n)+" characters")
		return
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err == nil {
		_, err = regexp.Compile(text.Value)
	}
	if err != nil {
		g.fail(text, "the pattern is not valid")
		return
	}
	before := g.cost.patterns
	g.cost.patterns += len(program.Inst)
	if g.cost.patterns > maxPatternSteps {
		what := "the pattern is too large: it takes "
		if before > 0 {
			what = "the patterns of the rule are too large: together they take "
		}
		g.fail(text, what+strconv.Itoa(g.cost.patterns)+" steps, and 128 is the most")
		return
	}
	g.charge(patternCost*len(program.Inst), n.Left)
}

// patternSize counts the parts of an expression with its repetitions written out.
func patternSize(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += patternSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}
