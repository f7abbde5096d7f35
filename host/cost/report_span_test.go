package cost

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func TestSpanOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 3, 31, 12, 34, 56, 0, time.UTC)
	at := func(text string) time.Time {
		when, err := time.Parse("2006-01-02T15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		name     string
		from, to string
		series   bool
		grain    engine.Grain
		want     string // grain, from, to
	}{
		{name: "nothing said", want: "day 2027-03-01T00:00:00 2027-04-01T00:00:00"},
		{name: "since a day", from: "2027-03-01T00:00:00", want: "day 2027-03-01T00:00:00 2027-04-01T00:00:00"},
		{name: "whole days", from: "2027-03-01T00:00:00", to: "2027-03-03T00:00:00", want: "day 2027-03-01T00:00:00 2027-03-03T00:00:00"},
		{name: "since an hour", from: "2027-03-31T09:00:00", want: "hour 2027-03-31T09:00:00 2027-03-31T13:00:00"},
		{name: "until an hour", to: "2027-03-31T09:00:00", want: "hour 2027-03-01T09:00:00 2027-03-31T09:00:00"},
		{name: "since a minute", from: "2027-03-31T09:01:00", want: "minute 2027-03-31T09:01:00 2027-03-31T12:35:00"},
		{name: "since a second", from: "2027-03-31T09:01:01", want: "minute 2027-03-31T09:01:00 2027-03-31T12:35:00"},
		{name: "a month to the second", from: "2027-03-01T12:34:56", to: "2027-03-31T12:34:56", want: "hour 2027-03-01T12:00:00 2027-03-31T13:00:00"},
		{name: "nothing said, by hour", grain: engine.GrainHour, want: "hour 2027-03-01T12:00:00 2027-03-31T13:00:00"},
		{name: "a series of the last month", series: true, want: "day 2027-03-01T00:00:00 2027-04-01T00:00:00"},
		{name: "a series of two days", from: "2027-03-29T12:00:00", series: true, want: "hour 2027-03-29T12:00:00 2027-03-31T13:00:00"},
	} {
		q := engine.CostQuery{Series: c.series, Grain: c.grain}
		if c.from != "" {
			q.From = at(c.from)
		}
		if c.to != "" {
			q.To = at(c.to)
		}
		s, err := spanOf(q, now)
		const layout = " 2006-01-02T15:04:05"
		if got := string(s.grain) + s.from.Format(layout) + s.to.Format(layout); err != nil || got != c.want {
			t.Errorf("%s: spanOf(%q, %q) = %q, %v, want %q", c.name, c.from, c.to, got, err, c.want)
		}
	}
}
