package engine

import (
	"fmt"
	"strconv"
	"strings"
)

// usdPlaces is how many decimal places a nano-USD needs in dollars.
const usdPlaces = 9

// ParseUSD reads dollars, as "0.125", into nano-USD: 1 to 9 digits, optionally a point and
// 1 to 9 more, nothing else. No float ever holds the amount. The error is safe to show.
func ParseUSD(text string) (int64, error) {
	whole, part, point := strings.Cut(text, ".")
	if whole == "" || len(whole) > usdPlaces || len(part) > usdPlaces || point && part == "" {
		return 0, notDollars(text)
	}
	var v int64
	for _, c := range []byte(whole + part + strings.Repeat("0", usdPlaces-len(part))) {
		if c < '0' || c > '9' {
			return 0, notDollars(text)
		}
		v = 10*v + int64(c-'0')
	}
	return v, nil
}

func notDollars(text string) error {
	return fmt.Errorf("%q is not an amount in dollars, as \"2.50\"", clipText(text, 32))
}

// FormatUSD writes dollars: at least two places, without further trailing zeros, "-" before
// what is below 0. It is the inverse of ParseUSD for amounts from 0 to 10⁹ dollars.
func FormatUSD(nano int64) string {
	const one = 1_000_000_000
	sign, amount := "", uint64(nano)
	if nano < 0 {
		sign, amount = "-", -uint64(nano)
	}
	part := fmt.Sprintf("%09d", amount%one)
	for len(part) > 2 && strings.HasSuffix(part, "0") {
		part = part[:len(part)-1]
	}
	return sign + strconv.FormatUint(amount/one, 10) + "." + part
}
