package row

import (
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"Pointsman 1_%", "pointsman 1_%"},
		{"\u212a \u017f", "k s"}, // the signs that fold to ASCII
		{"ABCXYZ[`{@", "abcxyz[`{@"},
	} {
		if got := Fold(c.text); got != c.want {
			t.Errorf("Fold(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, pair := range [][2]string{{"a", "A"}, {"Σσς", "ςςς"}, {"ß", "ẞ"}, {"İ", "i"}, {"ǅ", "ǆ"}, {"\xff", "\ufffd"}, {"K", "\u212a"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if got, want := Fold(a) == Fold(b), strings.EqualFold(a, b); got != want {
			t.Errorf("Fold(%q) == Fold(%q) is %v, want %v", a, b, got, want)
		}
		if twice := Fold(Fold(a)); twice != Fold(a) {
			t.Errorf("Fold(Fold(%q)) = %q, want %q", a, twice, Fold(a))
		}
	})
}
