package row

import (
	"slices"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Report is a query as both drivers ask it.
type Report struct {
	FirstAccount, LastAccount string
	TeamID, UserID            string
	KeyID, ModelID            string
	Grain                     string
	From, To                  time.Time
	By                        map[string]bool // by the Dim constants
	Series                    bool
	MaxGroups                 int64
	groupBy                   []string
}

// lastAccount is behind every id of an account.
var lastAccount = strings.Repeat("\U0010FFFF", MaxKey/4+1)

// ReportOf checks a query. Errors: an *engine.Error with CodeInvalid.
func ReportOf(q engine.ReportQuery) (Report, error) {
	var c check
	r := Report{
		FirstAccount: q.AccountID, LastAccount: q.AccountID, TeamID: q.TeamID, UserID: q.UserID, KeyID: q.KeyID, ModelID: q.ModelID,
		Grain: string(q.Grain), From: Time(q.From), To: Time(q.To), By: map[string]bool{}, Series: q.Series,
		MaxGroups: int64(q.Limit), groupBy: q.GroupBy,
	}
	if q.AccountID == "" {
		r.LastAccount = lastAccount
	}
	c.account(q.AccountID)
	for _, text := range []struct{ member, value string }{{"team_id", q.TeamID}, {"user_id", q.UserID}, {"key_id", q.KeyID}, {"model_id", q.ModelID}} {
		c.text(text.member, text.value)
	}
	if err := CheckGrain(q.Grain); err != nil {
		return Report{}, err
	}
	step := stepOf(q.Grain)
	for _, at := range []struct {
		member string
		time   time.Time
	}{{"from", q.From}, {"to", q.To}} {
		c.time(at.member, at.time)
		if !at.time.Equal(at.time.Truncate(step)) {
			c.refuse(at.member, "is not at a whole "+r.Grain)
		}
	}
	for _, d := range q.GroupBy {
		switch d {
		case engine.DimAccount, engine.DimTeam, engine.DimUser, engine.DimKey, engine.DimModel, engine.DimProvider, engine.DimRule, engine.DimTask:
			r.By[d] = true
		default:
			c.refuse("group_by", "names no dimension that is stored: "+strings.ToValidUTF8(d, "?"))
		}
	}
	switch {
	case q.Limit < 0 || q.Limit > engine.MaxReportGroups:
		c.refuse("limit", "is not within 0 to 10,000")
	case q.Limit == 0:
		r.MaxGroups = engine.MaxReportGroups
	}
	return r, c.result()
}

// CheckGrain says why there are no rollups of a grain: an *engine.Error with CodeInvalid, or nil.
func CheckGrain(g engine.Grain) error {
	var c check
	if stepOf(g) == 0 {
		c.refuse("grain", "is neither minute, hour nor day")
	}
	return c.result()
}

func stepOf(name engine.Grain) time.Duration {
	for _, g := range grains {
		if g.name == name {
			return g.step
		}
	}
	return 0
}

// Group names a row's values of the dimensions that were asked for, given in the order of
// account, team, user, key, model, provider, rule, task.
func (r Report) Group(values ...string) map[string]string {
	if len(r.groupBy) == 0 {
		return nil
	}
	order := [...]string{
		engine.DimAccount, engine.DimTeam, engine.DimUser, engine.DimKey, engine.DimModel, engine.DimProvider, engine.DimRule, engine.DimTask,
	}
	group := make(map[string]string, len(r.groupBy))
	for _, d := range r.groupBy {
		group[d] = values[slices.Index(order[:], d)]
	}
	return group
}

// CheckReportRows refuses an answer that is too long.
func CheckReportRows(rows int) error {
	var c check
	if rows > engine.MaxReportRows {
		c.refuse("grain", "is too fine for so many groups: ask for fewer groups, a shorter time or a coarser grain")
	}
	return c.result()
}

// CheckRange says why rows of [from, to) cannot be listed: an *engine.Error with CodeInvalid, or nil.
func CheckRange(from, to time.Time) error {
	var c check
	c.time("from", from)
	c.time("to", to)
	return c.result()
}
