package tenancy

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Teams is the management of teams: an account admin's in its account; a team lead reads
// and renames its own. Safe for concurrent use.
type Teams struct{ *Keys }

// NewTeams returns the teams of the keys' store.
func NewTeams(k *Keys) *Teams { return &Teams{k} }

// recordedTeam is a team as the audit log has it.
type recordedTeam struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	DeletedAt *time.Time `json:"deleted_at,omitempty"`
}

func (s *Teams) audited(ctx context.Context, now time.Time, verb string, t engine.Team) context.Context {
	return engine.Audited(ctx, now, t.AccountID, "team."+verb, "team/"+t.ID, recordedTeam{t.ID, t.Name, at(t.DeletedAt)})
}

// ListTeams returns teams that the principal manages, and where to go on, "" at the end.
func (s *Teams) ListTeams(ctx context.Context, p engine.Principal, f engine.TenantFilter, page engine.Page) ([]engine.Team, string, error) {
	if p.Role.Rank() < engine.RoleTeamLead.Rank() || p.Role == engine.RoleTeamLead && p.TeamID == "" || !within(p, &f) {
		return nil, "", nil
	}
	d, err := s.read(ctx)
	if err != nil {
		return nil, "", err
	}
	return collect(page, func(page engine.Page) ([]engine.Team, error) { return s.store.PageTeams(ctx, f, page) },
		func(t engine.Team) string { return t.AccountID + "/" + t.ID },
		func(t engine.Team) bool {
			return (f.Inactive || d.living(t.AccountID)) && managesTeam(p, t.AccountID, t.ID)
		})
}

// living reports whether the account is there and not deleted.
func (d *directory) living(account string) bool {
	a, ok := d.accountRow(account)
	return ok && a.DeletedAt.IsZero()
}

// GetTeam returns one team. Errors: CodeNotFound, also for one that the principal does not manage.
func (s *Teams) GetTeam(ctx context.Context, p engine.Principal, account, id string) (engine.Team, error) {
	d, err := s.read(ctx)
	if err != nil {
		return engine.Team{}, err
	}
	return d.team(p, account, id)
}

// CreateTeam makes a team of AccountID, ID (empty: made of the name) and Name.
// Errors: CodeNotFound for another's account, CodeForbidden, CodeInvalid, CodeConflict.
func (s *Teams) CreateTeam(ctx context.Context, p engine.Principal, want engine.Team) (row engine.Team, err error) {
	if p.Role.Rank() < engine.RoleAccountAdmin.Rank() {
		return row, forbidden("", "Only an account admin may make teams.")
	}
	row.AccountID, row.Name = want.AccountID, want.Name
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
		if d.rows(row.AccountID).teams.Len() >= MaxTeams {
			return engine.Errorf(engine.CodeConflict, "An account may have %d teams, deleted ones too.", MaxTeams)
		}
		row.CreatedAt, row.UpdatedAt = now, now
		return taken(s.store.CreateTeam(s.audited(ctx, now, "create", row), row), "team", row.ID)
	})
}

// ChangeTeam applies edit, maybe more than once, to the row as it is stored; only Name counts.
// was and the errors are those of ChangeAccount.
func (s *Teams) ChangeTeam(ctx context.Context, p engine.Principal, account, id string, was time.Time, edit func(*engine.Team)) (row engine.Team, err error) {
	err = s.alter(ctx, p, account, id, was, "update", func(t *engine.Team, _ time.Time) error {
		old := *t
		edit(t)
		*t = engine.Team{AccountID: old.AccountID, ID: old.ID, Name: t.Name, CreatedAt: old.CreatedAt}
		return checkName(t.Name)
	}, &row)
	return row, err
}

// DeleteTeam takes a team out of force for good, and with it its users' keys until they are
// moved to another team. Errors: those of ChangeAccount.
func (s *Teams) DeleteTeam(ctx context.Context, p engine.Principal, account, id string, was time.Time) error {
	var row engine.Team
	return s.alter(ctx, p, account, id, was, "delete", func(t *engine.Team, now time.Time) error {
		if p.Role.Rank() < engine.RoleAccountAdmin.Rank() {
			return forbidden("", "Only an account admin may delete teams.")
		}
		t.DeletedAt = now
		return nil
	}, &row)
}

// alter is one change of a stored team; change says how, and why not.
func (s *Teams) alter(ctx context.Context, p engine.Principal, account, id string, was time.Time, verb string, change func(*engine.Team, time.Time) error, row *engine.Team) error {
	err := s.change(ctx, func(now time.Time) error {
		return again(was, func() error {
			d, err := s.read(ctx)
			if err != nil {
				return err
			}
			old, err := d.team(p, account, id)
			if err != nil {
				return err
			}
			*row = old
			if err := change(row, now); err != nil {
				return err
			}
			if err := d.lockedOut(p, d.with(*row), account, now); err != nil {
				return err
			}
			row.UpdatedAt = stamp(now, old.UpdatedAt)
			return s.store.UpdateTeam(s.audited(ctx, now, verb, *row), *row, seen(was, old.UpdatedAt))
		})
	})
	return overtaken(err, "team", id)
}
