package document

import (
	"math"
	"math/big"
	"testing"
)

func TestNodeInt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want int64
	}{
		{"0", 0}, {"-0", 0}, {"1", 1}, {"-1", -1},
		{"9007199254740993", 9007199254740993},
		{"9223372036854775807", math.MaxInt64}, {"9223372036854775808", math.MaxInt64},
		{"-9223372036854775808", math.MinInt64}, {"-9223372036854775809", math.MinInt64},
		{"18446744073709551615", math.MaxInt64}, {"18446744073709551616", math.MaxInt64},
		{"99999999999999999999999", math.MaxInt64}, {"-99999999999999999999999", math.MinInt64},
		{"1e3", 1000}, {"2.0", 2}, {"2.9", 2}, {"-2.9", -2}, {"0.9e1", 9}, {"1.5E+1", 15}, {"15e-1", 1}, {"15e-2", 0},
		{"0.00012e5", 12}, {"123456789.987654321e9", 123456789987654321}, {"1e18", 1e18}, {"1e19", math.MaxInt64}, {"-1e19", math.MinInt64},
		{"9.223372036854775807e18", math.MaxInt64}, {"-9.223372036854775808e18", math.MinInt64}, {"9.223372036854775806e18", math.MaxInt64 - 1},
		{"0e99999", 0}, {"1e-99999", 0}, {"0.0000e300", 0}, {"1e308", math.MaxInt64},
		{`"7"`, 0}, {"true", 0}, {"null", 0}, {"[7]", 0},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.text).Root().Int(); got != tt.want {
			t.Errorf("Int(%s) = %d, want %d", tt.text, got, tt.want)
		}
	}
}

func TestNodeFloat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want float64
	}{
		{"0", 0}, {"0.1", 0.1}, {"-2.5e-3", -0.0025}, {"1.7976931348623157e308", math.MaxFloat64}, {"5e-324", 5e-324}, {"1e-400", 0},
		{`"7"`, 0}, {"false", 0}, {"{}", 0},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.text).Root().Float(); got != tt.want {
			t.Errorf("Float(%s) = %v, want %v", tt.text, got, tt.want)
		}
	}
}

// FuzzInt compares with exact rational arithmetic.
func FuzzInt(f *testing.F) {
	for _, s := range []string{"1e3", "-12.5", "9223372036854775807.9", "0.00123e6", "1e-5", "123456789012345678901e-3", "-0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 200 {
			return
		}
		d, err := Parse([]byte(s), Limits{})
		if err != nil {
			return
		}
		raw := d.Root().Raw()
		r, ok := new(big.Rat).SetString(string(raw))
		if !ok || d.Root().Kind() != 3 {
			return
		}
		q := new(big.Int).Quo(r.Num(), r.Denom())
		want := int64(math.MaxInt64)
		switch {
		case q.IsInt64():
			want = q.Int64()
		case q.Sign() < 0:
			want = math.MinInt64
		}
		if got := d.Root().Int(); got != want {
			t.Fatalf("Int(%s) = %d, want %d", raw, got, want)
		}
	})
}
