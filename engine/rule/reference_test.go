package rule

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// functionDocs says what each function does, in the order of the reference.
var functionDocs = []struct{ call, doc string }{
	{"mentions('a', 'b c')", "one of the words or phrases stands in the last user message: whole, in any letter case; a blank matches any white space. Looks at all of the text. At most 32 phrases in quotes, 128 bytes each"},
	{"any(models, .id == 'x')", "true for an element of models, or of a list in brackets; in the condition `#` is the element and `.id` its member"},
	{"all(models, …)", "true for every element"},
	{"none(models, …)", "true for no element"},
	{"one(models, …)", "true for exactly one element"},
	{"count(models, …)", "for how many elements it is true"},
	{"len(x)", "bytes of a text, elements of a list, keys of a map"},
	{"lower(text)", "in lower case"},
	{"upper(text)", "in upper case"},
	{"trim(text)", "without white space at both ends"},
	{"hasPrefix(text, 'a')", "as `startsWith`"},
	{"hasSuffix(text, 'a')", "as `endsWith`"},
	{"indexOf(text, 'a')", "byte position of the first occurrence, or -1"},
	{"lastIndexOf(text, 'a')", "byte position of the last occurrence, or -1"},
	{"int(x)", "whole number of a text or number; a text that is none is a failure of the rule"},
	{"float(x)", "number of a text or number"},
	{"abs(n)", "without its sign"},
	{"ceil(n)", "rounded up"},
	{"floor(n)", "rounded down"},
	{"round(n)", "rounded"},
	{"max(a, b)", "the largest"},
	{"min(a, b)", "the smallest"},
}

// Every function has its line, and its example compiles.
func TestReferenceOfFunctions(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, f := range functionDocs {
		name, _, _ := strings.Cut(f.call, "(")
		documented[name] = true
	}
	for _, name := range append([]string{"mentions"}, functions...) {
		if !documented[name] {
			t.Errorf("the function %s has no line in the reference", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("the reference has a line for %s, which is no function", name)
	}
}

// examples/rules/README.md is generated from Env; -update rewrites it.
func TestReference(t *testing.T) {
	t.Parallel()
	want := reference(t)
	path := filepath.Join(examples, "README.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: run go test ./engine/rule -run TestReference -update", path)
	}
	// Each indented expression of the text compiles.
	for _, m := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllStringSubmatch(want, -1) {
		if strings.HasPrefix(m[1], "curl") || strings.HasPrefix(m[1], "-") {
			continue
		}
		if _, err := compile(m[1]); err != nil {
			t.Errorf("the reference's example %q = %v", m[1], err)
		}
	}
}

func reference(t testing.TB) string {
	var b strings.Builder
	b.WriteString(`<!-- Generated from rule.Env by go test ./engine/rule -run TestReference -update. DO NOT EDIT. -->
# Rules

A rule sends the requests that it matches to a model. What it matches is an expression in the
[expr language](https://expr-lang.org) that is true or false for a request:

    mentions('invoice', 'refund') and request.chars < 2000
    request.command == '/fast' or request.metadata.plan == 'gold'
    any(models, .family == 'Gemini' and .context_window > request.tokens)

Save it through the API; a text that does not compile comes back with line, column and a caret:

    curl -H "Authorization: Bearer $POINTSMAN_KEY" -H 'Content-Type: application/json' http://127.0.0.1:8080/api/v1/rules \
      -d '{"id":"invoices","name":"Invoices","priority":60,"when":"mentions('"'"'invoice'"'"')","target":"gpt-4o","fallbacks":["gpt-5-mini"]}'

Rules are tried by priority, highest first; the first that matches decides. An account's rule comes before a
global one of the same priority, an older rule before a younger one. A rule of an account hides the global
rule of the same id, also while it is disabled. Rules decide for requests whose model is ` + "`auto`" + `.

## Variables
`)
	for _, v := range Variables() {
		name := v.Name
		if v.Type == "group" || v.Name == "models" {
			fmt.Fprintf(&b, "\n**%s**: %s\n\n", name, v.Doc)
			if v.Name == "models" {
				b.WriteString("| member | type | |\n|---|---|---|\n")
			} else {
				b.WriteString("| name | type | |\n|---|---|---|\n")
			}
			continue
		}
		name = strings.Replace(name, "models[].", ".", 1)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, v.Type, strings.ReplaceAll(strings.ReplaceAll(v.Doc, "<", "&lt;"), "|", `\|`))
	}
	b.WriteString(`
Values that no service stands behind yet are neutral: nothing has a limit, every model is healthy.

## Operators

` + "`and or not` (also `&& || !`), `== != < <= > >=`, `in` (a list, a map's keys, a range as `9..17`), `contains startsWith endsWith`," + `
` + "`matches` (a regular expression in RE2 syntax), `+ - * / % **`, `a ? b : c`, `if a { b } else { c }`, `let x = …; …`, `text[0:3]`." + `
Sums that grow too large and divisions by zero are failures of the rule.

## Functions

| call | |
|---|---|
`)
	for _, f := range functionDocs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.call, f.doc)
	}
	fmt.Fprintf(&b, `
## Limits

A rule has at most 8 KiB, %d levels of brackets and %d parts (names, values and operators). A pattern has at most
%d characters and, with the others of its rule, %d steps. Texts cannot be joined, loops do not nest, and there is no
clock but the request's. A rule that fails while it runs is skipped, or refuses the request if its `+"`on_failure`"+` is
`+"`refuse`"+`; after %d failures in %d seconds it is suspended for %d seconds, for the account whose requests it failed.

## Examples

The first eight are the system rules.

`, maxDepth, maxNodes, maxPatternChars, maxPatternSteps, failureLimit, int(failureWindow.Seconds()), int(suspension.Seconds()))
	seen := map[string]bool{}
	for _, rule := range seeded(t) {
		seen[rule.ID+".expr"] = true
		writeExample(t, &b, rule.ID+".expr")
	}
	files, err := filepath.Glob(filepath.Join(examples, "*.expr"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := filepath.Base(file); !seen[name] {
			writeExample(t, &b, name)
		}
	}
	return b.String()
}

func writeExample(t testing.TB, b *strings.Builder, name string) {
	content, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	comment, _, _ := strings.Cut(string(content), "\n")
	fmt.Fprintf(b, "- [%s](%s): %s\n", name, name, strings.TrimSpace(strings.TrimPrefix(comment, "//")))
}
