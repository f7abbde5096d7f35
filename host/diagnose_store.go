package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// DiagnoseStore opens the database as it is, changing nothing, and says whether accounts'
// rows are kept apart and whether the audit log was tampered with, a line each, without
// secrets. The error is what a person must look into.
func DiagnoseStore(ctx context.Context, cfg Config) ([]string, error) {
	if cfg.DatabaseURL == "" {
		if _, err := os.Stat(filepath.Join(cfg.DataDir, "pointsman.db")); errors.Is(err, fs.ErrNotExist) {
			return []string{"audit      nothing yet: the first start makes the database"}, nil
		}
	}
	s, err := store.Open(ctx, cfg.databaseURL(), store.Options{NoMigrate: true})
	switch {
	case errors.Is(err, store.ErrInUse):
		return []string{"audit      not checked, since " + err.Error() + ". While it runs, GET /api/v1/audit/verify checks it"}, nil
	case errors.Is(err, store.ErrBehind):
		return []string{"audit      not checked: " + err.Error()}, nil
	case err != nil:
		return nil, fmt.Errorf("open store: %w", err)
	}
	defer s.Close()
	var findings []string
	if stands, advice := store.RowSecurity(s); stands {
		findings = append(findings, "rows       each account's are protected by the database")
	} else if advice != "" {
		findings = append(findings, "rows       not protected by the database: "+advice)
	}
	finding, err := diagnoseAudit(ctx, s)
	return append(findings, finding), err
}

// diagnoseAudit checks every chain of the audit log.
func diagnoseAudit(ctx context.Context, s engine.AuditStore) (finding string, err error) {
	accounts, err := s.AuditedAccounts(ctx)
	if err != nil {
		return "audit      cannot be read", err
	}
	var broken []error
	entries := int64(0)
	for _, account := range accounts {
		holds, err := engine.CheckAudit(ctx, s, account)
		entries += holds
		if b := (*engine.AuditBreak)(nil); errors.As(err, &b) {
			name := "account_id=" + account
			if account == "" {
				name = "global=true"
			}
			err = fmt.Errorf("%w; keep the database as evidence, and compare it from there on with a backup or an earlier export (GET /api/v1/audit/export?%s&after=%d)", err, name, b.Seq-1)
		}
		if err != nil {
			broken = append(broken, err)
		}
	}
	if len(broken) > 0 {
		return fmt.Sprintf("audit      %d of %d chains are broken", len(broken), len(accounts)), errors.Join(broken...)
	}
	return fmt.Sprintf("audit      %d entries of %d accounts, every chain holds", entries, len(accounts)), nil
}
