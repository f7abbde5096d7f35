package rule

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
	"github.com/pointsman/pointsman/engine"
)

// Bounds of a rule's text, all checked before the step that they protect.
const (
	maxDepth  = 64    // brackets and prefix operators inside one another
	maxTokens = 4_000 // what the parser may recurse over without brackets
	maxNodes  = 500   // of the syntax tree
)

// scan refuses a text that the parser must not see: it descends once for each
// nesting level and each token of a chain, with no bound of its own (expr 1.17.8:
// 500,000 brackets exhaust the stack, which no recover can catch).
func scan(source string) *engine.SourceError {
	if len(source) > engine.MaxRuleSource {
		return at(source[:clipLength(source, engine.MaxRuleSource)], engine.MaxRuleSource,
			"the rule is longer than 8 KiB (8,192 bytes)")
	}
	if !utf8.ValidString(source) {
		return at(strings.ToValidUTF8(source, "\uFFFD"), validPrefix(source), "the rule is not valid UTF-8")
	}
	l := lexer.New()
	l.Reset(file.NewSource(source))
	depth, prefixes, tokens := 0, 0, 0
	for {
		t, err := l.Next()
		if err != nil {
			var e *file.Error
			if errors.As(err, &e) {
				return at(source, e.From, friendly(e.Message))
			}
			return at(source, 0, "the rule cannot be read")
		}
		if tokens++; tokens > maxTokens {
			return at(source, t.From, "the rule has more than 4,000 symbols")
		}
		switch {
		case t.Kind == lexer.EOF:
			if tokens == 1 {
				return at(source, 0, "the rule is empty")
			}
			return nil
		case t.Kind == lexer.Bracket && strings.Contains("([{", t.Value):
			depth++
		case t.Kind == lexer.Bracket:
			depth--
		case t.Is(lexer.Operator, "!", "not", "-", "+"):
			prefixes++
		default:
			prefixes = 0
		}
		if depth+prefixes > maxDepth {
			return at(source, t.From, "the rule is nested deeper than 64 levels")
		}
	}
}

func clipLength(s string, n int) int { return len(clip(s, n)) }

// validPrefix returns how many code points stand before the first invalid byte.
func validPrefix(s string) int {
	n := 0
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return n
			}
		}
		n++
	}
	return n
}

// at makes the error for the code point with that index in source. An index past
// the end means just behind the last character.
func at(source string, index int, message string) *engine.SourceError {
	source = strings.TrimRight(source, " \t\r\n")
	e := &engine.SourceError{Line: 1, Column: 1, Message: message}
	lineStart, seen := 0, 0
	for i, r := range source {
		if seen == index {
			break
		}
		seen++
		if r == '\n' {
			e.Line++
			e.Column = 1
			lineStart = i + 1
		} else {
			e.Column++
		}
	}
	line, _, _ := strings.Cut(source[lineStart:], "\n")
	e.Snippet = snippet(strings.TrimRight(line, "\r"), e.Column)
	return e
}

// Widths of a snippet, in code points.
const (
	snippetBefore = 60
	snippetAfter  = 60
)

// snippet is the line, cut around the column when it is long, and a caret below it.
func snippet(line string, column int) string {
	runes := []rune(strings.ReplaceAll(line, "\t", " "))
	from, to := 0, len(runes)
	caret := min(column-1, len(runes))
	if caret > snippetBefore {
		from = caret - snippetBefore
	}
	if to-caret > snippetAfter {
		to = caret + snippetAfter
	}
	var b strings.Builder
	if from > 0 {
		b.WriteRune('…')
		caret++
	}
	b.WriteString(string(runes[from:to]))
	if to < len(runes) {
		b.WriteRune('…')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Repeat(" ", caret-from))
	b.WriteByte('^')
	return b.String()
}

// firstToken returns the index of the code point at which the expression begins.
func firstToken(source string) int {
	l := lexer.New()
	l.Reset(file.NewSource(source))
	if t, err := l.Next(); err == nil && t.Kind != lexer.EOF {
		return t.From
	}
	return 0
}

// quoted is text in double quotes for a message, cut when it is long.
func quoted(s string) string {
	if short := clip(s, 40); short != s {
		s = short + "…"
	}
	return strconv.Quote(s)
}
