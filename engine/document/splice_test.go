package document

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplice(t *testing.T) {
	t.Parallel()
	d := mustParse(t, `{"model":"auto","n": 9007199254740993 ,"x":[1,2]}`)
	start, end := d.Root().Get("model").Span()
	nStart, nEnd := d.Root().Get("n").Span()
	_, xEnd := d.Root().Get("x").Span()
	tests := []struct {
		name  string
		edits []Edit
		want  string
	}{
		{"none", nil, `{"model":"auto","n": 9007199254740993 ,"x":[1,2]}`},
		{"replace", []Edit{{start, end, []byte(`"gpt"`)}}, `{"model":"gpt","n": 9007199254740993 ,"x":[1,2]}`},
		{"delete", []Edit{{end, nEnd + 1, nil}}, `{"model":"auto","x":[1,2]}`},
		{"insert", []Edit{{xEnd, xEnd, []byte(`,"y":1`)}}, `{"model":"auto","n": 9007199254740993 ,"x":[1,2],"y":1}`},
		{"two", []Edit{{start, end, []byte("1")}, {nStart, nEnd, []byte("2")}}, `{"model":1,"n": 2 ,"x":[1,2]}`},
		{"two insertions at one place", []Edit{{1, 1, []byte(`"a":1,`)}, {1, 1, []byte(`"b":2,`)}}, `{"a":1,"b":2,"model":"auto","n": 9007199254740993 ,"x":[1,2]}`},
		{"everything", []Edit{{0, len(d.Bytes()), []byte("0")}}, "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(Splice([]byte("> "), d, tt.edits...)); got != "> "+tt.want {
				t.Errorf("Splice = %s, want > %s", got, tt.want)
			}
		})
	}
	for name, edits := range map[string][]Edit{
		"overlap": {{1, 5, nil}, {4, 6, nil}}, "descending": {{5, 6, nil}, {1, 2, nil}}, "backwards": {{5, 4, nil}}, "past the end": {{1, 1000, nil}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Splice with %s edits does not panic", name)
				}
			}()
			Splice(nil, d, edits...)
		}()
	}
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"empty", "", `""`}, {"plain", "plain text that is longer than eight", `"plain text that is longer than eight"`},
		{"quotes", `say "x" \ y`, `"say \"x\" \\ y"`}, {"controls", "\b\f\n\r\t\x00\x1f\x7f", `"\b\f\n\r\t\u0000\u001f` + "\x7f" + `"`},
		{"html stays", "<a>&'/\u2028", "\"<a>&'/\u2028\""}, {"unicode stays", "é€😀", `"é€😀"`},
		{"invalid UTF-8", "a\xff\xc3(b\xed\xa0\x80", "\"a\uFFFD\uFFFD(b\uFFFD\uFFFD\uFFFD\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(AppendString([]byte("x"), tt.in)); got != "x"+tt.want {
				t.Errorf("AppendString(%q) = %s, want %s", tt.in, got[1:], tt.want)
			}
			if got, want := string(AppendEscaped(nil, tt.in)), tt.want[1:len(tt.want)-1]; got != want {
				t.Errorf("AppendEscaped(%q) = %s, want %s", tt.in, got, want)
			}
		})
	}
}

// FuzzAppendString: whatever goes in comes out of both parsers again.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "abc", "\"\\\x00", "é\xff😀", strings.Repeat("a", 17) + "\n", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := AppendString(nil, s)
		var want string
		for _, r := range s { // ranging replaces each invalid byte
			want = string(utf8.AppendRune([]byte(want), r))
		}
		d, err := Parse(b, Limits{})
		if err != nil {
			t.Fatalf("Parse(AppendString(%q)) = %v, want no error", s, err)
		}
		if got := d.Root().Text(); got != want {
			t.Fatalf("Text(AppendString(%q)) = %q, want %q", s, got, want)
		}
		var std string
		if err := json.Unmarshal(b, &std); err != nil || std != want {
			t.Fatalf("json.Unmarshal(AppendString(%q)) = %q, %v, want %q", s, std, err, want)
		}
		if got := String(s).Root().Text(); got != want {
			t.Fatalf("String(%q).Text() = %q, want %q", s, got, want)
		}
	})
}
