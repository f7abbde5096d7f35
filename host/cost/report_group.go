package cost

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// dims are what a report can be grouped by.
const dims = " " + engine.DimModel + " " + engine.DimFamily + " " + engine.DimProvider + " " + engine.DimAccount + " " + engine.DimTeam + " " +
	engine.DimUser + " " + engine.DimKey + " " + engine.DimRule + " " + engine.DimTask + " "

// maxDims is by how many things at once.
const maxDims = 4

func checkGroups(q engine.CostQuery) error {
	switch {
	case len(q.GroupBy) > maxDims:
		return invalid("group_by", "'group_by' may name four things.")
	case q.Limit < 0 || q.Limit > engine.MaxReportGroups:
		return invalid("limit", "'limit' must be 0 to 10,000.")
	}
	for i, d := range q.GroupBy {
		if strings.Contains(d, " ") || !strings.Contains(dims, " "+d+" ") {
			return invalid("group_by", "'group_by' must be of model, family, provider, account, team, user, key, rule and task.")
		}
		if slices.Contains(q.GroupBy[:i], d) {
			return invalid("group_by", "'group_by' must name nothing twice.")
		}
	}
	return nil
}

// storedDims are what the store must group by for a report by those.
func storedDims(by []string, accountID string) []string {
	at := slices.Index(by, engine.DimFamily)
	if at < 0 {
		return by
	}
	stored := slices.Delete(slices.Clone(by), at, at+1)
	if !slices.Contains(stored, engine.DimModel) {
		stored = append(stored, engine.DimModel)
	}
	// Accounts may have models of their own under the same id.
	if accountID == "" && !slices.Contains(stored, engine.DimAccount) {
		stored = append(stored, engine.DimAccount)
	}
	return stored
}

// fold puts rows together: models of one family, by today's catalogue, and days of one month.
// Models that the catalogue does not know are of the family "".
func (r *Reports) fold(rows []engine.ReportRow, q engine.CostQuery, grain engine.Grain) []engine.ReportRow {
	catalogue := r.cfg.Catalogue()
	type place struct {
		key string
		at  time.Time
	}
	found := map[place]int{}
	var folded []engine.ReportRow
	for i := range rows {
		row := rows[i]
		if slices.Contains(q.GroupBy, engine.DimFamily) {
			account := cmp.Or(q.AccountID, row.Group[engine.DimAccount])
			model, _ := catalogue.Model(account, row.Group[engine.DimModel])
			group := make(map[string]string, len(q.GroupBy))
			for _, d := range q.GroupBy {
				group[d] = row.Group[d]
			}
			group[engine.DimFamily] = model.Family
			row.Group = group
		}
		if grain == engine.GrainMonth {
			row.At = monthOf(row.At)
		}
		at := place{keyOf(row.Group, q.GroupBy), row.At}
		if n, ok := found[at]; ok {
			folded[n].Merge(&row)
			continue
		}
		found[at] = len(folded)
		folded = append(folded, row)
	}
	return folded
}

// keyOf tells groups apart, and orders those that cost the same. No value holds a NUL.
func keyOf(group map[string]string, by []string) string {
	if len(by) == 1 {
		return group[by[0]]
	}
	var key strings.Builder
	for _, d := range by {
		key.WriteString(group[d])
		key.WriteByte(0)
	}
	return key.String()
}

func countGroups(rows []engine.ReportRow, by []string) int {
	seen := map[string]struct{}{}
	for i := range rows {
		seen[keyOf(rows[i].Group, by)] = struct{}{}
	}
	return len(seen)
}

// dearest sorts rows by time, then cost falling, and keeps those of the limit's dearest
// groups; 0: all of them.
func dearest(rows []engine.ReportRow, by []string, limit int) (kept []engine.ReportRow, more bool) {
	costs := map[string]engine.UsageSums{}
	for i := range rows {
		key := keyOf(rows[i].Group, by)
		cost := costs[key]
		cost.Add(engine.UsageSums{CostNanoUSD: rows[i].CostNanoUSD})
		costs[key] = cost
	}
	if limit > 0 && len(costs) > limit {
		keys := make([]string, 0, len(costs))
		for key := range costs {
			keys = append(keys, key)
		}
		slices.SortFunc(keys, func(a, b string) int {
			return cmp.Or(cmp.Compare(costs[b].CostNanoUSD, costs[a].CostNanoUSD), cmp.Compare(a, b))
		})
		for _, key := range keys[limit:] {
			delete(costs, key)
		}
		rows = slices.DeleteFunc(rows, func(row engine.ReportRow) bool {
			_, ok := costs[keyOf(row.Group, by)]
			return !ok
		})
		more = true
	}
	slices.SortFunc(rows, func(a, b engine.ReportRow) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(b.CostNanoUSD, a.CostNanoUSD), cmp.Compare(keyOf(a.Group, by), keyOf(b.Group, by)))
	})
	return rows, more
}
