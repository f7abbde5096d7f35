package tenancy

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Users is the management of users: an account admin's in its account, a team lead's of
// plain users in its team; everybody renames itself. Safe for concurrent use.
type Users struct{ *Keys }

// NewUsers returns the users of the keys' store.
func NewUsers(k *Keys) *Users { return &Users{k} }

// recordedUser is a user as the audit log has it.
type recordedUser struct {
	ID          string      `json:"id"`
	TeamID      string      `json:"team_id,omitempty"`
	Name        string      `json:"name"`
	Role        engine.Role `json:"role"`
	SuspendedAt *time.Time  `json:"suspended_at,omitempty"`
	DeletedAt   *time.Time  `json:"deleted_at,omitempty"`
}

func (s *Users) audited(ctx context.Context, now time.Time, verb string, u engine.User) context.Context {
	return engine.Audited(ctx, now, u.AccountID, "user."+verb, "user/"+u.ID,
		recordedUser{u.ID, u.TeamID, u.Name, u.Role, at(u.SuspendedAt), at(u.DeletedAt)})
}

// ListUsers returns users that the principal manages, and where to go on, "" at the end.
func (s *Users) ListUsers(ctx context.Context, p engine.Principal, f engine.TenantFilter, page engine.Page) ([]engine.User, string, error) {
	if !within(p, &f) {
		return nil, "", nil
	}
	d, err := s.read(ctx)
	if err != nil {
		return nil, "", err
	}
	return collect(page, func(page engine.Page) ([]engine.User, error) { return s.store.PageUsers(ctx, f, page) },
		func(u engine.User) string { return u.AccountID + "/" + u.ID },
		func(u engine.User) bool { return (f.Inactive || d.living(u.AccountID)) && manages(p, u) })
}

// GetUser returns one user. Errors: CodeNotFound, also for one that the principal does not manage.
func (s *Users) GetUser(ctx context.Context, p engine.Principal, account, id string) (engine.User, error) {
	d, err := s.read(ctx)
	if err != nil {
		return engine.User{}, err
	}
	return d.user(p, account, id)
}

// CreateUser makes a user of AccountID, ID (empty: made of the name), Name, Role (empty: user)
// and TeamID (empty: none, from a team lead its own). Errors: CodeNotFound for another's
// account or a team that is not there, CodeForbidden for a role or team that is not the
// principal's to give, CodeInvalid, CodeConflict when the id is taken or was once.
func (s *Users) CreateUser(ctx context.Context, p engine.Principal, want engine.User) (row engine.User, err error) {
	if p.Role.Rank() < engine.RoleTeamLead.Rank() {
		return row, forbidden("", "Only a team lead or an administrator may make users.")
	}
	row = engine.User{AccountID: want.AccountID, TeamID: want.TeamID, Name: want.Name, Role: want.Role}
	if row.Role == "" {
		row.Role = engine.RoleUser
	}
	if row.TeamID == "" && p.Role == engine.RoleTeamLead {
		row.TeamID = p.TeamID
	}
	if err := checkName(want.Name); err != nil {
		return row, err
	}
	if row.ID, err = newID(want.ID, want.Name); err != nil {
		return row, err
	}
	return row, s.change(ctx, func(now time.Time) error {
		d, err := s.read(ctx)
		if err != nil {
			return err
		}
		if _, err := d.account(p, row.AccountID); err != nil {
			return err
		}
		if err := grantsRole(p, row.Role); err != nil {
			return err
		}
		if err := d.grantsTeam(p, row.AccountID, row.TeamID); err != nil {
			return err
		}
		if d.rows(row.AccountID).users.Len() >= MaxUsers {
			return engine.Errorf(engine.CodeConflict, "An account may have %d users, deleted ones too.", MaxUsers)
		}
		row.CreatedAt, row.UpdatedAt = now, now
		return taken(s.store.CreateUser(s.audited(ctx, now, "create", row), row), "user", row.ID)
	})
}

// ChangeUser applies edit, maybe more than once, to the row as it is stored. Name, Role,
// TeamID, and whether SuspendedAt is zero, count as far as the principal may change them:
// see mayChange. was and the errors are those of ChangeAccount.
func (s *Users) ChangeUser(ctx context.Context, p engine.Principal, account, id string, was time.Time, edit func(*engine.User)) (row engine.User, err error) {
	err = s.alter(ctx, p, account, id, was, "update", func(d *directory, u *engine.User, now time.Time) error {
		old := *u
		edit(u)
		*u = engine.User{
			AccountID: old.AccountID, ID: old.ID, TeamID: u.TeamID, Name: u.Name, Role: u.Role,
			CreatedAt: old.CreatedAt, SuspendedAt: since(old.SuspendedAt, u.SuspendedAt, now),
		}
		if err := checkName(u.Name); err != nil {
			return err
		}
		return d.mayChange(p, old, *u)
	}, &row)
	return row, err
}

// mayChange is which members of a user a principal changes: an administrator all of those
// it manages; a team lead name and suspension of plain users of its team; everybody its own name.
func (d *directory) mayChange(p engine.Principal, old, row engine.User) error {
	if p.Role.Rank() < engine.RoleAccountAdmin.Rank() {
		own := old.AccountID == p.AccountID && old.ID == p.UserID
		lead := p.Role == engine.RoleTeamLead && old.Role == engine.RoleUser
		switch {
		case !own && !lead:
			return forbidden("", "This key may not change that user.")
		case row.Role != old.Role:
			return forbidden("role", "This key may not change the role of that user.")
		case row.TeamID != old.TeamID:
			return forbidden("team_id", "This key may not move that user to another team.")
		case !row.SuspendedAt.Equal(old.SuspendedAt) && !lead:
			return forbidden("suspended", "This key may not suspend that user.")
		}
		return nil
	}
	if row.Role != old.Role {
		if err := grantsRole(p, row.Role); err != nil {
			return err
		}
	}
	if row.TeamID != old.TeamID {
		return d.grantsTeam(p, row.AccountID, row.TeamID)
	}
	return nil
}

// DeleteUser takes a user and its keys out of force for good. Errors: those of ChangeAccount.
func (s *Users) DeleteUser(ctx context.Context, p engine.Principal, account, id string, was time.Time) error {
	var row engine.User
	return s.alter(ctx, p, account, id, was, "delete", func(_ *directory, u *engine.User, now time.Time) error {
		if p.Role.Rank() < engine.RoleAccountAdmin.Rank() && (p.Role != engine.RoleTeamLead || u.Role != engine.RoleUser) {
			return forbidden("", "This key may not delete that user.")
		}
		u.DeletedAt = now
		return nil
	}, &row)
}

// alter is one change of a stored user; change says how, and why not.
func (s *Users) alter(ctx context.Context, p engine.Principal, account, id string, was time.Time, verb string, change func(*directory, *engine.User, time.Time) error, row *engine.User) error {
	err := s.change(ctx, func(now time.Time) error {
		return again(was, func() error {
			d, err := s.read(ctx)
			if err != nil {
				return err
			}
			old, err := d.user(p, account, id)
			if err != nil {
				return err
			}
			*row = old
			if err := change(d, row, now); err != nil {
				return err
			}
			if err := d.lockedOut(p, d.with(*row), account, now); err != nil {
				return err
			}
			row.UpdatedAt = stamp(now, old.UpdatedAt)
			return s.store.UpdateUser(s.audited(ctx, now, verb, *row), *row, seen(was, old.UpdatedAt))
		})
	})
	return overtaken(err, "user", id)
}
