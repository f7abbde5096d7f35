package rule

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/pointsman/pointsman/engine"
)

// What an author reads: position, message and the line with a caret.
func TestCompileErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, source string
		line, column int
		message      string
		snippet      string // "" is not compared
	}{
		{"unknown member", "request.tokns > 3", 1, 9, `request has no member "tokns"; did you mean tokens?`, "request.tokns > 3\n        ^"},
		{"member without its group", "tokens > 3", 1, 1, `unknown name "tokens"; did you mean request.tokens?`, ""},
		{"unknown name", "requst.tokens > 3", 1, 1, `unknown name "requst"; did you mean request?`, ""},
		{"nothing near", "elephant", 1, 1, `unknown name "elephant"`, ""},
		{"member of a model", "any(models, .healt == 'x')", 1, 14, `model has no member "healt"; did you mean health?`, ""},
		{"not boolean", "1 + 2", 1, 1, "a rule must be true or false, but this is a number", "1 + 2\n^"},
		{"not boolean, after a comment", "// size\n  request.chars", 2, 3, "a rule must be true or false, but this is a number", "  request.chars\n  ^"},
		{"text", "'x'", 1, 1, "a rule must be true or false, but this is text", ""},
		{"perhaps boolean", "request.stream ? true : 'x'", 1, 1, "a rule must be true or false, but this is a value of unknown kind", ""},
		{"nil", "nil", 1, 1, "a rule must be true or false, but this is a value of unknown kind", ""},
		{"a group", "request", 1, 1, `"request" is a group; name a member, as request.model`, ""},
		{"groups compared", "caller == caller", 1, 1, `"caller" is a group; name a member, as caller.account`, ""},
		{"lists compared", "models == models", 1, 8, `"==" compares texts, numbers and true or false, not a list`, ""},
		{"assignment", "request.chars = 3", 1, 15, `unexpected "="; to compare, write ==`, "request.chars = 3\n              ^"},
		{"ends early", "request.chars > ", 1, 16, "the rule ends too early", "request.chars >\n               ^"},
		{"unclosed bracket", "(request.stream", 1, 16, "the rule ends too early", ""},
		{"bracket too many", "request.stream)", 1, 15, `unexpected ")"`, ""},
		{"unclosed quote", "mentions('a", 1, 12, "this text has no closing quote", ""},
		{"strange character", "request.stream\n  @ true", 2, 3, `unexpected character "@"`, "  @ true\n  ^"},
		{"code points, not bytes", "'日本語' == requst.text", 1, 10, `unknown name "requst"; did you mean request?`, "'日本語' == requst.text\n         ^"},
		{"tabs", "\t\trequest.tokns > 3", 1, 11, `request has no member "tokns"; did you mean tokens?`, "  request.tokns > 3\n          ^"},
		{"third line, windows ends", "request.stream\r\nor\r\nrequest.x", 3, 9, `request has no member "x"`, "request.x\n        ^"},
		{"empty", "", 1, 1, "the rule is empty", ""},
		{"blank", " \n ", 1, 1, "the rule is empty", ""},
		{"only a comment", "// true", 1, 1, "the rule is empty", ""},
		{"not UTF-8", "request.text == '\xff'", 1, 18, "the rule is not valid UTF-8", ""},

		{"mentions of a variable", "mentions(request.text)", 1, 18, "mentions takes texts in quotes, not computed", "mentions(request.text)\n                 ^"},
		{"mentions of a number", "mentions('a', 3)", 1, 15, "mentions takes texts in quotes, not computed", ""},
		{"mentions of nothing", "mentions()", 1, 1, "mentions needs a word or phrase, as mentions('screenshot')", ""},
		{"mentions of an empty text", "mentions('a', ' ')", 1, 15, "mentions needs a word or phrase, not an empty text", ""},
		{"mentions of a long text", "mentions('" + strings.Repeat("x", 129) + "')", 1, 10, "the phrase is longer than 128 bytes", ""},
		{"mentions of 33", "mentions(" + strings.Repeat("'a',", 32) + "'a')", 1, 1, "mentions takes at most 32 phrases; join two calls with or", ""},
		{"mentions as a value", "mentions == true", 1, 1, `"mentions" is a function; call it with brackets`, ""},
		{"misspelt mentions", "mention('a')", 1, 1, `there is no function "mention" in rules; did you mean mentions?`, ""},

		{"types", "request.chars > 'x'", 1, 15, `">" does not work between a number and text`, ""},
		{"and of a number", "request.chars and true", 1, 15, `"and" does not work between a number and true or false`, ""},
		{"not of a number", "not request.chars", 1, 1, `"not" does not work on a number`, ""},
		{"contains a number", "request.text contains 3", 1, 14, `"contains" does not work between text and a number`, ""},
		{"joined texts", "request.text + 'a' == 'b'", 1, 14, "texts cannot be joined in rules; compare each by itself", ""},
		{"condition", "request.chars ? true : false", 1, 9, "a condition must be true or false, but this is a number", ""},
		{"element of a text", "request.text[0] == 'a'", 1, 13, "text has no elements to select", ""},
		{"list element by text", "models['a'].id == 'x'", 1, 8, "a list's element is selected by a number, not by text", ""},
		{"length of a group", "len(request) > 1", 1, 1, "len does not take the group request", ""},
		{"function of the wrong type", "lower(3) == 'x'", 1, 7, "lower takes text, not a number", ""},
		{"too few arguments", "hasPrefix('x')", 1, 1, "not enough arguments for hasPrefix", ""},
		{"element outside a loop", "# == 3", 1, 1, `unexpected "#"`, ""},

		{"constant division by zero", "request.chars > 1 / 0", 1, 19, "division by zero", ""},
		{"constant remainder of zero", "5 % 0 == 1", 1, 3, "division by zero", ""},
		{"constant overflow", "9223372036854775807 + 1 > request.chars", 1, 21, "number too large", ""},

		{"pattern", "request.text matches '(a'", 1, 22, "the pattern is not valid: missing closing ): `(a`", ""},
		{"list", "request.chars in 3", 1, 15, `"in" does not work between a number and a number`, ""},
		{"range of variables", "request.chars in 1..request.tokens", 1, 19, "the bounds of a range are whole numbers, as in 9..17", ""},
		{"range backwards", "time.hour in 17..9", 1, 16, "the first bound of a range is not above the second", ""},
		{"range of a fraction", "budget.left_fraction in 0..1", 1, 22, "only a whole number can be in a range", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := compile(c.source)
			var e *engine.SourceError
			if !errors.As(err, &e) {
				t.Fatalf("compile(%q) = %v, want a SourceError", c.source, err)
			}
			if e.Line != c.line || e.Column != c.column || e.Message != c.message {
				t.Errorf("compile(%q) = %d:%d: %s, want %d:%d: %s", c.source, e.Line, e.Column, e.Message, c.line, c.column, c.message)
			}
			if c.snippet != "" && e.Snippet != c.snippet {
				t.Errorf("compile(%q) shows\n%s\nwant\n%s", c.source, e.Snippet, c.snippet)
			}
			if leak := goType.FindString(e.Message); leak != "" {
				t.Errorf("compile(%q) = %q: names the Go type %q", c.source, e.Message, leak)
			}
		})
	}
}

// A long line is cut around the place.
func TestSnippetOfALongLine(t *testing.T) {
	t.Parallel()
	_, err := compile(strings.Repeat("request.stream or ", 100) + "elephant")
	e := err.(*engine.SourceError)
	line, caret, _ := strings.Cut(e.Snippet, "\n")
	if e.Column != 1801 || !strings.HasPrefix(line, "…") || len([]rune(line)) > 130 {
		t.Errorf("column %d, snippet %q, want 1801 and a line of at most 130 characters", e.Column, line)
	}
	at := len([]rune(caret)) - 1
	if got := string([]rune(line)[at:]); got != "elephant" {
		t.Errorf("the caret is under %q, want elephant", got)
	}
}

// What must not be compiled: each bound at its edge.
func TestCompileBounds(t *testing.T) {
	t.Parallel()
	nodes := func(n int) string { // "true" is a node, each " or true" two
		return "true" + strings.Repeat(" or true", (n-1)/2)
	}
	for _, c := range []struct {
		name, source string
		want         string // part of the message; "" compiles
	}{
		{"8 KiB", "true" + strings.Repeat(" ", 8<<10-4), ""},
		{"8 KiB and one", "true" + strings.Repeat(" ", 8<<10-3), "longer than 8 KiB"},
		{"8 KiB of text", "request.text == '" + strings.Repeat("é", 4<<10) + "'", "longer than 8 KiB"},
		{"64 brackets", strings.Repeat("(", 64) + "true" + strings.Repeat(")", 64), ""},
		{"65 brackets", strings.Repeat("(", 65) + "true" + strings.Repeat(")", 65), "deeper than 64"},
		{"65 brackets of all kinds", strings.Repeat("([{", 22), "deeper than 64"},
		{"brackets in texts are none", "request.text != '" + strings.Repeat("(", 1000) + "'", ""},
		{"brackets in raw texts are none", "request.text != `" + strings.Repeat("(", 1000) + "`", ""},
		{"brackets in comments are none", "true // " + strings.Repeat("(", 1000), ""},
		{"brackets in block comments are none", "/* " + strings.Repeat("(", 1000) + " */ true", ""},
		{"a quote in a comment opens no text", "true /* ' */ and " + strings.Repeat("(", 65), "deeper than 64"},
		{"64 times not", strings.Repeat("not ", 64) + "true", ""},
		{"65 times not", strings.Repeat("not ", 65) + "true", "deeper than 64"},
		{"65 signs", strings.Repeat("-", 65) + "1 < 2", "deeper than 64"},
		{"8,000 brackets", strings.Repeat("(", 8_000), "deeper than 64"},
		{"a megabyte of brackets", strings.Repeat("(", 1<<20), "longer than 8 KiB"},
		{"499 nodes", nodes(499), ""},
		{"501 nodes", nodes(501), "more than 500 parts"},
		{"many tokens without nodes", "true" + strings.Repeat(";", 5_000), "more than 4,000 symbols"},
		{"a chain of conditionals", strings.Repeat("true?true:", 400) + "true", "more than 500 parts"},

		// A chained comparison stands for two that share the middle: nested, expr's checker visits 2^63 nodes.
		{"nested chained comparisons", strings.Repeat("1<(", 63) + "1" + strings.Repeat(")<1", 63), "more than 500 parts"},
		// A function with two signatures visits its arguments twice.
		{"nested trim", strings.Repeat("trim(", 60) + "'x'" + strings.Repeat(",'x')", 60) + " == 'x'", "too many arguments"},

		{"range as a list", "len(1..1000000000) > 3", "a range stands behind"},
		{"range in a loop", "any(1..1000000000, # > 3)", "models or a list in brackets only"},
		{"repeat", "repeat('x', 1000000000) == 'x'", `"repeat" is not available`},
		{"map", "len(map(models, .id)) > 0", `"map" is not available`},
		{"filter", "len(filter(models, true)) > 0", `"filter" is not available`},
		{"reduce", "reduce(models, #acc, 0) > 0", `"reduce" is not available`},
		{"groupBy", "len(groupBy(models, .id)) > 0", `"groupBy" is not available`},
		{"sortBy", "len(sortBy(models, .id)) > 0", `"sortBy" is not available`},
		{"concat", "len(concat(models, models)) > 0", `"concat" is not available`},
		{"split", "len(split(request.text, 'a')) > 0", `"split" is not available`},
		{"replace", "replace(request.text, 'a', 'aa') == ''", `"replace" is not available`},
		{"now", "now().Hour() > 3", "only named functions"},
		{"now alone", "now() == now()", `"now" is not available`},
		{"date", "date('2026-01-01') == date('2026-01-01')", `"date" is not available`},
		{"toJSON", "toJSON(models) == ''", `"toJSON" is not available`},
		{"piped", "models | map(.id) | len() > 0", `"map" is not available`},
		{"loop in a loop", "any(models, any(models, true))", "inside another loop"},
		{"loop over a computed list", "let m = models; any(m, true)", "models or a list in brackets only"},
		{"map literal", "{'a': 1}.a == 1", "maps cannot be written"},
		{"bytes", "b'abc' == b'abc'", "bytes cannot be written"},
		{"method", "request.text.Foo()", "only named functions"},
		{"everything", "$env.request.stream", `unknown name "$env"`},
		{"inner variable", "hits[0]", `unknown name "hits"`},
		{"inner function", "`checked +`(1, 2) > 1", "unexpected"},
		{"Go name of a member", "request.HasImage", `no member "HasImage"`},
		{"Go name of a variable", "Request.stream", `unknown name "Request"`},

		{"256 characters of pattern", "request.text matches '" + strings.Repeat("[é]", 85) + "a'", ""},
		{"257 characters of pattern", "request.text matches '" + strings.Repeat("x", 257) + "'", "longer than 256"},
		{"computed pattern", "request.text matches request.model", "in quotes, not computed"},
		{"joined pattern", "request.text matches 'a' + 'b'", "in quotes, not computed"},
		{"pattern that repeats", "request.text matches '(x{100}){10}'", "too large"},
		{"pattern that repeats a lot", "request.text matches '" + strings.Repeat("x{1000}", 36) + "'", "too large"},
		{"patterns together", "request.text matches '[a-z]{60}' or request.text matches '[a-z]{80}'", "together"},
		{"pattern of words", `request.text matches '(?i)\\b(password|passwort|kennwort)\\b'`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, err := compile(c.source)
			if took := time.Since(start); took > time.Minute {
				t.Errorf("compile(%.60q) took %v, want milliseconds", c.source, took)
			}
			if c.want == "" && err != nil {
				t.Errorf("compile(%.60q) = %v, want no error", c.source, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("compile(%.60q) = %v, want an error with %q", c.source, err, c.want)
			}
		})
	}
}

// Every function of expr is either on the list or refused by name.
func TestCompileRefusesOtherBuiltins(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, name := range functions {
		listed[name] = true
	}
	for _, f := range builtin.Builtins {
		if listed[f.Name] {
			if len(f.Types) > 1 && f.Name != "trim" {
				t.Errorf("%s has %d signatures: nested, it takes exponential time to check", f.Name, len(f.Types))
			}
			continue
		}
		_, err := compile(f.Name + "(models, true) == 1")
		if want := fmt.Sprintf("%q is not available in rules", f.Name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("compile(%s(…)) = %v, want %s", f.Name, err, want)
		}
	}
}

// Nothing that a rule can reach has methods, pointers or code.
func TestEnvIsPlainData(t *testing.T) {
	t.Parallel()
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		if typ.NumMethod() > 0 || reflect.PointerTo(typ).NumMethod() > 0 {
			t.Errorf("%s (%s) has methods", path, typ)
		}
		switch typ.Kind() {
		case reflect.Bool, reflect.Int, reflect.Float64, reflect.String:
		case reflect.Slice:
			walk(path+"[]", typ.Elem())
		case reflect.Map:
			walk(path+"{key}", typ.Key())
			walk(path+"{}", typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				if f.Tag.Get("expr") == "" || f.Tag.Get("doc") == "" || f.Anonymous {
					t.Errorf("%s.%s lacks an expr or doc tag", path, f.Name)
				}
				walk(path+"."+f.Name, f.Type)
			}
		default:
			t.Errorf("%s has kind %s", path, typ.Kind())
		}
	}
	walk("Env", envType)
}

// Compiling takes bounded memory whatever the text.
func TestCompileMemory(t *testing.T) {
	for _, source := range []string{
		strings.Repeat("(", 8<<10), strings.Repeat("not ", 2<<10), strings.Repeat("a?b:", 2<<10),
		strings.Repeat("let a=1;", 1<<10), strings.Repeat("2**", 2<<10), strings.Repeat("[", 60) + strings.Repeat("1,", 3_000),
		"request.text matches '" + strings.Repeat("(x{30}){30}", 23) + "'", strings.Repeat("'", 8<<10), strings.Repeat("x.", 4<<10),
		strings.Repeat("1<", 4<<10), strings.Repeat("if true {", 900), "request.text in [" + strings.Repeat("'a',", 2_000) + "'a']",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = compile(source)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
			t.Errorf("compile(%.40q…) allocates %d KiB, want at most 8 MiB", source, took>>10)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, source := range seeds {
		f.Add(source)
	}
	for _, source := range []string{
		"1<(1<(1<1)<1)<1", "trim(trim('x','y'),'z')", "a?.b?.[c]", "let x = 1; x", "#", "::mentions('a')", "'\\u{110000}'", "`a``b`",
		"any([1,2,], # > 1)", "1..2..3", "not not not", "1 not in [1]", "{a:1}", "b'x'", "0x1p3", "1e999", "9223372036854775808", "request[request]",
		"request.text[1:2:3]", "a;b;", "if a {b} else if c {d} else {e}", "(", ")", "//", "/*", "x | y | z", "request.metadata[request.metadata.a]", "$env", "\x00",
	} {
		f.Add(source)
	}
	req := said(f, "fix the typo in main.go, please")
	f.Fuzz(func(t *testing.T, source string) {
		start := time.Now()
		p, err := compile(source)
		if took := time.Since(start); took > time.Minute {
			t.Errorf("compile(%q) took %v", source, took)
		}
		if err != nil {
			var e *engine.SourceError
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Message == "" || e.Message == "the rule cannot be compiled" {
				t.Errorf("compile(%q) = %v, want an error with a place and a reason", source, err)
			}
			return
		}
		req := req
		s, e := prepared(req, p)
		defer s.release()
		start = time.Now()
		_, err = s.evaluate(e, DefaultWork)
		if took := time.Since(start); took > time.Minute {
			t.Errorf("evaluate(%q) took %v", source, took)
		}
		if err != nil && detail(err) == "" {
			t.Errorf("evaluate(%q) = %v without a reason to show", source, err)
		}
	})
}

// prepared is what Decide has when it tries the program.
func prepared(req *engine.Request, p *program) (*scratch, *entry) {
	l := newList([]entry{{id: "x", models: []string{"x"}, program: p, breaker: &breaker{}}})
	return newScratch(req, l), &l.entries[0]
}
