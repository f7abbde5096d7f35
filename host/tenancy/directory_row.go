package tenancy

import (
	"crypto/sha256"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// with returns the directory as it would be with that row: an engine.Account, Team, User or Key.
func (d *directory) with(row any) *directory {
	next := *d
	switch row := row.(type) {
	case engine.Account:
		next.putAccount(row)
	case engine.Team:
		next.putTeam(row)
	case engine.User:
		next.putUser(row)
	case engine.Key:
		next.putKey(row)
	}
	return &next
}

// edit changes a copy of the account's rows, before the directory is anybody else's.
func (d *directory) edit(account string, change func(*accountRows)) {
	m := *d.rows(account)
	change(&m)
	d.accounts = d.accounts.With(account, &m)
}

func (d *directory) putAccount(row engine.Account) {
	was, _ := d.accountRow(row.ID)
	d.edit(row.ID, func(m *accountRows) { m.account, m.stored = row, true })
	if !was.DeletedAt.Equal(row.DeletedAt) || !was.SuspendedAt.Equal(row.SuspendedAt) {
		d.holdAll(row.ID)
	}
}

func (d *directory) putTeam(row engine.Team) {
	was, _ := d.teamRow(row.AccountID, row.ID)
	d.edit(row.AccountID, func(m *accountRows) { m.teams = m.teams.With(row.ID, row) })
	if !was.DeletedAt.Equal(row.DeletedAt) {
		d.holdAll(row.AccountID)
	}
}

func (d *directory) putUser(row engine.User) {
	d.edit(row.AccountID, func(m *accountRows) { m.users = m.users.With(row.ID, row) })
	if row.Role == engine.RoleSuperAdmin {
		d.supers = d.supers.With(row.AccountID, struct{}{})
	}
	m := d.rows(row.AccountID)
	ids, _ := m.owned.Get(row.ID)
	for _, id := range ids {
		key, _ := m.keys.Get(id)
		d.hold(key)
	}
}

func (d *directory) putKey(row engine.Key) {
	d.edit(row.AccountID, func(m *accountRows) {
		if _, stored := m.keys.Get(row.ID); !stored {
			ids, _ := m.owned.Get(row.UserID)
			m.owned = m.owned.With(row.UserID, append(slices.Clip(ids), row.ID))
		}
		m.keys = m.keys.With(row.ID, row)
	})
	d.hold(row)
}

// holdAll holds every key of an account.
func (d *directory) holdAll(account string) {
	for _, key := range d.rows(account).keys.All() {
		d.hold(key)
	}
}

// hold makes Authenticate find a key as it is, and its user, by now. A key without an owner, or
// whose digest is not one, is nobody's.
func (d *directory) hold(key engine.Key) {
	if len(key.Digest) != sha256.Size {
		return
	}
	digest := [sha256.Size]byte(key.Digest)
	owner := d.owner(key)
	standing := d.standing(owner)
	if standing == gone {
		d.held = d.held.Without(digest)
		return
	}
	d.held = d.held.With(digest, &held{
		digest: digest, expires: key.ExpiresAt, revoked: key.RevokedAt, refusal: refusals[standing],
		principal: engine.Principal{
			AccountID: key.AccountID, TeamID: owner.TeamID, UserID: owner.ID,
			KeyID: key.ID, KeyName: key.Name, Role: owner.Role.Lower(key.Role), Scopes: key.Scopes,
		},
	})
}
