package rule

import (
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// clause is a part of an expression, as written: a condition, or several joined by and, or,
// not. Whatever else stands in a rule (?:, let, loops) is one condition to it.
type clause struct {
	kind  clauseKind
	text  string   // without brackets around it
	parts []clause // of all but a leaf
	leaf  int      // index in clauses.leaves
}

type clauseKind uint8

const (
	leafClause clauseKind = iota
	andClause
	orClause
	notClause
)

// clauses are an expression's, with each leaf as a program of its own.
type clauses struct {
	root   clause
	list   *list    // of the leaves
	leaves []*entry // of list
}

// takeApart compiles the clauses of an expression that compiles, which only explanations need.
func takeApart(source string) *clauses {
	tokens, ok := tokensOf(source)
	if !ok {
		return nil
	}
	b := &clauseBuilder{source: []rune(source)}
	c := &clauses{root: b.clause(tokens)}
	var entries []entry
	for i, text := range b.leaves {
		p, err := compile(text)
		if err != nil {
			return nil
		}
		entries = append(entries, entry{program: p, priority: len(b.leaves) - i}) // keeps the order
	}
	c.list = newList(entries)
	for i := range c.list.entries {
		c.leaves = append(c.leaves, &c.list.entries[i])
	}
	return c
}

// tokensOf reads a source that compiles, without its end.
func tokensOf(source string) (tokens []lexer.Token, ok bool) {
	l := lexer.New()
	l.Reset(file.NewSource(source))
	for {
		t, err := l.Next()
		if err != nil {
			return nil, false
		}
		if t.Kind == lexer.EOF {
			return tokens, len(tokens) > 0
		}
		tokens = append(tokens, t)
	}
}

type clauseBuilder struct {
	source []rune
	leaves []string
}

// text is the source of some tokens that follow one another.
func (b *clauseBuilder) text(tokens []lexer.Token) string {
	return strings.TrimSpace(string(b.source[tokens[0].From:tokens[len(tokens)-1].To]))
}

// clause reads the tokens of an expression. They are not empty, and their brackets match.
func (b *clauseBuilder) clause(tokens []lexer.Token) clause {
	for len(tokens) > 2 && closing(tokens) == len(tokens)-1 {
		tokens = tokens[1 : len(tokens)-1]
	}
	if !loose(tokens) {
		if parts := split(tokens, "or", "||"); len(parts) > 1 {
			return b.join(orClause, tokens, parts)
		}
		if parts := split(tokens, "and", "&&"); len(parts) > 1 {
			return b.join(andClause, tokens, parts)
		}
		if tokens[0].Is(lexer.Operator, "not", "!") && len(tokens) > 3 && closing(tokens[1:]) == len(tokens)-2 {
			return b.join(notClause, tokens, [][]lexer.Token{tokens[1:]})
		}
	}
	c := clause{text: b.text(tokens), leaf: len(b.leaves)}
	b.leaves = append(b.leaves, c.text)
	return c
}

func (b *clauseBuilder) join(kind clauseKind, tokens []lexer.Token, parts [][]lexer.Token) clause {
	c := clause{kind: kind, text: b.text(tokens)}
	for _, part := range parts {
		if len(part) == 0 {
			continue // cannot be in what compiles
		}
		c.parts = append(c.parts, b.clause(part))
	}
	return c
}

// closing is the index of the bracket that closes the round one at the start, -1 when there is none.
func closing(tokens []lexer.Token) int {
	if !tokens[0].Is(lexer.Bracket, "(") {
		return -1
	}
	depth := 0
	for i := range tokens {
		depth += deeper(&tokens[i])
		if depth == 0 {
			return i
		}
	}
	return -1
}

// deeper is how many brackets more are open after the token.
func deeper(t *lexer.Token) int {
	switch {
	case t.Kind != lexer.Bracket:
		return 0
	case strings.Contains("([{", t.Value):
		return 1
	}
	return -1
}

// loose reports whether the tokens have an operator that binds more loosely than or, outside of brackets.
func loose(tokens []lexer.Token) bool {
	depth := 0
	for i := range tokens {
		t := &tokens[i]
		depth += deeper(t)
		if depth > 0 || named(tokens, i) {
			continue
		}
		if t.Is(lexer.Operator, "?", ":", "|", ";", "let", "if", "else", "??") {
			return true
		}
	}
	return false
}

// named reports whether the token is the name of a member, as in request.metadata.or.
func named(tokens []lexer.Token, i int) bool {
	return i > 0 && tokens[i-1].Is(lexer.Operator, ".", "?.")
}

// split cuts the tokens at an operator outside of brackets.
func split(tokens []lexer.Token, operator, also string) (parts [][]lexer.Token) {
	depth, start := 0, 0
	for i := range tokens {
		t := &tokens[i]
		depth += deeper(t)
		if depth == 0 && t.Is(lexer.Operator, operator, also) && !named(tokens, i) {
			parts = append(parts, tokens[start:i])
			start = i + 1
		}
	}
	return append(parts, tokens[start:])
}
