package store

import (
	"encoding/json"
	"math/big"
	"testing"
	"time"
)

func TestParseUSD(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want usd
		ok   bool
	}{
		{"0", 0, true},
		{"2.50", 2_500_000_000, true},
		{"0.125", 125_000_000, true},
		{"0.000000001", 1, true},
		{"999999999.999999999", 999_999_999_999_999_999, true},
		{"007", 7_000_000_000, true},
		{"", 0, false},
		{".5", 0, false},
		{"5.", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1e3", 0, false},
		{"1,5", 0, false},
		{"1.2.3", 0, false},
		{" 1", 0, false},
		{"1234567890", 0, false},
		{"0.0000000001", 0, false},
		{"१", 0, false},
	} {
		got, err := parseUSD(c.text)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("parseUSD(%q) = %d, %v, want %d, ok %t", c.text, got, err, c.want, c.ok)
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
		got, err := parseUSD(text)
		if err != nil {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok || exact.Mul(exact, billion).Cmp(big.NewRat(int64(got), 1)) != 0 {
			t.Errorf("parseUSD(%q) = %d, want %v", text, got, exact)
		}
	})
}

func TestSeedForms(t *testing.T) {
	t.Parallel()
	var price usd
	for _, text := range []string{`1.5`, `null1`, `"x"`, `{}`} {
		if err := json.Unmarshal([]byte(text), &price); err == nil {
			t.Errorf("Unmarshal(%s) into usd = nil, want an error", text)
		}
	}
	var d day
	if err := json.Unmarshal([]byte(`"2026-07-23"`), &d); err != nil || !time.Time(d).Equal(time.Date(2026, 7, 23, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("Unmarshal() of a day = %v, %v, want 2026-07-23", time.Time(d), err)
	}
	for _, text := range []string{`"2026-13-01"`, `"2026-07-23T00:00:00Z"`, `7`} {
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("Unmarshal(%s) into day = nil, want an error", text)
		}
	}
}
