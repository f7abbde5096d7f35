package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// usd is an amount of money in nano-USD, written in the seed as a decimal string
// of dollars ("0.125"), so that no float ever holds it.
type usd int64

// UnmarshalJSON reads a string as engine.ParseUSD does.
func (u *usd) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("a price is a string of dollars: %w", err)
	}
	v, err := engine.ParseUSD(text)
	*u = usd(v)
	return err
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
