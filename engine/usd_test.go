package engine

import (
	"math"
	"math/big"
	"testing"
)

func TestUSD(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want int64
		back string
	}{
		{"0", 0, "0.00"}, {"2.5", 2_500_000_000, "2.50"}, {"0.125", 125_000_000, "0.125"}, {"0.000000001", 1, "0.000000001"},
		{"999999999.999999999", 999_999_999_999_999_999, "999999999.999999999"}, {"007", 7_000_000_000, "7.00"},
	} {
		got, err := ParseUSD(c.text)
		if err != nil || got != c.want {
			t.Errorf("ParseUSD(%q) = %d, %v, want %d", c.text, got, err, c.want)
		}
		if back := FormatUSD(got); back != c.back {
			t.Errorf("FormatUSD(%d) = %q, want %q", got, back, c.back)
		}
	}
	for nano, want := range map[int64]string{-1: "-0.000000001", -2_500_000_000: "-2.50", math.MinInt64: "-9223372036.854775808", math.MaxInt64: "9223372036.854775807"} {
		if got := FormatUSD(nano); got != want {
			t.Errorf("FormatUSD(%d) = %q, want %q", nano, got, want)
		}
	}
	for _, text := range []string{"", ".5", "5.", "-1", "+1", "1e3", "1,5", "1.2.3", " 1", "1 ", "$1", "1234567890", "0.0000000001", "٣", "NaN", "0x1"} {
		if got, err := ParseUSD(text); err == nil {
			t.Errorf("ParseUSD(%q) = %d, want an error", text, got)
		}
	}
}

// Against exact arithmetic.
func FuzzParseUSD(f *testing.F) {
	for _, text := range []string{"0", "2.50", "0.000000001", "999999999.999999999", "1e3", ".", "1..2"} {
		f.Add(text)
	}
	billion := big.NewRat(1_000_000_000, 1)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseUSD(text)
		if err != nil {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok || exact.Mul(exact, billion).Cmp(big.NewRat(got, 1)) != 0 {
			t.Errorf("ParseUSD(%q) = %d, want %v", text, got, exact)
		}
		if again, err := ParseUSD(FormatUSD(got)); err != nil || again != got {
			t.Errorf("ParseUSD(FormatUSD(%d)) = %d, %v, want it back", got, again, err)
		}
	})
}
