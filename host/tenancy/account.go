package tenancy

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Accounts is the management of accounts: super admins make, suspend and delete them, an
// account admin reads and renames its own. Safe for concurrent use.
type Accounts struct{ *Keys }

// NewAccounts returns the accounts of the keys' store.
func NewAccounts(k *Keys) *Accounts { return &Accounts{k} }

// recordedAccount is an account as the audit log has it.
type recordedAccount struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	SuspendedAt *time.Time `json:"suspended_at,omitempty"`
	DeletedAt   *time.Time `json:"deleted_at,omitempty"`
}

func (s *Accounts) audited(ctx context.Context, now time.Time, verb string, a engine.Account) context.Context {
	return engine.Audited(ctx, now, a.ID, "account."+verb, "account/"+a.ID, recordedAccount{a.ID, a.Name, at(a.SuspendedAt), at(a.DeletedAt)})
}

// ListAccounts returns accounts that the principal sees, and where to go on, "" at the end.
func (s *Accounts) ListAccounts(ctx context.Context, p engine.Principal, f engine.TenantFilter, page engine.Page) ([]engine.Account, string, error) {
	if p.Role.Rank() < engine.RoleAccountAdmin.Rank() || !within(p, &f) {
		return nil, "", nil
	}
	return collect(page, func(page engine.Page) ([]engine.Account, error) { return s.store.PageAccounts(ctx, f, page) },
		func(a engine.Account) string { return a.ID },
		func(a engine.Account) bool { return sees(p, a.ID) })
}

// GetAccount returns one account. Errors: CodeNotFound, also for another one than the principal's.
func (s *Accounts) GetAccount(ctx context.Context, p engine.Principal, id string) (engine.Account, error) {
	d, err := s.read(ctx)
	if err != nil {
		return engine.Account{}, err
	}
	return d.account(p, id)
}

// CreateAccount makes an account of ID (empty: made of the name) and Name.
// Errors: CodeForbidden, CodeInvalid, CodeConflict when the id is taken or was once.
func (s *Accounts) CreateAccount(ctx context.Context, p engine.Principal, want engine.Account) (row engine.Account, err error) {
	if p.Role != engine.RoleSuperAdmin {
		return row, forbidden("", "Only a super admin may make accounts.")
	}
	if err := checkName(want.Name); err != nil {
		return row, err
	}
	row.Name = want.Name
	if row.ID, err = newID(want.ID, want.Name); err != nil {
		return row, err
	}
	return row, s.change(ctx, func(now time.Time) error {
		row.CreatedAt, row.UpdatedAt = now, now
		err := s.store.CreateAccount(s.audited(ctx, now, "create", row), row)
		return taken(err, "account", row.ID)
	})
}

// ChangeAccount applies edit, maybe more than once, to the row as it is stored. Name counts,
// and from a super admin whether SuspendedAt is zero. was is the UpdatedAt that the caller
// has seen; zero: whatever is stored. Errors: CodeNotFound, CodeForbidden, CodeInvalid;
// CodeConflict when it changed meanwhile or nobody could undo it.
func (s *Accounts) ChangeAccount(ctx context.Context, p engine.Principal, id string, was time.Time, edit func(*engine.Account)) (row engine.Account, err error) {
	err = s.alter(ctx, p, id, was, "update", func(a *engine.Account, now time.Time) error {
		old := *a
		edit(a)
		*a = engine.Account{ID: old.ID, Name: a.Name, CreatedAt: old.CreatedAt, SuspendedAt: since(old.SuspendedAt, a.SuspendedAt, now)}
		switch {
		case p.Role.Rank() < engine.RoleAccountAdmin.Rank():
			return forbidden("", "This key may not manage accounts.")
		case p.Role != engine.RoleSuperAdmin && !a.SuspendedAt.Equal(old.SuspendedAt):
			return forbidden("suspended", "Only a super admin may suspend accounts.")
		}
		return checkName(a.Name)
	}, &row)
	return row, err
}

// DeleteAccount takes an account out of force for good. Its rows are kept.
// Errors: as ChangeAccount.
func (s *Accounts) DeleteAccount(ctx context.Context, p engine.Principal, id string, was time.Time) error {
	var row engine.Account
	return s.alter(ctx, p, id, was, "delete", func(a *engine.Account, now time.Time) error {
		if p.Role != engine.RoleSuperAdmin {
			return forbidden("", "Only a super admin may delete accounts.")
		}
		a.DeletedAt = now
		return nil
	}, &row)
}

// alter is one change of a stored account; change says how, and why not.
func (s *Accounts) alter(ctx context.Context, p engine.Principal, id string, was time.Time, verb string, change func(*engine.Account, time.Time) error, row *engine.Account) error {
	err := s.change(ctx, func(now time.Time) error {
		return again(was, func() error {
			d, err := s.read(ctx)
			if err != nil {
				return err
			}
			old, err := d.account(p, id)
			if err != nil {
				return err
			}
			*row = old
			if err := change(row, now); err != nil {
				return err
			}
			if err := d.lockedOut(p, d.with(*row), "", now); err != nil {
				return err
			}
			row.UpdatedAt = stamp(now, old.UpdatedAt)
			return s.store.UpdateAccount(s.audited(ctx, now, verb, *row), *row, seen(was, old.UpdatedAt))
		})
	})
	return overtaken(err, "account", id)
}

// taken says that an id cannot be had.
func taken(err error, noun, id string) error {
	if errors.Is(err, engine.ErrConflict) {
		return &engine.Error{Code: engine.CodeConflict, Param: "id", Message: "There is, or was, " + article(noun) + " '" + id + "'. Choose another id."}
	}
	return err
}

func article(noun string) string {
	if strings.HasPrefix(noun, "a") {
		return "an " + noun
	}
	return "a " + noun
}
