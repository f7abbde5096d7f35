package spool

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/pointsman/pointsman/engine"
)

// chunk is how many rows are allocated at a time.
const chunk = 64

// chunks are free ones.
var chunks = sync.Pool{New: func() any { return new([chunk]engine.Usage) }}

// shards is over how many lists a segment's rows are spread, each with its own lock.
const shards = 8

// segment is one file of records, appended to by many at once.
type segment struct {
	path   string
	number uint64
	size   atomic.Int64
	dirty  atomic.Bool // something is not synced

	disk sync.Mutex // held while the file is synced or closed
	out  medium     // nil: closed. Set to nil under disk, when nobody writes any more

	gate   sync.RWMutex // held for reading by writers at work, so that they do not wait for each other
	sealed bool         // under gate: no more may begin

	open    atomic.Int64 // attempts that began here and are not settled
	pending atomic.Int64 // rows here that the database does not have

	// Of a file that an earlier process left, until the start has dealt with it.
	abandoned map[string]engine.Usage
	settled   []string

	spilled atomic.Bool // rows were left out of memory: read the file
	rows    [shards]struct {
		sync.Mutex
		list [][]engine.Usage // full ones of chunk rows, and the last: no row moves when there are more
		_    [32]byte         // to a cache line of its own
	}
}

// openSegment makes a file with room for capacity bytes, or, where files cannot be mapped
// or plainly is set, one that grows.
func openSegment(path string, number uint64, capacity int64, plainly bool) (*segment, error) {
	var out medium
	err := errors.ErrUnsupported
	if !plainly {
		out, err = openMapped(path, capacity)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		out, err = openPlain(path)
	}
	if err != nil {
		return nil, err
	}
	return &segment{path: path, number: number, out: out}, nil
}

// enter begins a write; false when the segment is sealed. leave ends it.
func (g *segment) enter() bool {
	g.gate.RLock()
	if g.sealed {
		g.gate.RUnlock()
		return false
	}
	return true
}

func (g *segment) leave() { g.gate.RUnlock() }

// seal waits for the writers at work and lets no more in.
func (g *segment) seal() {
	g.gate.Lock()
	defer g.gate.Unlock()
	g.sealed = true
}

// isSealed reports whether every row that this file will ever have is in it.
func (g *segment) isSealed() bool {
	g.gate.RLock()
	defer g.gate.RUnlock()
	return g.sealed
}

// write is the medium's, for those who have entered.
func (g *segment) write(record []byte) (int, error) {
	n, err := g.out.write(record)
	if n > 0 {
		g.size.Add(int64(n))
		if !g.dirty.Load() { // mostly it is, and writers on other processors look at it too
			g.dirty.Store(true)
		}
	}
	return n, err
}

// keep holds a row for the database, unless memory holds enough of them: a full segment's
// rows are then read from its file.
func (g *segment) keep(u *engine.Usage, limit, pending int64) {
	if pending > limit {
		g.spilled.Store(true)
		return
	}
	shard := &g.rows[shardOf(u.ID)]
	shard.Lock()
	last := len(shard.list) - 1
	if last < 0 || len(shard.list[last]) == chunk {
		shard.list = append(shard.list, chunks.Get().(*[chunk]engine.Usage)[:0])
		last++
	}
	shard.list[last] = append(shard.list[last], *u)
	shard.Unlock()
}

// putBack holds rows again that take returned.
func (g *segment) putBack(rows []engine.Usage) {
	for i := range rows {
		g.keep(&rows[i], 0, 0)
	}
}

// shardOf spreads ids: the last character of a UUID is random.
func shardOf(id string) int {
	if id == "" {
		return 0
	}
	return int(id[len(id)-1]) % shards
}

// take removes rows that are in memory, at most limit, but whole chunks, and appends them to into.
func (g *segment) take(into []engine.Usage, limit int) []engine.Usage {
	for i := range g.rows {
		shard := &g.rows[i]
		shard.Lock()
		taken, total := 0, len(into)
		for taken < len(shard.list) && total < limit {
			total += len(shard.list[taken])
			taken++
		}
		list := shard.list[:taken]
		if shard.list = shard.list[taken:]; len(shard.list) == 0 {
			shard.list = nil
		}
		shard.Unlock()
		for _, rows := range list {
			into = append(into, rows...)
			clear(rows)
			chunks.Put((*[chunk]engine.Usage)(rows[:chunk]))
		}
	}
	return into
}

// read returns every settled row of the file.
func (g *segment) read() ([]engine.Usage, error) {
	data, err := os.ReadFile(g.path)
	if err != nil {
		return nil, err
	}
	var rows []engine.Usage
	scan(data, func(kind byte, u *engine.Usage) {
		if kind == kindSettle {
			rows = append(rows, *u)
		}
	})
	return rows, nil
}

// forget drops the rows that are in memory.
func (g *segment) forget() {
	for i := range g.rows {
		shard := &g.rows[i]
		shard.Lock()
		shard.list = nil
		shard.Unlock()
	}
}

// sync brings what was written to the disk.
func (g *segment) sync() error {
	g.disk.Lock()
	defer g.disk.Unlock()
	if g.out == nil {
		return nil
	}
	if g.dirty.Swap(false) {
		if err := g.out.sync(); err != nil {
			g.dirty.Store(true)
			return err
		}
	}
	return nil
}

// finished reports whether nothing in the file is needed any more.
func (g *segment) finished() bool { return g.open.Load() == 0 && g.pending.Load() == 0 }

// remove deletes the file. One that is not there is as good as deleted.
func (g *segment) remove() error {
	if err := os.Remove(g.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// close syncs a sealed file and ends the use of it.
func (g *segment) close() error {
	err := g.sync()
	g.disk.Lock()
	defer g.disk.Unlock()
	if g.out == nil {
		return err
	}
	closed := g.out.close()
	g.out = nil
	return errors.Join(err, closed)
}
