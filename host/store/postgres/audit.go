package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/postgres/query"
	"github.com/pointsman/pointsman/host/store/row"
)

// errNoEntry is a mistake of the caller.
var errNoEntry = errors.New("append to the audit log: the context has no entry (engine.WithAudit)")

// ListAudit implements engine.AuditStore.
func (s *Store) ListAudit(ctx context.Context, f engine.AuditFilter) (entries []engine.AuditEntry, err error) {
	span, ok := row.ParseAuditFilter(f)
	if !ok {
		return nil, nil
	}
	err = s.readOf(ctx, f.AccountID, "list audit", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ListAudit(ctx, query.ListAuditParams{
			AccountID: f.AccountID, Before: span.Before, Action: f.Action, Object: f.Object, ActorUser: f.ActorUser,
			Since: span.Since, Until: span.Until, Size: span.Size,
		})
		if err == nil {
			entries, err = row.ParseAll(rows, parseAudit)
		}
		return err
	})
	return entries, err
}

// ReadAudit implements engine.AuditStore.
func (s *Store) ReadAudit(ctx context.Context, accountID string, after int64, limit int) (entries []engine.AuditEntry, err error) {
	if !row.IsKey(accountID) {
		return nil, nil
	}
	err = s.readOf(ctx, accountID, "read audit", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ReadAudit(ctx, query.ReadAuditParams{AccountID: accountID, After: after, Size: row.AuditLimit(limit)})
		if err == nil {
			entries, err = row.ParseAll(rows, parseAudit)
		}
		return err
	})
	return entries, err
}

// AuditedAccounts implements engine.AuditStore.
func (s *Store) AuditedAccounts(ctx context.Context) (accounts []string, err error) {
	err = s.read(ctx, "list audited accounts", func(ctx context.Context, q *query.Queries) error {
		accounts, err = q.ListAuditedAccounts(ctx)
		return err
	})
	return accounts, err
}

// GetAuditHead implements engine.AuditStore.
func (s *Store) GetAuditHead(ctx context.Context, accountID string) (engine.AuditHead, error) {
	head := engine.AuditHead{AccountID: accountID}
	if !row.IsKey(accountID) {
		return head, nil
	}
	err := s.readOf(ctx, accountID, "get audit head", func(ctx context.Context, q *query.Queries) error {
		n, err := q.GetAuditHead(ctx, accountID)
		head.Seq, head.Hash = n.Seq, n.Hash
		return err
	})
	if errors.Is(err, engine.ErrNotFound) {
		err = nil
	}
	return head, err
}

// AppendAudit implements engine.AuditStore.
func (s *Store) AppendAudit(ctx context.Context) error {
	entry, err := row.AuditOf(ctx)
	switch {
	case err != nil:
		return err
	case entry == nil:
		return errNoEntry
	}
	return s.transact(ctx, "append to the audit log", func(ctx context.Context, q *query.Queries) error {
		if _, err := q.LockRevision(ctx); err != nil {
			return err
		}
		return appendAudit(ctx, q, entry)
	})
}

// appendAudit appends the entry, if there is one, to its account's chain. The transaction
// holds the row lock of the revision, which every writer of configuration takes first
// (RaiseRevision, or LockRevision where nothing changes): there is one at a time, for all
// accounts, and this reads the chain after the one before it has committed, since under
// "read committed" each statement sees what was committed when it began. Under a stricter
// default, the lock itself fails and the transaction is repeated.
func appendAudit(ctx context.Context, q *query.Queries, entry *engine.AuditEntry) error {
	if entry == nil {
		return nil
	}
	last, err := q.GetLastAudit(ctx, entry.AccountID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("find the last audit entry: %w", err)
	}
	e := row.Chain(*entry, last.Seq, last.Hash)
	err = q.AddAudit(ctx, query.AddAuditParams{
		AccountID: e.AccountID, Seq: e.Seq, At: e.At, ActorAccount: e.ActorAccount, ActorUser: e.ActorUser,
		ActorKey: e.ActorKey, ActorRole: string(e.ActorRole), RequestID: e.RequestID, Action: e.Action, Object: e.Object,
		Reason: e.Reason, Detail: detailOrNil(e.Detail), Previous: e.Previous, Hash: e.Hash,
	})
	if err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	return q.PutAuditHead(ctx, query.PutAuditHeadParams{AccountID: e.AccountID, Seq: e.Seq, Hash: e.Hash})
}

func parseAudit(n query.Audit) (engine.AuditEntry, error) {
	e := engine.AuditEntry{
		AccountID: n.AccountID, Seq: n.Seq, At: n.At.UTC(), ActorAccount: n.ActorAccount, ActorUser: n.ActorUser,
		ActorKey: n.ActorKey, ActorRole: engine.Role(n.ActorRole), RequestID: n.RequestID, Action: n.Action, Object: n.Object,
		Reason: n.Reason, Previous: n.Previous, Hash: n.Hash,
	}
	if n.Detail != nil {
		e.Detail = []byte(*n.Detail)
	}
	return e, nil
}

// detailOrNil is nil for no detail.
func detailOrNil(b []byte) *string {
	if len(b) == 0 {
		return nil
	}
	text := string(b)
	return &text
}
