package tenancy

import (
	"crypto/sha256"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/trie"
)

// rowKey names a team, a user or a key.
type rowKey struct{ account, id string }

// directory is every account, team, user and key as they are stored, deleted ones too, and what
// Authenticate finds in them. It never changes; with returns a changed one, which shares the rest.
type directory struct {
	mark     engine.Mark // what is stored, as of then or later
	load     uint64      // number of the load that made it
	accounts trie.Map[string, *accountRows]
	supers   trie.Map[string, struct{}] // accounts that have, or had, a super admin
	held     trie.Map[[sha256.Size]byte, *held]
}

// accountRows are the rows of an account.
type accountRows struct {
	account engine.Account
	stored  bool // the account itself is
	teams   trie.Map[string, engine.Team]
	users   trie.Map[string, engine.User]
	keys    trie.Map[string, engine.Key]
	owned   trie.Map[string, []string] // ids of each user's keys
}

var noRows = &accountRows{}

func (d *directory) rows(account string) *accountRows {
	if m, ok := d.accounts.Get(account); ok {
		return m
	}
	return noRows
}

func (d *directory) accountRow(id string) (engine.Account, bool) {
	m := d.rows(id)
	return m.account, m.stored
}

func (d *directory) teamRow(account, id string) (engine.Team, bool) {
	return d.rows(account).teams.Get(id)
}

// userRow returns the zero user when there is none.
func (d *directory) userRow(account, id string) (engine.User, bool) {
	return d.rows(account).users.Get(id)
}

func (d *directory) keyRow(account, id string) (engine.Key, bool) {
	return d.rows(account).keys.Get(id)
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
	account, ok := d.accountRow(u.AccountID)
	team, _ := d.teamRow(u.AccountID, u.TeamID)
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

func (d *directory) owner(k engine.Key) engine.User {
	u, _ := d.userRow(k.AccountID, k.UserID)
	return u
}

// account returns an account that the principal sees. Errors: CodeNotFound.
func (d *directory) account(p engine.Principal, id string) (engine.Account, error) {
	a, ok := d.accountRow(id)
	if !ok || !a.DeletedAt.IsZero() || !sees(p, id) {
		return engine.Account{}, notFound("account", id)
	}
	return a, nil
}

// team returns a team that the principal manages: of its account, or its own for a lead.
func (d *directory) team(p engine.Principal, account, id string) (engine.Team, error) {
	t, ok := d.teamRow(account, id)
	if _, err := d.account(p, account); err != nil || !ok || !t.DeletedAt.IsZero() || !managesTeam(p, account, id) {
		return engine.Team{}, notFound("team", id)
	}
	return t, nil
}

// user returns a user that the principal manages. Errors: CodeNotFound.
func (d *directory) user(p engine.Principal, account, id string) (engine.User, error) {
	u, ok := d.userRow(account, id)
	if _, err := d.account(p, account); err != nil || !ok || !u.DeletedAt.IsZero() || !manages(p, u) {
		return engine.User{}, notFound("user", id)
	}
	return u, nil
}

// key returns a key that the principal manages; an empty account finds it in any one, in the
// first by name when two have it. Errors: CodeNotFound.
func (d *directory) key(p engine.Principal, account, id string) (engine.Key, error) {
	if account != "" {
		return d.keyOf(p, account, id)
	}
	found, err := engine.Key{}, error(notFound("key", id))
	for name, m := range d.accounts.All() {
		if _, ok := m.keys.Get(id); !ok || err == nil && found.AccountID < name {
			continue
		}
		if key, none := d.keyOf(p, name, id); none == nil {
			found, err = key, nil
		}
	}
	return found, err
}

func (d *directory) keyOf(p engine.Principal, account, id string) (engine.Key, error) {
	key, ok := d.keyRow(account, id)
	u, owned := d.userRow(account, key.UserID)
	if _, err := d.account(p, account); err != nil || !ok || !owned || !manages(p, u) {
		return engine.Key{}, notFound("key", id)
	}
	return key, nil
}

func notFound(noun, id string) *engine.Error {
	if len(id) > maxID {
		id = id[:maxID]
	}
	return engine.Errorf(engine.CodeNotFound, "There is no %s %q. GET /api/v1/%ss lists them.", noun, id, noun)
}

// superAdmins counts those who can let others in: active super admins, and their keys that
// are usable at now and may write.
func (d *directory) superAdmins(now time.Time) (users, keys int) {
	for account := range d.supers.All() {
		m := d.rows(account)
		for _, u := range m.users.All() {
			if u.Role == engine.RoleSuperAdmin && d.standing(u) == active {
				users++
			}
		}
		for _, key := range m.keys.All() {
			u := d.owner(key)
			if u.Role.Lower(key.Role) == engine.RoleSuperAdmin && d.standing(u) == active && usable(key, now) && key.Scopes.Has(writing) {
				keys++
			}
		}
	}
	return users, keys
}

// accountAdmins counts the account's own administrators that are not suspended or deleted.
func (d *directory) accountAdmins(account string) (n int) {
	m := d.rows(account)
	for _, u := range m.users.All() {
		team, _ := m.teams.Get(u.TeamID)
		if u.Role == engine.RoleAccountAdmin && u.SuspendedAt.IsZero() && u.DeletedAt.IsZero() && team.DeletedAt.IsZero() {
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
