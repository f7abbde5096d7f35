package row

import (
	"crypto/rand"

	"github.com/pointsman/pointsman/engine"
)

const (
	// KeptChanges is how many of the newest changes are kept at least.
	KeptChanges = 1000
	// DropChangesEvery is with which writes older ones are forgotten.
	DropChangesEvery = 100
	// MaxChanges is how many are read at most: who is further behind reads everything.
	MaxChanges = 256
)

// Changed is what a write changes; an empty id is any row of the account in that area.
func Changed(area engine.Area, accountID, id string) engine.Change {
	return engine.Change{Area: area, AccountID: accountID, ID: id}
}

// NewWrite names a write apart from all others.
func NewWrite() string { return rand.Text() }

// ChangesFrom is the first revision whose change is to be read by who has since, when revision is
// the one stored.
func ChangesFrom(since engine.Mark, revision int64) int64 {
	if since.Write == "" || since.Revision > revision || revision-since.Revision >= MaxChanges {
		return revision
	}
	return since.Revision
}

// ChangesSince puts together what is known of the writes after since, from the rows from
// [ChangesFrom] to revision. All of them must be there, and the first be the write that since was.
func ChangesSince(since engine.Mark, revision int64, rows []engine.Change) engine.Changes {
	c := engine.Changes{Now: engine.Mark{Revision: revision}}
	if n := len(rows); n > 0 && rows[n-1].Revision == revision {
		c.Now.Write = rows[n-1].Write
	}
	if since.Write == "" || since.Revision > revision || int64(len(rows)) != revision-since.Revision+1 || rows[0].Mark != since {
		return c
	}
	for i, r := range rows {
		if r.Revision != since.Revision+int64(i) || r.Area == "" {
			return c
		}
	}
	c.Known, c.List = true, rows[1:]
	return c
}
