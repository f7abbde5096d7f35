package row

import (
	"context"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// recountPage is how many rows are read at a time.
const recountPage = 5_000

// Ledger is one moment of a database, read to be recounted.
type Ledger interface {
	// Next returns the first account after that one which has rows or sums in [from, to); "": none.
	Next(ctx context.Context, after string, from, to time.Time) (string, error)
	// Rows returns the account's rows in [from, to), oldest first, after the last one seen, whose
	// id is packed.
	Rows(ctx context.Context, account string, from, to, afterAt time.Time, afterID []byte, limit int) ([]engine.Usage, error)
	// Sums returns the account's of a grain in [from, to).
	Sums(ctx context.Context, account string, grain engine.Grain, from, to time.Time) ([]Rollup, error)
}

// Recount is what differs on a day.
type Recount struct {
	engine.UsageRecount
	// Differences are to be added to the sums that are kept. In the order of their keys within
	// an account.
	Differences []Rollup
}

// RecountOf compares the sums of a day, by UTC, with what is kept of those grains.
// Errors: an *engine.Error with CodeInvalid for what is no day or no grain, and the ledger's.
func RecountOf(ctx context.Context, l Ledger, day time.Time, kept []engine.Grain) (Recount, error) {
	var c check
	c.time("day", day)
	if !day.Equal(day.Truncate(24 * time.Hour)) {
		c.refuse("day", "is not the begin of a day")
	}
	if err := c.result(); err != nil {
		return Recount{}, err
	}
	for _, g := range kept {
		if err := CheckGrain(g); err != nil {
			return Recount{}, err
		}
	}
	r := recount{ledger: l, kept: kept}
	for account := ""; ; {
		var err error
		if account, err = l.Next(ctx, account, day, day.Add(24*time.Hour)); err != nil || account == "" {
			r.Repaired = int64(len(r.Differences))
			return r.Recount, err
		}
		if err := r.account(ctx, account, day); err != nil {
			return r.Recount, err
		}
	}
}

// recount is one day's.
type recount struct {
	Recount
	ledger Ledger
	kept   []engine.Grain
}

// account goes by the hour, so that the minutes of one hour are in memory and not those of a day.
func (r *recount) account(ctx context.Context, account string, day time.Time) error {
	days := map[[16]byte]*Rollup{}
	for hour := day; hour.Before(day.Add(24 * time.Hour)); hour = hour.Add(time.Hour) {
		end := hour.Add(time.Hour)
		s := newSums()
		afterAt, afterID := hour, []byte{}
		for {
			rows, err := r.ledger.Rows(ctx, account, hour, end, afterAt, afterID, recountPage)
			if err != nil {
				return err
			}
			for i := range rows {
				s.add(&rows[i])
			}
			r.Recount.Rows += int64(len(rows))
			if len(rows) < recountPage {
				break
			}
			last := &rows[len(rows)-1]
			afterAt, afterID = last.StartedAt, PackID(last.ID)
		}
		want := map[engine.Grain][]Rollup{}
		for _, sum := range s.rollups() {
			want[sum.Grain] = append(want[sum.Grain], sum)
		}
		for _, grain := range [...]engine.Grain{engine.GrainMinute, engine.GrainHour} {
			if err := r.compare(ctx, account, grain, hour, end, want[grain]); err != nil {
				return err
			}
		}
		for _, sum := range want[engine.GrainDay] {
			if of := days[sum.Digest]; of != nil {
				of.Sums.Merge(&sum.Sums)
				continue
			}
			days[sum.Digest] = &sum
		}
	}
	want := make([]Rollup, 0, len(days))
	for _, sum := range days {
		want = append(want, *sum)
	}
	return r.compare(ctx, account, engine.GrainDay, day, day.Add(24*time.Hour), want)
}

// compare notes what the kept sums lack, or have too much.
func (r *recount) compare(ctx context.Context, account string, grain engine.Grain, from, to time.Time, want []Rollup) error {
	if !slices.Contains(r.kept, grain) {
		return nil
	}
	r.Recount.Sums += int64(len(want))
	kept, err := r.ledger.Sums(ctx, account, grain, from, to)
	if err != nil {
		return err
	}
	type place struct {
		at     int64
		digest [16]byte
	}
	found := make(map[place]*Rollup, len(kept))
	for i := range kept {
		found[place{kept[i].At.UnixMilli(), kept[i].Digest}] = &kept[i]
	}
	var differ []Rollup
	note := func(of Rollup, want, kept *engine.ReportRow) {
		if sums, differs := difference(want, kept); differs {
			of.Sums = sums
			differ = append(differ, of)
		}
	}
	var none engine.ReportRow
	for i := range want {
		at := place{want[i].At.UnixMilli(), want[i].Digest}
		if k := found[at]; k != nil {
			delete(found, at)
			note(want[i], &want[i].Sums, &k.Sums)
			continue
		}
		note(want[i], &want[i].Sums, &none)
	}
	for _, k := range found {
		note(*k, &none, &k.Sums)
	}
	SortRollups(differ)
	r.Differences = append(r.Differences, differ...)
	return nil
}

// difference is what must be added to kept to have want. Of a sum that did not fit nobody
// knows what is missing: it is left as it is.
func difference(want, kept *engine.ReportRow) (d engine.ReportRow, differs bool) {
	least := func(n int64) bool { return n == math.MaxInt64 || n == math.MinInt64 }
	for _, s := range [...][3]*int64{
		{&d.Requests, &want.Requests, &kept.Requests}, {&d.Attempts, &want.Attempts, &kept.Attempts}, {&d.Errors, &want.Errors, &kept.Errors},
		{&d.Tokens.Prompt, &want.Tokens.Prompt, &kept.Tokens.Prompt}, {&d.Tokens.Cached, &want.Tokens.Cached, &kept.Tokens.Cached},
		{&d.Tokens.CacheWrite, &want.Tokens.CacheWrite, &kept.Tokens.CacheWrite},
		{&d.Tokens.CacheWrite1h, &want.Tokens.CacheWrite1h, &kept.Tokens.CacheWrite1h},
		{&d.Tokens.Completion, &want.Tokens.Completion, &kept.Tokens.Completion},
		{&d.Tokens.Reasoning, &want.Tokens.Reasoning, &kept.Tokens.Reasoning},
		{&d.CostNanoUSD, &want.CostNanoUSD, &kept.CostNanoUSD}, {&d.PremiumUse, &want.PremiumUse, &kept.PremiumUse},
		{&d.Estimated, &want.Estimated, &kept.Estimated}, {&d.Unpriced, &want.Unpriced, &kept.Unpriced},
	} {
		if n := *s[1] - *s[2]; n != 0 && !least(*s[1]) && !least(*s[2]) {
			*s[0], differs = n, true
		}
	}
	for i := range d.LatencyMS {
		d.LatencyMS[i], d.FirstByteMS[i] = want.LatencyMS[i]-kept.LatencyMS[i], want.FirstByteMS[i]-kept.FirstByteMS[i]
		differs = differs || d.LatencyMS[i] != 0 || d.FirstByteMS[i] != 0
	}
	return d, differs
}

// LatencyDifference is LatencyNumber of counts that may be negative.
func LatencyDifference(b *engine.LatencyBuckets) string {
	total, one := new(big.Int), new(big.Int)
	for i := len(b) - 1; i >= 0; i-- {
		total.Mul(total, big.NewInt(latencyLimit+1))
		total.Add(total, one.SetInt64(b[i]))
	}
	return total.String()
}
