package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var allDimensions = []string{
	engine.DimAccount, engine.DimTeam, engine.DimUser, engine.DimKey, engine.DimModel, engine.DimProvider, engine.DimRule, engine.DimTask,
}

// value is what a row has in a dimension.
func value(u engine.Usage, dimension string) string {
	return map[string]string{
		engine.DimAccount: u.AccountID, engine.DimTeam: u.TeamID, engine.DimUser: u.UserID, engine.DimKey: u.KeyID,
		engine.DimModel: u.ModelID, engine.DimProvider: u.ProviderID, engine.DimRule: u.Source, engine.DimTask: u.TaskType,
	}[dimension]
}

var steps = map[engine.Grain]time.Duration{engine.GrainMinute: time.Minute, engine.GrainHour: time.Hour, engine.GrainDay: 24 * time.Hour}

// modelReport is a report by a sum over the rows.
func modelReport(rows []engine.Usage, q engine.ReportQuery) []engine.ReportRow {
	type group struct {
		key  string
		cost int64
	}
	sums, groups := map[string]*engine.ReportRow{}, map[string]*group{}
	of := map[*engine.ReportRow]*group{}
	for _, u := range rows {
		if u.StartedAt.Before(q.From) || !u.StartedAt.Before(q.To) || q.AccountID != "" && q.AccountID != u.AccountID ||
			q.TeamID != "" && q.TeamID != u.TeamID || q.UserID != "" && q.UserID != u.UserID ||
			q.KeyID != "" && q.KeyID != u.KeyID || q.ModelID != "" && q.ModelID != u.ModelID {
			continue
		}
		var values []string
		named := map[string]string{}
		for _, d := range allDimensions {
			if slices.Contains(q.GroupBy, d) {
				values, named[d] = append(values, value(u, d)), value(u, d)
			}
		}
		if len(q.GroupBy) == 0 {
			named = nil
		}
		key := strings.Join(values, "\x00")
		if groups[key] == nil {
			groups[key] = &group{key: key}
		}
		groups[key].cost += u.CostNanoUSD
		var at time.Time
		if q.Series {
			at = u.StartedAt.Truncate(steps[q.Grain])
		}
		step := key + "\x00" + at.String()
		if sums[step] == nil {
			sums[step] = &engine.ReportRow{Group: named, At: at}
			of[sums[step]] = groups[key]
		}
		modelAdd(sums[step], u)
	}
	var order []*group
	for _, g := range groups {
		order = append(order, g)
	}
	slices.SortFunc(order, func(a, b *group) int {
		if a.cost != b.cost {
			return map[bool]int{true: -1, false: 1}[a.cost > b.cost]
		}
		return strings.Compare(a.key, b.key)
	})
	if q.Limit > 0 {
		order = order[:min(q.Limit, len(order))]
	}
	var list []*engine.ReportRow
	for _, sum := range sums {
		if slices.Contains(order, of[sum]) {
			list = append(list, sum)
		}
	}
	slices.SortFunc(list, func(a, b *engine.ReportRow) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if a.CostNanoUSD != b.CostNanoUSD {
			return map[bool]int{true: -1, false: 1}[a.CostNanoUSD > b.CostNanoUSD]
		}
		return strings.Compare(of[a].key, of[b].key)
	})
	var report []engine.ReportRow
	for _, sum := range list {
		report = append(report, *sum)
	}
	return report
}

func modelAdd(r *engine.ReportRow, u engine.Usage) {
	r.CostNanoUSD += u.CostNanoUSD
	if u.Kind == engine.UsageCorrection {
		return
	}
	r.PremiumUse += u.PremiumUse
	r.Tokens.Prompt += u.Tokens.Prompt
	r.Tokens.Cached += u.Tokens.Cached
	r.Tokens.CacheWrite += u.Tokens.CacheWrite
	r.Tokens.CacheWrite1h += u.Tokens.CacheWrite1h
	r.Tokens.Completion += u.Tokens.Completion
	r.Tokens.Reasoning += u.Tokens.Reasoning
	if u.Estimated {
		r.Estimated++
	}
	if u.Unpriced {
		r.Unpriced++
	}
	if u.Kind == engine.UsageExternal {
		return
	}
	r.Attempts++
	if u.Attempt == 1 {
		r.Requests++
	}
	switch u.Outcome {
	case engine.OutcomeFailed, engine.OutcomeTruncated, engine.OutcomeInterrupted:
		r.Errors++
	case engine.OutcomeOK:
		r.LatencyMS[modelBucket(u.LatencyMS)]++
	}
	if u.FirstByteMS > 0 {
		r.FirstByteMS[modelBucket(u.FirstByteMS)]++
	}
}

func modelBucket(ms int64) (bucket int) {
	for bucket < 31 && float64(ms) >= math.Pow(1.5, float64(bucket)) {
		bucket++
	}
	return bucket
}

// randomUsage makes rows over three days of few tenants and models.
func randomUsage(r *rand.Rand, rows int) []engine.Usage {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	all := make([]engine.Usage, rows)
	for i := range all {
		all[i] = engine.Usage{
			AccountID: pick("a", "a", "b"), ID: fmt.Sprintf("0197a2f0-0000-7000-8000-%012x", i), RequestID: fmt.Sprint(i / 2), Attempt: 1 + i%2,
			TeamID: pick("", "ops", "dev"), UserID: pick("ann", "bob"), KeyID: pick("k1", "k2", ""), ModelID: pick("gpt", "Claude", "ära"),
			ProviderID: pick("openai", "anthropic"), Source: pick("default", "pinned", "rule"), TaskType: pick("", "", "summary"),
			Kind:    engine.UsageKind(pick("", "", "", string(engine.UsageCorrection), string(engine.UsageExternal))),
			Outcome: engine.Outcome(pick("ok", "ok", "ok", "failed", "truncated", "canceled", "interrupted")),
			Tokens: engine.Tokens{
				Prompt: r.Int64N(1e6), Cached: r.Int64N(1e3), CacheWrite: r.Int64N(1e3), CacheWrite1h: r.Int64N(10), Completion: r.Int64N(1e5), Reasoning: r.Int64N(1e4),
			},
			CostNanoUSD: r.Int64N(1e11) - 2e10, PremiumUse: r.Int64N(100), Estimated: r.IntN(5) == 0, Unpriced: r.IntN(9) == 0,
			LatencyMS: int64(math.Exp(r.Float64() * 14)), FirstByteMS: r.Int64N(3) * r.Int64N(900),
			StartedAt: day.Add(time.Duration(r.Int64N(int64(72 * time.Hour)))).Truncate(time.Millisecond),
		}
		if r.IntN(4) == 0 && i > 0 {
			all[i].StartedAt = all[i-1].StartedAt // and some at one time
		}
	}
	return all
}

func reportModel(t *testing.T, d Database) {
	s := open(t, d)
	r := rand.New(rand.NewPCG(7, 11))
	rows := randomUsage(r, 600)
	for left := rows; len(left) > 0; {
		n := min(1+r.IntN(90), len(left))
		batch := slices.Clone(left[:n])
		for range r.IntN(20) { // some come again
			batch = append(batch, rows[r.IntN(len(rows)-len(left)+n)])
		}
		r.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
		must(t, "AddUsage()", s.AddUsage(t.Context(), batch))
		left = left[n:]
	}
	grains := []engine.Grain{engine.GrainDay, engine.GrainHour, engine.GrainMinute}
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for subset := range 1 << len(allDimensions) {
		q := engine.ReportQuery{
			AccountID: pick("a", "a", "b", ""), Grain: grains[r.IntN(3)], Series: r.IntN(3) == 0, Limit: r.IntN(3) * r.IntN(12),
			TeamID: pick("", "", "ops"), UserID: pick("", "", "ann"), KeyID: pick("", "", "k1"), ModelID: pick("", "", "ära"),
		}
		step := steps[q.Grain]
		q.From = day.Add(time.Duration(r.Int64N(int64(24*time.Hour/step)*2)) * step)
		q.To = q.From.Add(time.Duration(r.Int64N(int64(72*time.Hour/step))) * step)
		for i, dimension := range allDimensions {
			if subset>>i&1 == 1 {
				q.GroupBy = append(q.GroupBy, dimension)
			}
		}
		r.Shuffle(len(q.GroupBy), func(i, j int) { q.GroupBy[i], q.GroupBy[j] = q.GroupBy[j], q.GroupBy[i] })
		got, err := s.Report(t.Context(), q)
		must(t, fmt.Sprintf("Report(%+v)", q), err)
		want := modelReport(rows, q)
		if len(got) != len(want) {
			t.Fatalf("Report(%+v) has %d rows, want %d", q, len(got), len(want))
		}
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("Report(%+v): row %d is %+v, want %+v", q, i, got[i], want[i])
			}
		}
	}
}
