package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// read returns the directory as it is stored when it is called, or later. Of what is known already
// only the rows that were written since are read. It is not one moment of the database: what is
// written meanwhile brings another load.
//
// See RATIONALE.md, "Why is the directory kept?".
func (k *Keys) read(ctx context.Context) (*directory, error) {
	// Whoever asks: what is kept is every account's.
	ctx = engine.WithActor(ctx, engine.Actor{})
	number := k.loads.Add(1)
	old := k.snapshot.Load()
	var since engine.Mark
	if old != nil {
		since = old.mark
	}
	// Read before the rows: a write in between is then read again, not missed.
	changes, err := k.store.Changes(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	if old != nil && changes.Now == old.mark {
		copied := *old // not marked as known: an older release wrote last, which says nothing of what
		copied.load = number
		return &copied, nil
	}
	if old != nil && changes.Known {
		next, ok, err := k.catchUp(ctx, old, changes)
		if err != nil {
			return nil, err
		}
		if ok {
			next.mark, next.load = changes.Now, number
			return next, nil
		}
	}
	next, err := k.readAll(ctx)
	if err != nil {
		return nil, err
	}
	next.mark, next.load = changes.Now, number
	return next, nil
}

// catchUp reads the rows that were changed. !ok: what was is not said.
func (k *Keys) catchUp(ctx context.Context, old *directory, changes engine.Changes) (next *directory, ok bool, err error) {
	copied := *old
	next = &copied
	done := map[rowKey]bool{}
	for _, c := range changes.List {
		row := rowKey{c.AccountID, c.ID}
		if c.Area != engine.AreaTenants || done[row] {
			continue
		}
		done[row] = true
		noun, id, _ := strings.Cut(c.ID, "/")
		switch noun {
		case "account":
			err = one(next.putAccount)(k.store.GetAccount(ctx, id))
		case "team":
			err = one(next.putTeam)(k.store.GetTeam(ctx, c.AccountID, id))
		case "user":
			err = one(next.putUser)(k.store.GetUser(ctx, c.AccountID, id))
		case "key":
			err = k.readKey(ctx, next, c.AccountID, id)
		default:
			return nil, false, nil
		}
		if errors.Is(err, engine.ErrNotFound) {
			return nil, false, nil // somebody deleted rows by hand
		}
		if err != nil {
			return nil, false, fmt.Errorf("read %s: %w", c.ID, err)
		}
	}
	return next, true, nil
}

// one puts the row that was read.
func one[T any](put func(T)) func(T, error) error {
	return func(row T, err error) error {
		if err == nil {
			put(row)
		}
		return err
	}
}

// readKey reads a key, and the one that took its place in the same write.
func (k *Keys) readKey(ctx context.Context, d *directory, account, id string) error {
	key, err := k.store.GetKey(ctx, account, id)
	if err != nil {
		return err
	}
	d.putKey(key)
	if _, known := d.keyRow(account, key.RotatedTo); known || key.RotatedTo == "" {
		return nil
	}
	next, err := k.store.GetKey(ctx, account, key.RotatedTo)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err == nil {
		d.putKey(next)
	}
	return err
}

// readAll reads every row.
func (k *Keys) readAll(ctx context.Context) (*directory, error) {
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
	d := &directory{}
	for _, a := range accounts {
		d.putAccount(a)
	}
	for _, t := range teams {
		d.putTeam(t)
	}
	for _, u := range users {
		d.putUser(u)
	}
	for _, key := range keys {
		d.putKey(key)
	}
	return d, nil
}
