package tenancy

import (
	"context"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
)

// maxReason is how many characters the reason of an override may have.
const maxReason = 500

// SetOverride stores the super admin's override of a tenant's settings, in place of the one
// before. Of want the members and Reason count, which must not be empty.
// Errors: CodeNotFound, CodeForbidden for everybody else, CodeInvalid with the member at fault.
func (s *Preferences) SetOverride(ctx context.Context, p engine.Principal, t engine.Tenant, want engine.Preferences) (out engine.TenantPreferences, err error) {
	err = s.override(ctx, p, t, func(rows []engine.Preferences, old engine.Preferences, now time.Time) error {
		row := want
		row.Tenant, row.Override, row.Locked = t, true, nil
		row.Reason = strings.TrimSpace(row.Reason)
		s.stamped(&row, old, p, now)
		if err := s.checkOverride(&old, &row); err != nil {
			return err
		}
		out = engine.TenantPreferences{Set: storedOf(rows, t).Set, Override: &row}
		ctx := because(engine.Audited(ctx, now, t.AccountID, "override.set", "override/"+objectOf(t), recorded(row)), row.Reason)
		return s.Store.PutPreferences(ctx, row, old.UpdatedAt)
	})
	return out, err
}

// RemoveOverride removes it: what is set at the levels holds again. Errors: those of SetOverride.
func (s *Preferences) RemoveOverride(ctx context.Context, p engine.Principal, t engine.Tenant) error {
	return s.override(ctx, p, t, func(_ []engine.Preferences, old engine.Preferences, now time.Time) error {
		if old.CreatedAt.IsZero() {
			return engine.Errorf(engine.CodeNotFound, "There is no override at that level.")
		}
		return s.Store.DeletePreferences(engine.Audited(ctx, now, t.AccountID, "override.remove", "override/"+objectOf(t), nil), t, true)
	})
}

// because adds the reason that was asked for to the audit entry of the context.
func because(ctx context.Context, reason string) context.Context {
	e := *engine.AuditOf(ctx)
	e.Reason = reason
	return engine.WithAudit(ctx, e)
}

func (s *Preferences) override(ctx context.Context, p engine.Principal, t engine.Tenant, write func(rows []engine.Preferences, old engine.Preferences, now time.Time) error) error {
	return s.alter(ctx, p, t, time.Time{}, func(_ *directory, rows []engine.Preferences, _ engine.Preferences, now time.Time) error {
		if p.Role != engine.RoleSuperAdmin {
			return forbidden("", "Only a super admin may override settings.")
		}
		old := engine.Preferences{Tenant: t}
		if o := storedOf(rows, t).Override; o != nil {
			old = *o
		}
		return write(rows, old, now)
	})
}

func (s *Preferences) checkOverride(old, row *engine.Preferences) error {
	switch {
	case row.Reason == "" || utf8.RuneCountInString(row.Reason) > maxReason || !printable(row.Reason):
		return invalid("reason", "'reason' says, in 1 to 500 characters on one line, why; those below see it.")
	case reflect.DeepEqual(recorded(*row), recorded(engine.Preferences{Tenant: row.Tenant})):
		return invalid("", "An override needs a member that it sets. DELETE removes it.")
	}
	return s.checkValues(row, changed(old, row))
}

// printable reports whether a text is valid UTF-8 on one line.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
