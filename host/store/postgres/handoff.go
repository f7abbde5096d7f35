package postgres

import (
	"cmp"
	"context"
	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
	"slices"
)

// AddHandoffs implements engine.SessionStore.
func (s *Store) AddHandoffs(ctx context.Context, handoffs []engine.Handoff) error {
	if len(handoffs) == 0 {
		return nil
	}
	batch := make([]query.AddHandoffParams, len(handoffs))
	for i, e := range handoffs {
		n, err := handoffRow(e)
		if err != nil {
			return err
		}
		batch[i] = query.AddHandoffParams(n)
	}
	// Two processes that write the same rows in different orders would wait for each other.
	slices.SortStableFunc(batch, func(a, b query.AddHandoffParams) int {
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.SessionID, b.SessionID), cmp.Compare(a.ID, b.ID))
	})
	return s.transact(ctx, "add handoffs", func(ctx context.Context, q *query.Queries) error {
		var first error
		q.AddHandoff(ctx, batch).Exec(func(_ int, err error) { first = cmp.Or(first, err) })
		return first
	})
}

// ListHandoffs implements engine.SessionStore.
func (s *Store) ListHandoffs(ctx context.Context, k engine.SessionKey, limit int) (handoffs []engine.Handoff, err error) {
	if err := row.CheckListLimit(limit); err != nil || !row.IsSession(k) {
		return nil, err
	}
	err = s.readOf(ctx, k.AccountID, "list handoffs", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListHandoffs(ctx, query.ListHandoffsParams{
			AccountID: k.AccountID, UserID: k.UserID, SessionID: k.ID, MaxRows: int64(limit),
		})
		if err == nil {
			handoffs, err = row.ParseAll(rows, parseHandoff)
		}
		return err
	})
	return handoffs, err
}

func handoffRow(h engine.Handoff) (query.AgentHandoff, error) {
	h, err := row.Handoff(h)
	return query.AgentHandoff{
		AccountID: h.AccountID, UserID: h.UserID, SessionID: h.SessionKey.ID, ID: h.ID, RequestID: h.RequestID,
		FromAgent: h.FromAgent, ToAgent: h.ToAgent, FromModel: h.FromModel, ToModel: h.ToModel, Reason: string(h.Reason),
		Detail: h.Detail, Summary: h.Summary, Notes: int64(h.Notes), CreatedAt: row.Time(h.CreatedAt),
	}, err
}

func parseHandoff(n query.AgentHandoff) (engine.Handoff, error) {
	return engine.Handoff{
		SessionKey: engine.SessionKey{AccountID: n.AccountID, UserID: n.UserID, ID: n.SessionID}, ID: n.ID,
		RequestID: n.RequestID, FromAgent: n.FromAgent, ToAgent: n.ToAgent, FromModel: n.FromModel, ToModel: n.ToModel,
		Reason: engine.HandoffReason(n.Reason), Detail: n.Detail, Summary: n.Summary, Notes: int(n.Notes),
		CreatedAt: n.CreatedAt.UTC(),
	}, nil
}
