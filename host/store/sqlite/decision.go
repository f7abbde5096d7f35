package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
)

var (
	_ engine.DecisionStore        = (*Store)(nil)
	_ engine.DecisionSettingStore = (*Store)(nil)
)

// scanDecisions is how many decisions are read at a time.
const scanDecisions = 2_000

var (
	addDecision   = newInsertion(query.AddDecision)
	decisionLists = sync.Pool{New: func() any { return new([]engine.DecisionRow) }} // for AddDecisions, which comes some times a second
)

// AddDecisions implements engine.DecisionStore.
func (s *Store) AddDecisions(ctx context.Context, rows []engine.DecisionRow) error {
	if len(rows) == 0 {
		return nil
	}
	list := decisionLists.Get().(*[]engine.DecisionRow)
	*list = row.AppendDecisionBatch((*list)[:0], rows)
	defer decisionLists.Put(list)
	defer clear(*list)
	batch := *list
	return s.load(ctx, "add decisions", func(ctx context.Context, l *loader) error {
		_, err := l.insert(ctx, &addDecision, len(batch), func(p *parameters, i int) { bindDecision(p, &batch[i]) })
		return err
	})
}

// GetDecision implements engine.DecisionStore.
func (s *Store) GetDecision(ctx context.Context, f engine.DecisionFilter, requestID string) (found engine.DecisionRow, err error) {
	ask, ok := row.DecisionsOf(f, engine.DecisionMark{})
	if !ok {
		return found, engine.ErrNotFound
	}
	err = s.read(ctx, "get decision", func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetDecision(ctx, query.GetDecisionParams{
			AccountID: f.AccountID, RequestID: row.PackID(row.RequestID(requestID)), TeamID: f.TeamID, UserID: f.UserID, KeyID: ask.KeyID,
			SessionID: ask.SessionID, Source: f.Source, ModelID: f.Model, Code: string(f.Code), Answered: flag(f.Answered), Variant: f.Variant,
		})
		if err == nil {
			found = parseDecision(n)
		}
		return err
	})
	return found, err
}

// PageDecisions implements engine.DecisionStore.
func (s *Store) PageDecisions(
	ctx context.Context, f engine.DecisionFilter, after engine.DecisionMark, limit int,
) (page []engine.DecisionRow, next engine.DecisionMark, err error) {
	if err := row.CheckListLimit(limit); err != nil {
		return nil, next, err
	}
	ask, ok := row.DecisionsOf(f, after)
	if !ok {
		return nil, next, nil
	}
	err = s.read(ctx, "list decisions", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.PageDecisions(ctx, query.PageDecisionsParams{
			AccountID: f.AccountID, FromAt: millis(ask.From), BeforeAt: millis(ask.To), BeforeID: ask.BeforeID, TeamID: f.TeamID, UserID: f.UserID,
			KeyID: ask.KeyID, SessionID: ask.SessionID, Source: f.Source, ModelID: f.Model, Code: string(f.Code), Answered: flag(f.Answered),
			Variant: f.Variant, MaxRows: int64(limit), MaxLooked: engine.MaxDecisionsLooked,
		})
		if err != nil {
			return err
		}
		page = make([]engine.DecisionRow, len(rows))
		for i := range rows {
			page[i] = parseDecision(query.Decision(rows[i]))
		}
		if len(page) == limit {
			last := &page[limit-1]
			next = engine.DecisionMark{At: last.At, RequestID: last.RequestID}
			return nil
		}
		n, err := q.PassDecisions(ctx, query.PassDecisionsParams{
			AccountID: f.AccountID, FromAt: millis(ask.From), BeforeAt: millis(ask.To), BeforeID: ask.BeforeID, Passed: engine.MaxDecisionsLooked - 1,
		})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			next = engine.DecisionMark{At: instant(n.At), RequestID: row.ParseID(n.RequestID)}
		}
		return err
	})
	return page, next, err
}

// ScanDecisions implements engine.DecisionStore.
func (s *Store) ScanDecisions(ctx context.Context, accountID string, from, to time.Time, each func([]engine.DecisionRow) error) error {
	if err := row.CheckRange(from, to); err != nil {
		return err
	}
	if accountID != "" {
		return s.scanDecisionsOf(ctx, accountID, from, to, each)
	}
	for {
		var err error
		if accountID, err = s.nextDecisionAccount(ctx, accountID, from, to); err != nil || accountID == "" {
			return err
		}
		if err := s.scanDecisionsOf(ctx, accountID, from, to, each); err != nil {
			return err
		}
	}
}

func (s *Store) nextDecisionAccount(ctx context.Context, after string, from, to time.Time) (next string, err error) {
	err = s.read(ctx, "find decisions", func(ctx context.Context, q *query.Queries) error {
		next, err = q.NextDecisionAccount(ctx, query.NextDecisionAccountParams{FromAt: millis(from), ToAt: millis(to), AfterAccount: after})
		return err
	})
	return next, err
}

func (s *Store) scanDecisionsOf(ctx context.Context, accountID string, from, to time.Time, each func([]engine.DecisionRow) error) error {
	if !row.IsKey(accountID) {
		return nil
	}
	ask := query.ScanDecisionsParams{AccountID: accountID, AfterAt: millis(from), AfterID: []byte{}, ToAt: millis(to), MaxRows: scanDecisions}
	for {
		var rows []query.Decision
		err := s.read(ctx, "scan decisions", func(ctx context.Context, q *query.Queries) (err error) {
			rows, err = q.ScanDecisions(ctx, ask)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		part := make([]engine.DecisionRow, len(rows))
		for i := range rows {
			part[i] = parseDecision(rows[i])
		}
		if err := each(part); err != nil || len(rows) < scanDecisions {
			return err
		}
		ask.AfterAt, ask.AfterID = rows[len(rows)-1].At, rows[len(rows)-1].RequestID
	}
}

// DeleteDecisionsBefore implements engine.DecisionStore.
func (s *Store) DeleteDecisionsBefore(ctx context.Context, before time.Time, accounts map[string]time.Time) error {
	if err := row.CheckRange(before, before); err != nil {
		return err
	}
	newest := before
	for _, at := range accounts {
		if err := row.CheckRange(at, at); err != nil {
			return err
		}
		if at.After(newest) {
			newest = at
		}
	}
	for accountID := ""; ; {
		var err error
		if accountID, err = s.nextDecisionAccount(ctx, accountID, time.Unix(0, 0), newest); err != nil || accountID == "" {
			return err
		}
		own, ok := accounts[accountID]
		if !ok {
			own = before
		}
		for deleted := int64(dropRows); deleted == dropRows; {
			err := s.transact(ctx, "forget decisions", func(ctx context.Context, q *query.Queries) (err error) {
				deleted, err = q.DeleteDecisions(ctx, query.DeleteDecisionsParams{AccountID: accountID, Before: millis(own), MaxRows: dropRows})
				return err
			})
			if err != nil {
				return err
			}
		}
	}
}

// bindDecision writes a row in the order of query.AddDecisionParams.
func bindDecision(p *parameters, d *engine.DecisionRow) {
	p.time(d.At)
	p.number(d.CostNanoUSD)
	p.text(d.AccountID)
	p.id(d.RequestID)
	p.text(d.TeamID)
	p.text(d.UserID)
	p.id(d.KeyID)
	p.id(d.SessionID)
	p.text(d.Source)
	p.text(d.Model)
	p.text(d.Provider)
	p.text(string(d.Code))
	p.text(d.Variant)
	p.bytes(d.Data)
}

func parseDecision(n query.Decision) engine.DecisionRow {
	return engine.DecisionRow{
		At: instant(n.At), CostNanoUSD: n.CostNanoUsd, AccountID: n.AccountID, RequestID: row.ParseID(n.RequestID), TeamID: n.TeamID, UserID: n.UserID,
		KeyID: row.ParseID(n.KeyID), SessionID: row.ParseID(n.SessionID), Source: n.Source, Model: n.ModelID, Provider: n.ProviderID,
		Code: engine.Code(n.Code), Variant: n.Variant, Data: n.Data,
	}
}

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}
