package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// usd is an amount of money in nano-USD, written in the seed as a decimal string
// of dollars ("0.125"), so that no float ever holds it.
type usd int64

// UnmarshalJSON reads a string of digits with at most nine after the point and
// nine before it.
func (u *usd) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("a price is a string of dollars: %w", err)
	}
	v, err := parseUSD(text)
	*u = v
	return err
}

// parseUSD reads dollars: 1 to 9 digits, optionally a point and 1 to 9 more.
func parseUSD(text string) (usd, error) {
	const places = 9
	whole, part, point := strings.Cut(text, ".")
	if whole == "" || len(whole) > places || len(part) > places || point && part == "" {
		return 0, fmt.Errorf("%q is not an amount in dollars", text)
	}
	var v usd
	for _, c := range []byte(whole + part + strings.Repeat("0", places-len(part))) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is not an amount in dollars", text)
		}
		v = 10*v + usd(c-'0')
	}
	return v, nil
}

// day is the first instant of a day, UTC, written as "2026-07-23".
type day time.Time

// UnmarshalJSON reads a date.
func (d *day) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("a day is a string: %w", err)
	}
	t, err := time.Parse(time.DateOnly, text)
	*d = day(t)
	return err
}
