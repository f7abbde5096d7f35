package tenancy

import (
	"context"
	"errors"

	"github.com/pointsman/pointsman/engine"
)

// AuditLog shows the audit log: an account's to its admins, any account's and that of global
// rows ("") to a super admin. Safe for concurrent use.
type AuditLog struct {
	store     engine.AuditStore
	verifying chan struct{} // 1 slot: a verification reads a whole chain
}

// NewAuditLog returns the log over a store.
func NewAuditLog(store engine.AuditStore) *AuditLog {
	return &AuditLog{store: store, verifying: make(chan struct{}, 1)}
}

// ListAudit returns entries, newest first. Errors: CodeForbidden, CodeNotFound for another account.
func (l *AuditLog) ListAudit(ctx context.Context, p engine.Principal, f engine.AuditFilter) ([]engine.AuditEntry, error) {
	if err := mayAudit(p, f.AccountID); err != nil {
		return nil, err
	}
	return l.store.ListAudit(ctx, f)
}

// ReadAudit returns entries after a Seq, oldest first, at most limit (1–1,000).
// Errors: as ListAudit.
func (l *AuditLog) ReadAudit(ctx context.Context, p engine.Principal, accountID string, after int64, limit int) ([]engine.AuditEntry, error) {
	if err := mayAudit(p, accountID); err != nil {
		return nil, err
	}
	return l.store.ReadAudit(ctx, accountID, after, limit)
}

// VerifyAudit reads an account's whole chain and returns how many entries hold; broken is
// the first place where it does not, nil when all of them do. One runs at a time.
// Errors: as ListAudit.
func (l *AuditLog) VerifyAudit(ctx context.Context, p engine.Principal, accountID string) (holds int64, broken *engine.AuditBreak, err error) {
	if err := mayAudit(p, accountID); err != nil {
		return 0, nil, err
	}
	select {
	case l.verifying <- struct{}{}:
		defer func() { <-l.verifying }()
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
	holds, err = engine.CheckAudit(ctx, l.store, accountID)
	if errors.As(err, &broken) {
		return holds, broken, nil
	}
	return holds, nil, err
}

func mayAudit(p engine.Principal, accountID string) error {
	switch {
	case p.Role == engine.RoleSuperAdmin:
		return nil
	case !sees(p, accountID):
		return notFound("account", accountID)
	case p.Role != engine.RoleAccountAdmin:
		return engine.Errorf(engine.CodeForbidden, "Only an account's admins may read its audit log.")
	}
	return nil
}
