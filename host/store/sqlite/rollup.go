package sqlite

import (
	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

// longestLists is how many bytes a group's lists of latencies may have before they are
// written anew: as short as they can be they have at most 700.
const longestLists = 400

// addRollups adds to the sums of groups, in the transaction of their rows.
func (l *loader) addRollups(rollups []row.Rollup) error {
	for i := range rollups {
		r := &rollups[i]
		p, err := l.parameters(query.AddRollup)
		if err != nil {
			return err
		}
		bindRollup(&p, r)
		listed := int64(0)
		if err := p.run(func() { listed = l.integer(p.statement, 0) }); err != nil {
			return err
		}
		if listed > longestLists {
			if err := l.shortenLists(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// bindRollup writes sums in the order of query.AddRollupParams.
func bindRollup(p *parameters, r *row.Rollup) {
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
	p.text(row.LatencyList(&s.LatencyMS))
	p.text(row.LatencyList(&s.FirstByteMS))
}

func bindRollupKey(p *parameters, r *row.Rollup) {
	p.text(r.AccountID)
	p.text(string(r.Grain))
	p.time(r.At)
	p.bytes(r.Digest[:])
}

// shortenLists writes a group's lists of latencies as short as they can be.
func (l *loader) shortenLists(r *row.Rollup) error {
	p, err := l.parameters(query.GetRollupLists)
	if err != nil {
		return err
	}
	bindRollupKey(&p, r)
	var latency, firstByte string
	if err := p.run(func() { latency, firstByte = l.text(p.statement, 0), l.text(p.statement, 1) }); err != nil {
		return err
	}
	if latency, err = shortList(latency); err != nil {
		return err
	}
	if firstByte, err = shortList(firstByte); err != nil {
		return err
	}
	if p, err = l.parameters(query.SetRollupLists); err != nil {
		return err
	}
	p.text(latency)
	p.text(firstByte)
	bindRollupKey(&p, r)
	return p.run(nil)
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
