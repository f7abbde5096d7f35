package sqlite

import (
	"context"
	"slices"
	"strings"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pointsman/pointsman/host/store/row"
)

// Rows of one insert: a statement for each, so that a batch is a few of them.
var insertSizes = [...]int{64, 8, 1}

// insertion is an insert of one row as sqlc checked it, and of many.
type insertion struct {
	columns int
	texts   [len(insertSizes)]string
}

// newInsertion repeats the only group of values of a statement, which are all parameters.
func newInsertion(one string) insertion {
	head, rest, _ := strings.Cut(one, "values (")
	group, tail, _ := strings.Cut(rest, ")\n")
	n := insertion{columns: strings.Count(group, "?")}
	values := "(?" + strings.Repeat(", ?", n.columns-1) + ")"
	for i, size := range insertSizes {
		n.texts[i] = strings.Join([]string{head, "values ", values, strings.Repeat(", "+values, size-1), "\n", tail}, "")
	}
	return n
}

// insert inserts n rows, of which bind writes one's values in the order of the columns. added is
// how many of them were not there.
func (l *loader) insert(ctx context.Context, into *insertion, n int, bind func(p *parameters, i int)) (added int64, err error) {
	for at := 0; at < n; {
		if err := ctx.Err(); err != nil {
			return added, err
		}
		which := slices.IndexFunc(insertSizes[:], func(size int) bool { return size <= n-at })
		p, err := l.parameters(into.texts[which])
		if err != nil {
			return added, err
		}
		for range insertSizes[which] {
			bind(&p, at)
			at++
		}
		if err := p.run(nil); err != nil {
			return added, err
		}
		added += l.changes()
	}
	return added, nil
}

// parameters are a statement's, given to it one after the other.
type parameters struct {
	l         *loader
	statement uintptr
	last      int32 // which was given last, from 1
	result    int32 // of the first that was refused
}

// parameters begins a statement's. Those of the one before are over.
func (l *loader) parameters(text string) (parameters, error) {
	statement, err := l.statement(text)
	l.texts.reset()
	return parameters{l: l, statement: statement}, err
}

// run runs the statement as loader.step does.
func (p *parameters) run(answer func()) error {
	if p.result != sqlite3.SQLITE_OK {
		return p.l.refused(p.result)
	}
	return p.l.step(p.statement, answer)
}

func (p *parameters) bound(result int32) {
	if result != sqlite3.SQLITE_OK && p.result == sqlite3.SQLITE_OK {
		p.result = result
	}
}

func (p *parameters) number(n int64) {
	p.last++
	p.bound(sqlite3.Xsqlite3_bind_int64(p.l.tls, p.statement, p.last, n))
}

// count is a number that is null for 0.
func (p *parameters) count(n int64) {
	if n != 0 {
		p.number(n)
		return
	}
	p.last++
	p.bound(sqlite3.Xsqlite3_bind_null(p.l.tls, p.statement, p.last))
}

func (p *parameters) flag(f bool) {
	if f {
		p.number(1)
	} else {
		p.number(0)
	}
}

func (p *parameters) time(t time.Time) { p.number(millis(t)) }

// timeOrNull is null for the zero time.
func (p *parameters) timeOrNull(t time.Time) {
	if !t.IsZero() {
		p.time(t)
		return
	}
	p.last++
	p.bound(sqlite3.Xsqlite3_bind_null(p.l.tls, p.statement, p.last))
}

func (p *parameters) text(s string) {
	p.last++
	place, space := p.l.texts.take(len(s))
	if place == 0 {
		p.bound(sqlite3.SQLITE_NOMEM)
		return
	}
	copy(space, s)
	p.bound(sqlite3.Xsqlite3_bind_text(p.l.tls, p.statement, p.last, place, int32(len(s)), 0))
}

func (p *parameters) bytes(b []byte) {
	p.last++
	place, space := p.l.texts.take(len(b))
	if place == 0 {
		p.bound(sqlite3.SQLITE_NOMEM)
		return
	}
	p.bound(sqlite3.Xsqlite3_bind_blob(p.l.tls, p.statement, p.last, place, int32(copy(space, b)), 0))
}

// id is bytes as row.PackID writes them.
func (p *parameters) id(id string) {
	p.last++
	place, space := p.l.texts.take(max(len(id), 1))
	if place == 0 {
		p.bound(sqlite3.SQLITE_NOMEM)
		return
	}
	p.bound(sqlite3.Xsqlite3_bind_blob(p.l.tls, p.statement, p.last, place, int32(len(row.AppendID(space[:0], id))), 0))
}

// arenaBlock is how much memory an arena asks for at a time. What 64 rows need fits, as a rule.
const arenaBlock = 32 << 10

// arena is memory of SQLite's, outside of Go's heap, for what parameters point to until a statement has run.
type arena struct {
	tls    *libc.TLS
	blocks []block
	used   int // of the last block
}

type block struct {
	place uintptr
	space []byte
}

// take returns n bytes; a place of 0 when there is no memory. There is a place for no bytes, too.
func (a *arena) take(n int) (uintptr, []byte) {
	if last := len(a.blocks) - 1; last < 0 || len(a.blocks[last].space)-a.used < n {
		size := max(n, arenaBlock)
		place := sqlite3.Xsqlite3_malloc64(a.tls, uint64(size))
		if place == 0 {
			return 0, nil
		}
		a.blocks, a.used = append(a.blocks, block{place, libc.GoBytes(place, size)}), 0
	}
	b := &a.blocks[len(a.blocks)-1]
	from := a.used
	a.used += n
	return b.place + uintptr(from), b.space[from:a.used:a.used]
}

// reset takes everything back, and keeps one block.
func (a *arena) reset() {
	for len(a.blocks) > 1 || len(a.blocks) == 1 && len(a.blocks[0].space) > arenaBlock {
		last := len(a.blocks) - 1
		sqlite3.Xsqlite3_free(a.tls, a.blocks[last].place)
		a.blocks = a.blocks[:last]
	}
	a.used = 0
}

func (a *arena) free() {
	for _, b := range a.blocks {
		sqlite3.Xsqlite3_free(a.tls, b.place)
	}
	*a = arena{}
}
