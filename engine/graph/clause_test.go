package graph

import (
	"strings"
	"testing"
)

func TestClauses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ source, want string }{
		{`has_image`, `: has_image`},
		{`a or b and c`, `or: a | b and c`},
		{`a && b and not c`, `and: a | b | not c`},
		{`((a or b))`, `or: a | b`},
		{`(a or b) and (c or d)`, `and: (a or b) | (c or d)`},
		{"a ||\n\t  b  ==  \"x  or  y\"", `or: a | b == "x  or  y"`},
		{"a // or\n and b", `and: a | b`},
		{`any(list, {# > 1 or # < 0}) or x`, `or: any(list, {# > 1 or # < 0}) | x`},
		{`"日本" in text and "é" in text`, `and: "日本" in text | "é" in text`},
		{`a or b ? c : d`, `: a or b ? c : d`},
		{`let x = a or b; x`, `: let x = a or b; x`},
		{`"broken`, `: "broken`},
		{``, `: `},
	} {
		parts, join := clauses(c.source)
		if got := join + ": " + strings.Join(parts, " | "); got != c.want {
			t.Errorf("clauses(%q) = %s, want %s", c.source, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"short", 10, "short"},
		{"", 10, ""},
		{"one two three four", 10, "one two|three four"},
		{"abcdefghijklmnopqrstuvwxyz", 10, "abcdefghij|klmnopqrst|uvwxyz"},
		{"日本語の規則です", 6, "日本語|の規則|です"},
	} {
		got := wrap(c.text, c.width)
		if strings.Join(got, "|") != c.want {
			t.Errorf("wrap(%q, %d) = %q, want %s", c.text, c.width, got, c.want)
		}
	}
}
