package sqlite

import (
	"context"
	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/row"
	"github.com/pointsman/pointsman/host/store/sqlite/query"
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
	return s.transact(ctx, "add handoffs", func(ctx context.Context, q *query.Queries) error {
		for _, n := range batch {
			if err := q.AddHandoff(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// ListHandoffs implements engine.SessionStore.
func (s *Store) ListHandoffs(ctx context.Context, k engine.SessionKey, limit int) (handoffs []engine.Handoff, err error) {
	if err := row.CheckListLimit(limit); err != nil || !row.IsSession(k) {
		return nil, err
	}
	err = s.read(ctx, "list handoffs", func(ctx context.Context, q *query.Queries) error {
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
		Detail: h.Detail, Summary: h.Summary, Notes: int64(h.Notes), CreatedAt: millis(h.CreatedAt),
	}, err
}

func parseHandoff(n query.AgentHandoff) (engine.Handoff, error) {
	return engine.Handoff{
		SessionKey: engine.SessionKey{AccountID: n.AccountID, UserID: n.UserID, ID: n.SessionID}, ID: n.ID,
		RequestID: n.RequestID, FromAgent: n.FromAgent, ToAgent: n.ToAgent, FromModel: n.FromModel, ToModel: n.ToModel,
		Reason: engine.HandoffReason(n.Reason), Detail: n.Detail, Summary: n.Summary, Notes: int(n.Notes),
		CreatedAt: instant(n.CreatedAt),
	}, nil
}
