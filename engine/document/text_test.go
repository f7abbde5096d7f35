package document

import (
	"strings"
	"testing"

	"github.com/pointsman/pointsman/sdk/abi"
)

func TestEscapesDecode(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, want string }{
		{``, ""}, {`plain`, "plain"}, {`\"\\\/`, `"\/`}, {`\b\f\n\r\t`, "\b\f\n\r\t"}, {`\u0000\u001F`, "\x00\x1f"},
		{`\u00e9\u20AC\ud83d\uDE00`, "é€😀"}, {`\uD7FF\uE000\uFFFF`, "\uD7FF\uE000\uFFFF"}, {`\ud800\udc00\udbff\udfff`, "\U00010000\U0010FFFF"},
		{`a\nb\\nc`, "a\nb\\nc"}, {`é\u00e9é`, "ééé"},
	}
	for _, tt := range tests {
		d := mustParse(t, `{"`+tt.raw+`":"`+tt.raw+`"}`)
		n := d.Root().At(0)
		if got := n.Text(); got != tt.want || n.Len() != len(tt.want) || d.Root().Key(0) != tt.want {
			t.Errorf("Text(%s) = %q (Len %d), want %q", tt.raw, got, n.Len(), tt.want)
		}
		if d.Root().Get(tt.want) != n {
			t.Errorf("Get(%q) does not find the name %s", tt.want, tt.raw)
		}
		others := []string{tt.want + "x", "x" + tt.want, strings.ToUpper(tt.want) + "!", tt.want + "\xff"}
		if tt.want != "" {
			others = append(others, tt.want[:len(tt.want)-1], tt.want[1:], tt.want[:len(tt.want)-1]+"\xff", "\uFFFD"+tt.want[1:])
		}
		for _, other := range others {
			if d.Root().Get(other).Exists() {
				t.Errorf("Get(%q) finds the name %s", other, tt.raw)
			}
		}
	}
}

func TestCutText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		max  int
		want string
	}{
		{"abc", 5, "abc"}, {"abc", 3, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {"é", 1, ""}, {"aé", 2, "a"}, {"aé", 3, "aé"},
		{"a€", 3, "a"}, {"a€", 2, "a"}, {"😀", 3, ""}, {"😀", 4, "😀"}, {"", 4, ""}, {"\x80\x80\x80\x80\x80", 3, "\x80\x80\x80"},
	}
	for _, tt := range tests {
		if got := string(cutText([]byte(tt.text), tt.max)); got != tt.want {
			t.Errorf("cutText(%q, %d) = %q, want %q", tt.text, tt.max, got, tt.want)
		}
	}
}

// FuzzUsual: a string is spelled as usual when AppendString makes the same of its text.
func FuzzUsual(f *testing.F) {
	for _, s := range []string{`""`, `"plain"`, `"\n\r\t\b\f\"\\\u0000\u001f"`, `"\/"`, `"\u000A"`, `"\u000a"`, `"\u001F"`, `"é\u00e9"`, `"\ud83d\ude80"`, `"\u0041"`, `1`, `"\u2028"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := Parse([]byte(s), Limits{})
		if err != nil {
			return
		}
		n := doc.Root()
		want := n.Kind() == abi.KindString && string(AppendString(nil, n.Text())) == string(n.Raw())
		if got := n.Usual(); got != want {
			t.Errorf("Usual(%s) = %v, want %v", s, got, want)
		}
	})
}
