package sqlite

import (
	"context"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

const (
	// longestLists is how many bytes a group's lists of latencies may have before they are
	// written anew, unless they cannot be shorter than half of what they have.
	longestLists = 400
	// mostLists is of how many groups the length of their lists is remembered.
	mostLists = 4_096
)

var addRollup = newInsertion(query.AddRollup)

// listed is how long a group's lists are, and were when they were as short as can be. It is
// only for knowing when they have to be written anew.
type listed struct{ length, shortest int }

type listedKey struct {
	account string
	grain   engine.Grain
	at      int64
	digest  [16]byte
}

// addRollups adds to the sums of groups, in the transaction of their rows.
func (l *loader) addRollups(ctx context.Context, rollups []row.Rollup) error {
	added := make([]int, len(rollups))
	_, err := l.insert(ctx, &addRollup, len(rollups), func(p *parameters, i int) { added[i] = bindRollup(p, &rollups[i]) })
	if err != nil {
		return err
	}
	if len(l.lists)+len(rollups) > mostLists || l.lists == nil {
		l.lists = make(map[listedKey]listed, len(rollups))
	}
	for i := range rollups {
		r := &rollups[i]
		key := listedKey{r.AccountID, r.Grain, r.At.UnixMilli(), r.Digest}
		is, known := l.lists[key]
		if is.length += added[i]; !known || is.length > max(longestLists, 2*is.shortest) {
			if is, err = l.shortenLists(r); err != nil {
				return err
			}
		}
		l.lists[key] = is
	}
	return nil
}

// bindRollup writes sums in the order of query.AddRollupParams. It returns how long their lists are.
func bindRollup(p *parameters, r *row.Rollup) int {
	s := &r.Sums
	bindRollupKey(p, r)
	for _, text := range [...]string{r.TeamID, r.UserID, r.KeyID, r.ModelID, r.ProviderID, r.Source, r.TaskType} {
		p.text(text)
	}
	for _, n := range [...]int64{
		s.Requests, s.Attempts, s.Errors, s.Tokens.Prompt, s.Tokens.Cached, s.Tokens.CacheWrite, s.Tokens.CacheWrite1h,
		s.Tokens.Completion, s.Tokens.Reasoning, s.CostNanoUSD, s.PremiumUse, s.Estimated, s.Unpriced,
	} {
		p.number(n)
	}
	latency, firstByte := row.LatencyList(&s.LatencyMS), row.LatencyList(&s.FirstByteMS)
	p.text(latency)
	p.text(firstByte)
	return len(latency) + len(firstByte)
}

func bindRollupKey(p *parameters, r *row.Rollup) {
	p.text(r.AccountID)
	p.text(string(r.Grain))
	p.time(r.At)
	p.bytes(r.Digest[:])
}

// shortenLists writes a group's lists of latencies as short as they can be, when they are long.
func (l *loader) shortenLists(r *row.Rollup) (is listed, err error) {
	p, err := l.parameters(query.GetRollupLists)
	if err != nil {
		return is, err
	}
	bindRollupKey(&p, r)
	var latency, firstByte string
	if err := p.run(func() { latency, firstByte = l.text(p.statement, 0), l.text(p.statement, 1) }); err != nil {
		return is, err
	}
	is.length = len(latency) + len(firstByte)
	if is.length <= longestLists {
		return is, nil
	}
	if latency, err = shortList(latency); err != nil {
		return is, err
	}
	if firstByte, err = shortList(firstByte); err != nil {
		return is, err
	}
	if p, err = l.parameters(query.SetRollupLists); err != nil {
		return is, err
	}
	p.text(latency)
	p.text(firstByte)
	bindRollupKey(&p, r)
	short := len(latency) + len(firstByte)
	return listed{short, short}, p.run(nil)
}

func shortList(list string) (string, error) {
	buckets, err := row.ParseLatencyList(list)
	return row.LatencyList(&buckets), err
}

func parseRollup(n query.UsageRollup) (r row.Rollup, err error) {
	r = row.Rollup{
		AccountID: n.AccountID, Grain: engine.Grain(n.Grain), At: instant(n.StartsAt), Digest: [16]byte(n.Digest), TeamID: n.TeamID,
		UserID: n.UserID, KeyID: n.KeyID, ModelID: n.ModelID, ProviderID: n.ProviderID, Source: n.Source, TaskType: n.TaskType,
		Sums: engine.ReportRow{
			Requests: n.Requests, Attempts: n.Attempts, Errors: n.Errors,
			Tokens: engine.Tokens{
				Prompt: n.PromptTokens, Cached: n.CachedTokens, CacheWrite: n.CacheWriteTokens, CacheWrite1h: n.CacheWrite1hTokens,
				Completion: n.CompletionTokens, Reasoning: n.ReasoningTokens,
			},
			CostNanoUSD: n.CostNanoUsd, PremiumUse: n.PremiumUse, Estimated: n.Estimated, Unpriced: n.Unpriced,
		},
	}
	if r.Sums.LatencyMS, err = row.ParseLatencyList(n.Latency); err != nil {
		return r, err
	}
	r.Sums.FirstByteMS, err = row.ParseLatencyList(n.FirstByte)
	return r, err
}
