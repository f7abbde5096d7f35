package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pointsman/pointsman/sdk/abi"
)

func mustParse(t testing.TB, text string) *Doc {
	t.Helper()
	d, err := Parse([]byte(text), Limits{})
	if err != nil {
		t.Fatalf("Parse(%q) = %v, want no error", text, err)
	}
	return d
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		wantKind   abi.Kind
	}{
		{"null", "null", abi.KindNull},
		{"true", " true", abi.KindBool},
		{"false", "false\n", abi.KindBool},
		{"zero", "0", abi.KindNumber},
		{"minus zero", "-0", abi.KindNumber},
		{"largest float", "1.7976931348623157e308", abi.KindNumber},
		{"underflow", "1e-999", abi.KindNumber},
		{"zero with a vast exponent", "0e99999999999999999999999", abi.KindNumber},
		{"tiny with a vast exponent", "1e-99999999999999999999999", abi.KindNumber},
		{"past 2^53", "9007199254740993", abi.KindNumber},
		{"past 2^64", "36893488147419103232", abi.KindNumber},
		{"empty string", `""`, abi.KindString},
		{"every escape", `"\"\\\/\b\f\n\r\t\u0000\uFfFf"`, abi.KindString},
		{"surrogate pair", `"\ud83d\ude00"`, abi.KindString},
		{"delete character", "\"\x7f\"", abi.KindString},
		{"every UTF-8 length", "\"é€😀\"", abi.KindString},
		{"largest code point", "\"\U0010FFFF\uFFFF\uFFFE\"", abi.KindString},
		{"empty array", " [ ] ", abi.KindArray},
		{"empty object", "{\t}", abi.KindObject},
		{"white space of every sort", " \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n", abi.KindArray},
		{"empty name", `{"":1}`, abi.KindObject},
		{"same name at several levels", `{"a":{"a":[{"a":1},{"a":2}]}}`, abi.KindObject},
		{"names of equal mark", `{"abxcd":1,"aczcd":2,"ab":3}`, abi.KindObject},
		{"names that differ in the middle", `{"aabaa":1,"abbba":2,"aXbXa":3}`, abi.KindObject},
		{"byte order mark inside a string", "\"\uFEFF\"", abi.KindString},
		{"deepest", strings.Repeat("[", 128) + strings.Repeat("]", 128), abi.KindArray},
		{"deep, shallow, deep", "[" + strings.Repeat(strings.Repeat("[", 127)+strings.Repeat("]", 127)+",", 3) + "1]", abi.KindArray},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := Parse([]byte(tt.text), Limits{})
			if err != nil {
				t.Fatalf("Parse(%q) = %v, want no error", tt.text, err)
			}
			if got := d.Root().Kind(); got != tt.wantKind {
				t.Errorf("Parse(%q).Root().Kind() = %v, want %v", tt.text, got, tt.wantKind)
			}
			if got, want := string(d.Root().Raw()), strings.Trim(tt.text, " \t\r\n"); got != want {
				t.Errorf("Parse(%q).Root().Raw() = %q, want %q", tt.text, got, want)
			}
			if !json.Valid([]byte(tt.text)) {
				t.Errorf("json.Valid(%q) = false, want true", tt.text)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text  string
		wantReason  string
		wantOffset  int
		wantPointer string
	}{
		{"nothing", "", reasonEnd, 0, ""},
		{"blank", "  ", reasonEnd, 2, ""},
		{"byte order mark", "\xEF\xBB\xBF{}", reasonBOM, 0, ""},
		{"NaN", `{"a":[1,NaN]}`, reasonValue, 8, "/a/1"},
		{"Infinity", `{"t":Infinity}`, reasonValue, 5, "/t"},
		{"minus Infinity", `[-Infinity]`, reasonValue, 2, "/0"},
		{"too large", `{"a":{"b":1e999}}`, reasonRange, 10, "/a/b"},
		{"too large, negative", `-1e309`, reasonRange, 0, ""},
		{"too large by digits", "[" + strings.Repeat("9", 310) + "]", reasonRange, 1, "/0"},
		{"just too large", "1.7976931348623159e308", reasonRange, 0, ""},
		{"vast exponent", "1e99999999999999999999999", reasonRange, 0, ""},
		{"leading zero", "01", reasonZero, 0, ""},
		{"leading minus zero", "[-012]", reasonZero, 2, "/0"},
		{"plus", "+1", reasonValue, 0, ""},
		{"point first", ".5", reasonValue, 0, ""},
		{"point last", "[1.]", reasonDigit, 3, "/0"},
		{"point last at the end", "1.", reasonDigit, 2, ""},
		{"exponent without digits", "1e+", reasonDigit, 3, ""},
		{"minus alone", "-", reasonEnd, 1, ""},
		{"hexadecimal", "0x10", reasonTrailing, 1, ""},
		{"trailing value", `{} {}`, reasonTrailing, 3, ""},
		{"trailing NUL", "1\x00", reasonTrailing, 1, ""},
		{"trailing comma in array", `[1,]`, reasonValue, 3, "/1"},
		{"trailing comma in object", `{"a":1,}`, reasonName, 7, ""},
		{"comma first", `[,1]`, reasonValue, 1, "/0"},
		{"missing comma", `{"a":[1 2]}`, reasonComma, 8, "/a"},
		{"missing comma in object", `{"a":{"b":1 "c":2}}`, reasonObjectComma, 12, "/a"},
		{"missing colon", `{"a" 1}`, reasonColon, 5, "/a"},
		{"name without quotes", `{a:1}`, reasonName, 1, ""},
		{"single quotes", `{'a':1}`, reasonName, 1, ""},
		{"comment", `{} // x`, reasonTrailing, 3, ""},
		{"array closed as object", `[1}`, reasonComma, 2, ""},
		{"object closed as array", `{"a":1]`, reasonObjectComma, 6, ""},
		{"array not closed", `{"a":[1`, reasonEnd, 7, "/a"},
		{"object not closed", `[{"a":1`, reasonEnd, 7, "/0"},
		{"string not closed", `{"a":"b`, reasonEnd, 7, "/a"},
		{"name not closed", `[{"a`, reasonEnd, 4, "/0"},
		{"cut after the name", `{"a"`, reasonEnd, 4, "/a"},
		{"cut in an escape", `"a\`, reasonEnd, 2, ""},
		{"literal cut", `[tru]`, reasonValue, 1, "/0"},
		{"literal glued", `truefalse`, reasonTrailing, 4, ""},
		{"literal in capitals", `True`, reasonValue, 0, ""},
		{"newline in a string", "[\"a\nb\"]", reasonControl, 3, "/0"},
		{"NUL in a string", "[\"abcdefghijklmnopqrstuvw\x00\"]", reasonControl, 25, "/0"},
		{"unknown escape", `["\x"]`, reasonEscape, 2, "/0"},
		{"capital U escape", `"\U0041"`, reasonEscape, 1, ""},
		{"escape cut", `"\u00`, reasonHex, 1, ""},
		{"escape not hexadecimal", `"\u00g0"`, reasonHex, 1, ""},
		{"lone high surrogate", `{"a":"x\ud83d"}`, reasonSurrogate, 7, "/a"},
		{"lone low surrogate", `"\ude00"`, reasonSurrogate, 1, ""},
		{"high surrogate before text", `"\ud83dabcdefghij"`, reasonSurrogate, 1, ""},
		{"two high surrogates", `"\ud83d\ud83d"`, reasonSurrogate, 1, ""},
		{"surrogates in wrong order", `"\ude00\ud83d"`, reasonSurrogate, 1, ""},
		{"lone surrogate in a name", `{"a":{"\ud800":1}}`, reasonSurrogate, 7, "/a"},
		{"lone continuation byte", "\"a\x80\"", reasonUTF8, 2, ""},
		{"overlong NUL", "\"\xC0\x80\"", reasonUTF8, 1, ""},
		{"overlong slash", "\"\xE0\x80\xAF\"", reasonUTF8, 1, ""},
		{"overlong in four bytes", "\"\xF0\x80\x80\xAF\"", reasonUTF8, 1, ""},
		{"surrogate in UTF-8", "\"\xED\xA0\x80\"", reasonUTF8, 1, ""},
		{"past the last code point", "\"\xF4\x90\x80\x80\"", reasonUTF8, 1, ""},
		{"no such byte", "\"\xFF\"", reasonUTF8, 1, ""},
		{"cut character", "\"\xE2\x82\"", reasonUTF8, 1, ""},
		{"cut character at the end", "\"\xE2\x82", reasonUTF8, 1, ""},
		{"invalid UTF-8 in a name", "{\"a\xFF\":1}", reasonUTF8, 3, ""},
		{"invalid UTF-8 outside strings", "[\xFF]", reasonValue, 1, "/0"},
		{"no-break space outside strings", "[\u00A01]", reasonValue, 1, "/0"},
		{"form feed outside strings", "[\f1]", reasonValue, 1, "/0"},
		{"model twice", `{"model":"a","x":[],"model":"b"}`, reasonDuplicate, 20, "/model"},
		{"twice, once escaped", `{"model":1,"\u006dodel":2}`, reasonDuplicate, 11, "/model"},
		{"twice, both escaped", `{"\u0061":1,"\u0061":2}`, reasonDuplicate, 12, "/a"},
		{"twice, solidus escaped", `{"a/b":1,"a\/b":2}`, reasonDuplicate, 9, "/a~1b"},
		{"twice, beyond the BMP", `{"😀":1,"\ud83d\ude00":2}`, reasonDuplicate, 10, "/😀"},
		{"empty name twice", `{"":1,"":2}`, reasonDuplicate, 6, "/"},
		{"twice inside", `{"a":[0,{"b":1,"b":2}]}`, reasonDuplicate, 15, "/a/1/b"},
		{"twice after an object", `{"a":{"b":1},"b":[{}],"a":2}`, reasonDuplicate, 22, "/a"},
		{"twice among many", "{" + numbered(100) + `,"k57":0}`, reasonDuplicate, len(numbered(100)) + 2, "/k57"},
		{"too deep", strings.Repeat("[", 129) + strings.Repeat("]", 129), reasonDepth, 128, strings.Repeat("/0", 128)},
		{"far too deep", strings.Repeat(`{"a":`, 10_000), reasonDepth, 640, strings.Repeat("/a", 128)},
		{"pointer with tilde and slash", `{"a~/b":tru}`, reasonValue, 8, "/a~0~1b"},
		{"pointer with an escaped name", `{"\u0061\n":tru}`, reasonValue, 12, "/a\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := Parse([]byte(tt.text), Limits{})
			e, ok := err.(*SyntaxError)
			if !ok {
				t.Fatalf("Parse(%q) = %v, %v, want a *SyntaxError", tt.text, d, err)
			}
			if d != nil {
				t.Errorf("Parse(%q) = %v, want no document", tt.text, d)
			}
			if e.Reason != tt.wantReason || e.Offset != tt.wantOffset || e.Pointer != tt.wantPointer {
				t.Errorf("Parse(%q) = %q at %d, %q, want %q at %d, %q",
					tt.text, e.Reason, e.Offset, e.Pointer, tt.wantReason, tt.wantOffset, tt.wantPointer)
			}
		})
	}
}

// numbered is the inside of an object with n members, k0 to k(n-1).
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"k%d":%d`, i, i)
	}
	return b.String()
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		limits     Limits
		wantReason string
	}{
		{"bytes at the limit", `"abc"`, Limits{Bytes: 5}, ""},
		{"bytes over the limit", `"abcd"`, Limits{Bytes: 5}, reasonSize},
		{"depth at the limit", `[{"a":[]}]`, Limits{Depth: 3}, ""},
		{"depth over the limit", `[{"a":[[]]}]`, Limits{Depth: 3}, reasonDepth},
		{"nodes at the limit", `{"a":[1,2]}`, Limits{Nodes: 5}, ""},
		{"value over the limit", `{"a":[1,2,3]}`, Limits{Nodes: 5}, reasonNodes},
		{"name over the limit", `{"a":1,"b":2}`, Limits{Nodes: 3}, reasonNodes},
		{"negative means default", `[[[]]]`, Limits{Bytes: -1, Depth: -1, Nodes: -1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tt.text), tt.limits)
			got := ""
			if err != nil {
				got = err.(*SyntaxError).Reason
			}
			if got != tt.wantReason {
				t.Errorf("Parse(%q, %+v) = %q, want %q", tt.text, tt.limits, got, tt.wantReason)
			}
		})
	}
}

func TestParseMillionNames(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteByte('{')
	const n = 1_000_000
	for i := range n {
		// One in two escaped, all of one length, mark and first byte.
		if i%2 == 0 {
			fmt.Fprintf(&b, `"\u006b%07d_":0,`, i)
		} else {
			fmt.Fprintf(&b, `"k%07d_":0,`, i)
		}
	}
	unique := b.String()
	if _, err := Parse([]byte(unique+`"last":0}`), Limits{}); err == nil || err.(*SyntaxError).Reason != reasonNodes {
		t.Errorf("Parse(1 M names) = %v, want %q", err, reasonNodes)
	}
	d, err := Parse([]byte(unique+`"last":0}`), Limits{Nodes: 1 << 22})
	if err != nil {
		t.Fatalf("Parse(1 M names, raised limit) = %v, want no error", err)
	}
	if got := d.Root().Len(); got != n+1 {
		t.Errorf("Len() = %d, want %d", got, n+1)
	}
	_, err = Parse([]byte(unique+`"k0000004_":0}`), Limits{Nodes: 1 << 22})
	if err == nil || err.(*SyntaxError).Reason != reasonDuplicate || err.(*SyntaxError).Pointer != "/k0000004_" {
		t.Errorf("Parse(1 M names and one again) = %v, want %q at /k0000004_", err, reasonDuplicate)
	}
}

func TestSyntaxErrorPlace(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("{\n  \"é\": [1,\r\n  \"ö\", x]}"), Limits{})
	want := SyntaxError{Offset: 23, Line: 3, Column: 8, Pointer: "/é/2", Reason: reasonValue}
	e, ok := err.(*SyntaxError)
	if !ok || *e != want {
		t.Fatalf("Parse = %+v, want %+v", err, want)
	}
	if got := e.Error(); got != "3:8: expected a value (at /é/2)" {
		t.Errorf("Error() = %q", got)
	}
	if got := (&SyntaxError{Line: 1, Column: 2, Reason: "x"}).Error(); got != "1:2: x" {
		t.Errorf("Error() = %q, want %q", got, "1:2: x")
	}
}

func TestSyntaxErrorPointerIsBounded(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("é", 5_000)
	_, err := Parse([]byte(`{"`+name+`":{"b":x}}`), Limits{})
	p := err.(*SyntaxError).Pointer
	if len(p) > maxPointer || len(p) < maxPointer-4 || !utf8.ValidString(p) || !strings.HasPrefix("/"+name, p) {
		t.Errorf("Pointer = %d bytes %q…, want at most %d of the name", len(p), p[:20], maxPointer)
	}
}

func TestParseDoesNotWalkInputDepthOnTheStack(t *testing.T) {
	t.Parallel()
	const depth = 4_000_000
	text := bytes.Repeat([]byte("["), depth)
	text = append(text, bytes.Repeat([]byte("]"), depth)...)
	d, err := Parse(text, Limits{Depth: depth, Nodes: depth})
	if err != nil {
		t.Fatalf("Parse(%d levels) = %v, want no error", depth, err)
	}
	if got := d.Root().At(0).At(0).Kind(); got != abi.KindArray {
		t.Errorf("Kind() = %v, want an array", got)
	}
}

func TestScanStringAtEveryAlignment(t *testing.T) {
	t.Parallel()
	for _, special := range []struct{ in, want string }{
		{`\n`, "\n"}, {`\u00e9`, "é"}, {"é", "é"}, {"€", "€"}, {"😀", "😀"}, {`\ud83d\ude00`, "😀"}, {`\"`, `"`}, {"!", "!"},
	} {
		for before := range 40 {
			for after := range 20 {
				text := `"` + strings.Repeat("a", before) + special.in + strings.Repeat("b", after) + `"`
				d := mustParse(t, text)
				want := strings.Repeat("a", before) + special.want + strings.Repeat("b", after)
				if got := d.Root().Text(); got != want || d.Root().Len() != len(want) {
					t.Fatalf("Parse(%q).Text() = %q (Len %d), want %q", text, got, d.Root().Len(), want)
				}
				for _, bad := range []string{"\x00", "\x1f", "\xff", "\xc3", `\x`} {
					text := `"` + strings.Repeat("a", before) + bad + strings.Repeat("b", after) + `"`
					_, err := Parse([]byte(text), Limits{})
					if e, ok := err.(*SyntaxError); !ok || e.Offset != before+1 {
						t.Fatalf("Parse(%q) = %v, want an error at %d", text, err, before+1)
					}
				}
			}
		}
	}
}
