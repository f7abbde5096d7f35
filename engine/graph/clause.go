package graph

import (
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// clauses takes an expression apart where its outermost "or" is, else its outermost "and". join
// is which, "" when it has one part. A text that has no tokens is one part too.
func clauses(source string) (parts []string, join string) {
	source = strings.TrimSpace(source)
	tokens, err := lexer.Lex(file.NewSource(source))
	if err != nil {
		return []string{oneLine(source)}, ""
	}
	text := []rune(source)
	from := 0
	for _, t := range tokens {
		for i := from; i < t.From && i < len(text); i++ {
			text[i] = ' ' // blank already, or part of a comment
		}
		from = t.To
	}
	tokens, text = unwrap(tokens, text)
	for _, join := range []string{"or", "and"} {
		if at := outermost(tokens, join); len(at) > 0 {
			return cut(text, tokens, at), join
		}
	}
	return []string{oneLine(string(text))}, ""
}

// depth follows brackets.
func depth(t lexer.Token, d int) int {
	if t.Kind != lexer.Bracket {
		return d
	}
	if strings.ContainsAny(t.Value, "([{") {
		return d + 1
	}
	return d - 1
}

// outermost returns the places of an operator that no bracket holds. A text that binds or chooses
// outside of brackets ("let", "?:") has none: its parts are not the whole condition.
func outermost(tokens []lexer.Token, join string) (at []int) {
	d := 0
	for i, t := range tokens {
		d = depth(t, d)
		if d > 0 || t.Kind != lexer.Operator {
			continue
		}
		switch t.Value {
		case "?", ":", "??", ";", "|", "let", "if", "else":
			return nil
		case "||", "or":
			if join == "or" {
				at = append(at, i)
			}
		case "&&", "and":
			if join == "and" {
				at = append(at, i)
			}
		}
	}
	return at
}

// unwrap takes away brackets round the whole.
func unwrap(tokens []lexer.Token, text []rune) ([]lexer.Token, []rune) {
	for len(tokens) > 2 && tokens[0].Is(lexer.Bracket, "(") {
		d, closes := 0, -1
		for i, t := range tokens {
			if d = depth(t, d); d == 0 {
				closes = i
				break
			}
		}
		if closes < 0 || closes+1 < len(tokens) && tokens[closes+1].Kind != lexer.EOF {
			break
		}
		from, to := tokens[0].From+1, tokens[closes].From
		text = text[:to]
		for i := range from {
			text[i] = ' '
		}
		tokens = tokens[1:closes]
	}
	return tokens, text
}

func cut(text []rune, tokens []lexer.Token, at []int) (parts []string) {
	from := 0
	for _, i := range at {
		parts = append(parts, oneLine(string(text[from:tokens[i].From])))
		from = tokens[i].To
	}
	return append(parts, oneLine(string(text[from:])))
}

// oneLine makes every run of white space outside of quotes one blank. Expressions have no other
// meaning for it.
func oneLine(text string) string {
	var b strings.Builder
	var quote rune
	escaped, blank := false, false
	for _, r := range strings.TrimSpace(text) {
		switch {
		case quote != 0:
			if !escaped && r == quote {
				quote = 0
			}
			escaped = !escaped && r == '\\' && quote != '`'
		case r == ' ' || r == '\n' || r == '\t' || r == '\r':
			blank = true
			continue
		case r == '"' || r == '\'' || r == '`':
			quote = r
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
