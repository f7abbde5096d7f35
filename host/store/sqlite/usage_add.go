package sqlite

import (
	"context"
	"sync"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

var addUsage = newInsertion(query.AddUsage)

// usageLists are for AddUsage, which comes some times a second.
var usageLists = sync.Pool{New: func() any { return new([]engine.Usage) }}

// AddUsage implements engine.UsageStore.
func (s *Store) AddUsage(ctx context.Context, rows []engine.Usage) error {
	list := usageLists.Get().(*[]engine.Usage)
	*list = row.AppendUsageBatch((*list)[:0], rows)
	defer usageLists.Put(list)
	defer clear(*list)
	_, err := s.postUsage(ctx, *list)
	return err
}

// PostUsage implements engine.ReportStore.
func (s *Store) PostUsage(ctx context.Context, rows []engine.Usage) (added []engine.Usage, err error) {
	return s.postUsage(ctx, row.UsageBatch(rows))
}

func (s *Store) postUsage(ctx context.Context, batch []engine.Usage) (added []engine.Usage, err error) {
	if len(batch) == 0 {
		return nil, nil
	}
	err = s.load(ctx, "add usage", func(ctx context.Context, l *loader) (err error) {
		if added, err = l.addUsage(ctx, batch); err != nil || len(added) == 0 {
			return err
		}
		return l.addRollups(ctx, row.Rollups(added))
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

// addUsage returns the rows that the database did not have: what it had was rolled up then.
func (l *loader) addUsage(ctx context.Context, batch []engine.Usage) (added []engine.Usage, err error) {
	n, err := l.insert(ctx, &addUsage, len(batch), func(p *parameters, i int) { bindUsage(p, &batch[i]) })
	if err != nil || n == 0 {
		return nil, err
	}
	if n == int64(len(batch)) {
		return batch, nil
	}
	// Which they are, only one at a time tells.
	if err := l.again(); err != nil {
		return nil, err
	}
	for i := range batch {
		n, err := l.insert(ctx, &addUsage, 1, func(p *parameters, _ int) { bindUsage(p, &batch[i]) })
		if err != nil {
			return nil, err
		}
		if n > 0 {
			added = append(added, batch[i])
		}
	}
	return added, nil
}

// bindUsage writes a row in the order of query.AddUsageParams.
func bindUsage(p *parameters, u *engine.Usage) {
	p.time(u.StartedAt)
	p.timeOrNull(u.PriceFrom)
	p.number(u.CostNanoUSD)
	p.number(u.Tokens.Prompt)
	p.count(u.Tokens.Cached)
	p.count(u.Tokens.CacheWrite)
	p.count(u.Tokens.CacheWrite1h)
	p.number(u.Tokens.Completion)
	p.count(u.Tokens.Reasoning)
	p.count(u.PremiumUse)
	p.number(u.LatencyMS)
	p.count(u.FirstByteMS)
	p.number(int64(u.Attempt))
	p.number(int64(u.Status))
	p.flag(u.Substituted)
	p.flag(u.Stream)
	p.flag(u.Estimated)
	p.flag(u.Unpriced)
	p.flag(u.Simulated)
	p.text(u.AccountID)
	p.id(u.ID)
	p.text(string(u.Kind))
	p.id(u.Corrects)
	p.id(u.RequestID)
	p.text(u.TeamID)
	p.text(u.UserID)
	p.id(u.KeyID)
	p.id(u.SessionID)
	p.text(u.TaskType)
	p.text(u.ModelID)
	p.text(u.ProviderID)
	p.text(u.UpstreamID)
	p.text(u.Source)
	p.text(u.PriceOf)
	p.text(string(u.Outcome))
	p.text(string(u.Code))
	p.count(u.Images)
}
