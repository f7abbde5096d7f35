package tenancy

import (
	"context"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// rowKey names a team or a user.
type rowKey struct{ account, id string }

// directory is every account, team, user and key as they are stored, deleted ones too.
// Read only once it is made; with returns a changed one.
type directory struct {
	accounts map[string]engine.Account
	teams    map[rowKey]engine.Team
	users    map[rowKey]engine.User
	keys     []engine.Key
}

// read reads the directory. It is not one moment of the database: what is written between
// the lists brings another load.
func (k *Keys) read(ctx context.Context) (*directory, error) {
	accounts, err := k.store.ListAccounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	teams, err := k.store.ListTeams(ctx)
	if err != nil {
		return nil, fmt.Errorf("list teams: %w", err)
	}
	users, err := k.store.ListUsers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	keys, err := k.store.ListKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	d := &directory{
		accounts: make(map[string]engine.Account, len(accounts)), teams: make(map[rowKey]engine.Team, len(teams)),
		users: make(map[rowKey]engine.User, len(users)), keys: keys,
	}
	for _, a := range accounts {
		d.accounts[a.ID] = a
	}
	for _, t := range teams {
		d.teams[rowKey{t.AccountID, t.ID}] = t
	}
	for _, u := range users {
		d.users[rowKey{u.AccountID, u.ID}] = u
	}
	return d, nil
}

// standing is whether a tenant's keys are in force.
type standing uint8

const (
	gone standing = iota // deleted, or never there
	accountSuspended
	userSuspended
	active
)

// standing says whether keys of that user are in force. A user of a deleted team has none
// until it is moved to another one. A team that was never stored is no reason against it.
func (d *directory) standing(u engine.User) standing {
	account, ok := d.accounts[u.AccountID]
	team := d.teams[rowKey{u.AccountID, u.TeamID}]
	switch {
	case !ok, !account.DeletedAt.IsZero(), !u.DeletedAt.IsZero(), !team.DeletedAt.IsZero():
		return gone
	case !account.SuspendedAt.IsZero():
		return accountSuspended
	case !u.SuspendedAt.IsZero():
		return userSuspended
	}
	return active
}

func (d *directory) owner(k engine.Key) engine.User { return d.users[rowKey{k.AccountID, k.UserID}] }

// account returns an account that the principal sees. Errors: CodeNotFound.
func (d *directory) account(p engine.Principal, id string) (engine.Account, error) {
	a, ok := d.accounts[id]
	if !ok || !a.DeletedAt.IsZero() || !sees(p, id) {
		return engine.Account{}, notFound("account", id)
	}
	return a, nil
}

// team returns a team that the principal manages: of its account, or its own for a lead.
func (d *directory) team(p engine.Principal, account, id string) (engine.Team, error) {
	t, ok := d.teams[rowKey{account, id}]
	if _, err := d.account(p, account); err != nil || !ok || !t.DeletedAt.IsZero() || !managesTeam(p, account, id) {
		return engine.Team{}, notFound("team", id)
	}
	return t, nil
}

// user returns a user that the principal manages. Errors: CodeNotFound.
func (d *directory) user(p engine.Principal, account, id string) (engine.User, error) {
	u, ok := d.users[rowKey{account, id}]
	if _, err := d.account(p, account); err != nil || !ok || !u.DeletedAt.IsZero() || !manages(p, u) {
		return engine.User{}, notFound("user", id)
	}
	return u, nil
}

// key returns a key that the principal manages; an empty account finds it in any one.
// Errors: CodeNotFound.
func (d *directory) key(p engine.Principal, account, id string) (engine.Key, error) {
	for _, key := range d.keys {
		if key.ID != id || account != "" && key.AccountID != account {
			continue
		}
		u, ok := d.users[rowKey{key.AccountID, key.UserID}]
		if _, err := d.account(p, key.AccountID); err == nil && ok && manages(p, u) {
			return key, nil
		}
	}
	return engine.Key{}, notFound("key", id)
}

func notFound(noun, id string) *engine.Error {
	if len(id) > maxID {
		id = id[:maxID]
	}
	return engine.Errorf(engine.CodeNotFound, "There is no %s %q. GET /api/v1/%ss lists them.", noun, id, noun)
}

// with returns the directory as it would be with that row: an engine.Account, Team, User or Key.
func (d *directory) with(row any) *directory {
	next := *d
	switch row := row.(type) {
	case engine.Account:
		next.accounts = replaced(d.accounts, row.ID, row)
	case engine.Team:
		next.teams = replaced(d.teams, rowKey{row.AccountID, row.ID}, row)
	case engine.User:
		next.users = replaced(d.users, rowKey{row.AccountID, row.ID}, row)
	case engine.Key:
		next.keys = append([]engine.Key{row}, d.keys...)
		for i := 1; i < len(next.keys); i++ {
			if next.keys[i].AccountID == row.AccountID && next.keys[i].ID == row.ID {
				next.keys[i] = row
				next.keys = next.keys[1:]
				break
			}
		}
	}
	return &next
}

func replaced[K comparable, V any](rows map[K]V, key K, row V) map[K]V {
	next := make(map[K]V, len(rows)+1)
	for k, v := range rows {
		next[k] = v
	}
	next[key] = row
	return next
}

// superAdmins counts those who can let others in: active super admins, and their keys that
// are usable at now and may write.
func (d *directory) superAdmins(now time.Time) (users, keys int) {
	for _, u := range d.users {
		if u.Role == engine.RoleSuperAdmin && d.standing(u) == active {
			users++
		}
	}
	for _, key := range d.keys {
		u := d.owner(key)
		if u.Role.Lower(key.Role) == engine.RoleSuperAdmin && d.standing(u) == active && usable(key, now) && key.Scopes.Has(writing) {
			keys++
		}
	}
	return users, keys
}

// accountAdmins counts the account's own administrators that are not suspended or deleted.
func (d *directory) accountAdmins(account string) (n int) {
	for _, u := range d.users {
		team := d.teams[rowKey{u.AccountID, u.TeamID}]
		if u.AccountID == account && u.Role == engine.RoleAccountAdmin && u.SuspendedAt.IsZero() && u.DeletedAt.IsZero() && team.DeletedAt.IsZero() {
			n++
		}
	}
	return n
}

// lockedOut says why a change must not be: after it nobody could undo it. account is whose
// row changes. See RATIONALE.md, "What counts as locking out?".
func (d *directory) lockedOut(p engine.Principal, next *directory, account string, now time.Time) error {
	users, keys := d.superAdmins(now)
	usersAfter, keysAfter := next.superAdmins(now)
	switch {
	case users > 0 && usersAfter == 0:
		return engine.Errorf(engine.CodeConflict, "This would leave no super admin. Make another one first.")
	case keys > 0 && keysAfter == 0:
		return engine.Errorf(engine.CodeConflict, "This is the last key of a super admin. Create another one first.")
	case p.Role != engine.RoleSuperAdmin && d.accountAdmins(account) > 0 && next.accountAdmins(account) == 0:
		return engine.Errorf(engine.CodeConflict, "This would leave the account without an administrator. Make another one first.")
	}
	return nil
}
