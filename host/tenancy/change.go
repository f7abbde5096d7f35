package tenancy

import (
	"context"
	"errors"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// change runs a change alone in this process; what it wrote is in force when it returns.
// now is the time of the change, by the millisecond.
func (k *Keys) change(ctx context.Context, run func(now time.Time) error) error {
	if len(k.pepper) < minPepper {
		return errPepper
	}
	select {
	case k.changing <- struct{}{}:
		defer func() { <-k.changing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := run(k.now().UTC().Truncate(time.Millisecond)); err != nil {
		return err
	}
	return k.Load(ctx)
}

// maxTries bounds how often a change is made again that another process overtook.
const maxTries = 5

// again runs an attempt until no other process has overtaken it. was is what the caller
// has seen of the row: then being overtaken is a conflict that the caller must see.
func again(was time.Time, attempt func() error) error {
	for n := 1; ; n++ {
		err := attempt()
		if !errors.Is(err, engine.ErrConflict) || !was.IsZero() || n == maxTries {
			return err
		}
	}
}

// seen is the version that a write must find.
func seen(was, stored time.Time) time.Time {
	if was.IsZero() {
		return stored
	}
	return was
}

// overtaken is what a caller is told of a store's sentinel.
func overtaken(err error, noun, id string) error {
	switch {
	case errors.Is(err, engine.ErrConflict):
		return engine.Errorf(engine.CodeConflict, "The %s '%s' was changed meanwhile. Read it again.", noun, id)
	case errors.Is(err, engine.ErrNotFound):
		return notFound(noun, id)
	}
	return err
}

const (
	defaultPage = 50
	maxPage     = 200
	// maxReads bounds how many pages are read for one that is shown, when most of their rows
	// are not: a page may be short, or empty, and say where to go on.
	maxReads = 10
)

// collect fills a page with the rows that are to be seen. next is the place of the last row
// that was looked at, "" when there are no more.
func collect[T any](page engine.Page, read func(engine.Page) ([]T, error), place func(T) string, seen func(T) bool) (rows []T, next string, err error) {
	if page.Limit <= 0 {
		page.Limit = defaultPage
	}
	want := min(page.Limit, maxPage)
	page.Limit = min(want+1, maxPage) // one more tells whether there are more
	for range maxReads {
		got, err := read(page)
		if err != nil {
			return nil, "", err
		}
		for i, row := range got {
			if seen(row) {
				rows = append(rows, row)
			}
			page.After = place(row)
			if len(rows) == want && (i+1 < len(got) || len(got) == page.Limit) {
				return rows, page.After, nil
			}
		}
		if len(got) < page.Limit {
			return rows, "", nil
		}
	}
	return rows, page.After, nil
}

// within narrows a filter to what the principal may see; false: that is nothing.
func within(p engine.Principal, f *engine.TenantFilter) bool {
	if p.Role == engine.RoleSuperAdmin {
		return true
	}
	if !sees(p, p.AccountID) || f.AccountID != "" && f.AccountID != p.AccountID {
		return false
	}
	f.AccountID = p.AccountID
	switch {
	case p.Role == engine.RoleAccountAdmin:
		return true
	case p.Role == engine.RoleTeamLead && p.TeamID != "":
		if f.TeamID != "" && f.TeamID != p.TeamID {
			return false
		}
		f.TeamID = p.TeamID
		return true
	}
	if f.UserID != "" && f.UserID != p.UserID || p.UserID == "" {
		return false
	}
	f.UserID = p.UserID
	return true
}
