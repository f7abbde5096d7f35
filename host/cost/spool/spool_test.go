package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// database keeps one row of each id, as a store does.
type database struct {
	mu   sync.Mutex
	rows map[string]engine.Usage
	away error
}

func newDatabase() *database { return &database{rows: map[string]engine.Usage{}} }

func (d *database) write(_ context.Context, rows []engine.Usage) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away != nil {
		return d.away
	}
	for _, u := range rows {
		if _, ok := d.rows[u.ID]; !ok {
			d.rows[u.ID] = u
		}
	}
	return nil
}

func (d *database) ids() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.rows))
}

// crash leaves the folder as the end of the process would. What was mapped stays so: the
// process goes on.
func crash(s *Spool) {
	for _, seg := range s.segments {
		if p, ok := seg.out.(plain); ok {
			p.file.Close()
		}
	}
	s.lock.Close()
}

// media runs a test with files that are mapped, where that can be, and with plain ones.
func media(t *testing.T, test func(t *testing.T, cfg Config)) {
	for _, plainly := range []bool{false, true} {
		t.Run(fmt.Sprintf("plain=%v", plainly), func(t *testing.T) {
			test(t, Config{Dir: t.TempDir(), plain: plainly})
		})
	}
}

func open(t testing.TB, cfg Config) *Spool {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func attempt(id string) *engine.Usage {
	return &engine.Usage{
		AccountID: "acme", ID: id, RequestID: "r-" + id, Attempt: 1, ModelID: "gpt-5", Outcome: engine.OutcomeFailed,
		Tokens: engine.Tokens{Prompt: 7}, CostNanoUSD: 70, StartedAt: time.UnixMilli(1_700_000_000_123).UTC(),
	}
}

func settled(u *engine.Usage) *engine.Usage {
	v := *u
	v.Outcome, v.Tokens.Completion, v.CostNanoUSD = engine.OutcomeOK, 11, 180
	return &v
}

func reserve(t testing.TB, s *Spool, id string) (Token, *engine.Usage) {
	t.Helper()
	u := attempt(id)
	token, err := s.Reserve(u)
	if err != nil {
		t.Fatalf("Reserve(%s) = %v, want no error", id, err)
	}
	return token, u
}

func flush(t testing.TB, s *Spool, d *database) {
	t.Helper()
	if err := s.Flush(t.Context(), d.write); err != nil {
		t.Fatal(err)
	}
}

func files(t testing.TB, dir string) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestSettledRowsReachTheDatabase(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	s, d := open(t, cfg), newDatabase()
	token, u := reserve(t, s, "1")
	flush(t, s, d)
	if len(d.ids()) != 0 {
		t.Errorf("a reservation alone reached the database: %v", d.ids())
	}
	if st := s.Stats(); st.Open != 1 || st.Pending != 0 {
		t.Errorf("Stats() = %+v, want one open", st)
	}
	s.Settle(token, settled(u))
	if st := s.Stats(); st.Open != 0 || st.Pending != 1 {
		t.Errorf("Stats() = %+v, want one pending", st)
	}
	flush(t, s, d)
	if got := d.rows["1"]; got != *settled(u) {
		t.Errorf("row = %+v, want %+v", got, *settled(u))
	}
	if st := s.Stats(); st.Open != 0 || st.Pending != 0 {
		t.Errorf("Stats() = %+v, want nothing left", st)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := files(t, cfg.Dir); n != 0 {
		t.Errorf("%d files are left of nothing, want 0", n)
	}
}

// TestCrash ends the process at every named point, and looks at what the next one makes of it.
func TestCrash(t *testing.T) {
	type end struct{ rows, interrupted int }
	for _, c := range []struct {
		point string
		want  end
	}{
		{"reserve", end{1, 0}}, // nothing was written, and nobody was asked
		{"reserved", end{2, 1}},
		{"settle", end{2, 1}},
		{"settled", end{2, 0}},
		{"store", end{2, 0}},
		{"stored", end{2, 0}},
		{"remove", end{2, 0}},
		{"rotate", end{2, 0}},
	} {
		media(t, func(t *testing.T, cfg Config) {
			cfg.SegmentBytes = 1 // every flush begins a new file
			d := newDatabase()
			armed, reached := false, false
			cfg.Failpoint = func(point string) {
				if armed && point == c.point {
					reached = true
					runtime.Goexit() // which, unlike a panic, nothing contains
				}
			}
			s := open(t, cfg)
			token, u := reserve(t, s, "before")
			s.Settle(token, settled(u))
			flush(t, s, d)
			armed = true
			var process sync.WaitGroup
			process.Go(func() {
				token, u := reserve(t, s, "under way")
				s.Settle(token, settled(u))
				flush(t, s, d)
				flush(t, s, d)
			})
			process.Wait()
			if !reached {
				t.Errorf("the point %q was not reached", c.point)
			}
			crash(s)
			armed = false

			s = open(t, cfg)
			flush(t, s, d)
			flush(t, s, d)
			interrupted := 0
			for _, u := range d.rows {
				if u.Outcome == engine.OutcomeInterrupted {
					interrupted++
					if !u.Estimated || u.CostNanoUSD != 70 {
						t.Errorf("interrupted row = %+v, want it estimated at what was reserved", u)
					}
				}
			}
			if got := (end{len(d.rows), interrupted}); got != c.want {
				t.Errorf("after a crash at %q there are %+v, want %+v", c.point, got, c.want)
			}
			if st := s.Stats(); st.Open != 0 || st.Pending != 0 || st.Segments != 1 {
				t.Errorf("after a crash at %q Stats() = %+v, want nothing left", c.point, st)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDatabaseAway(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Memory: 10, SegmentBytes: 8 << 10}
	s, d := open(t, cfg), newDatabase()
	d.away = errors.New("away")
	const n = 1_000
	for i := range n {
		token, u := reserve(t, s, fmt.Sprint(i))
		s.Settle(token, settled(u))
		if i%100 == 99 && s.Flush(t.Context(), d.write) == nil {
			t.Fatal("Flush = nil while the database is away")
		}
	}
	if st := s.Stats(); st.Pending != n {
		t.Errorf("Stats() = %+v, want %d pending", st, n)
	}
	d.away = nil
	flush(t, s, d)
	flush(t, s, d) // what was in the file that was current
	if got := len(d.ids()); got != n {
		t.Errorf("%d rows after the database came back, want %d", got, n)
	}
	if st := s.Stats(); st.Pending != 0 || st.Segments > 2 {
		t.Errorf("Stats() = %+v, want nothing left", st)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestReserveRefusesWhenFull(t *testing.T) {
	s, d := open(t, Config{Dir: t.TempDir(), MaxBytes: 1_000}), newDatabase()
	var tokens []Token
	for i := 0; ; i++ {
		token, err := s.Reserve(attempt(fmt.Sprint(i)))
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil || i > 100 {
			t.Fatalf("Reserve(%d) = %v, want ErrFull before long", i, err)
		}
		tokens = append(tokens, token)
	}
	if !s.Stats().Full {
		t.Error("Stats().Full = false, want true")
	}
	for i, token := range tokens {
		s.Settle(token, settled(attempt(fmt.Sprint(i))))
	}
	s.cfg.SegmentBytes = 1
	flush(t, s, d)
	flush(t, s, d)
	if len(d.ids()) != len(tokens) {
		t.Errorf("%d rows, want all %d: what was taken is kept", len(d.ids()), len(tokens))
	}
	if _, err := s.Reserve(attempt("after")); err != nil {
		t.Errorf("Reserve after the database took the rows = %v, want no error", err)
	}
}

// TestDiskRefuses: a row that no file takes is in memory until the database has it, and
// its reservation survives a crash.
func TestDiskRefuses(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		for _, crashed := range []bool{false, true} {
			t.Run(fmt.Sprintf("crash=%v", crashed), func(t *testing.T) {
				cfg.Dir = t.TempDir()
				s, d := open(t, cfg), newDatabase()
				rows := fillPage(t, s)
				token, u := reserve(t, s, "1")
				breakDisk(t, s)
				if _, err := s.Reserve(attempt("2")); !errors.Is(err, ErrFull) {
					t.Errorf("Reserve on a broken disk = %v, want ErrFull", err)
				}
				s.Settle(token, settled(u))
				if crashed {
					crash(s)
					s = open(t, cfg)
				}
				flush(t, s, d)
				flush(t, s, d)
				want := engine.OutcomeOK
				if crashed {
					want = engine.OutcomeInterrupted
				}
				if ids := d.ids(); len(ids) != rows+1 || d.rows["1"].Outcome != want {
					t.Errorf("rows = %+v, want %d, and the last is %s", d.rows, rows+1, want)
				}
				if _, err := s.Reserve(attempt("3")); err != nil {
					t.Errorf("Reserve on a new file = %v, want no error", err)
				}
			})
		}
	})
}

// page is the unit in which a mapped file is lost.
var page = int64(os.Getpagesize())

// fillPage writes rows until the next reservation ends within the first page, and a record
// behind it does not.
func fillPage(t *testing.T, s *Spool) (rows int) {
	t.Helper()
	size := int64(len(appendRecord(nil, kindReserve, attempt("1"))))
	for s.Stats().Bytes < page-3*size {
		u := attempt("x" + fmt.Sprint(rows))
		s.Settle(Token{}, u)
		rows++
	}
	for s.Stats().Bytes+size <= page-size {
		s.Settle(Token{}, attempt("y"+fmt.Sprint(rows)))
		rows++
	}
	if at := s.Stats().Bytes; at+size > page || at+2*size <= page {
		t.Fatalf("%d bytes are written: one reservation of %d has to fit a page of %d, and not two", at, size, page)
	}
	return rows
}

// breakDisk lets no more be written than what a page holds.
func breakDisk(t *testing.T, s *Spool) {
	t.Helper()
	seg := s.current.Load()
	if p, ok := seg.out.(plain); ok {
		p.file.Close()
		return
	}
	if err := os.Truncate(seg.path, page); err != nil {
		t.Fatal(err)
	}
}

func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	if _, err := Open(Config{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second Open = %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, Config{Dir: dir}).Close(); err != nil {
		t.Error(err)
	}
}

// TestDamage flips and cuts every byte of a file, and puts zeros in its place: what is lost
// is the record that was touched, at most, and nothing is made up.
func TestDamage(t *testing.T) {
	media(t, func(t *testing.T, cfg Config) {
		s := open(t, cfg)
		for i := range 3 {
			token, u := reserve(t, s, fmt.Sprint(i))
			s.Settle(token, settled(u))
		}
		written := s.Stats().Bytes
		path := s.current.Load().path
		crash(s)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole := file[:written]
		read := func(data []byte) (ids map[string]bool, used, damaged int) {
			ids = map[string]bool{}
			used, damaged = scan(data, func(kind byte, u *engine.Usage) { ids[fmt.Sprint(kind, u.ID)] = true })
			return ids, used, damaged
		}
		all, used, damaged := read(file)
		if len(all) != 6 || int64(used) != written || damaged != 0 {
			t.Fatalf("%d records in %d bytes, %d damaged, want 6 in %d, 0", len(all), used, damaged, written)
		}
		touched := func(what string, i int, data []byte) {
			got, _, damaged := read(data)
			if len(got) < len(all)-1 || len(got) < len(all) && damaged == 0 && i < len(whole)-1 {
				t.Fatalf("byte %d %s: %d of %d records, %d bytes damaged", i, what, len(got), len(all), damaged)
			}
			for id := range got {
				if !all[id] {
					t.Fatalf("byte %d %s: record %s is made up", i, what, id)
				}
			}
		}
		ends := func(n int) (records int) { // how many are whole in the first n bytes
			for at := 0; at < n; records++ {
				size, _, _ := parseRecord(whole[at:])
				if at += size; at > n {
					break
				}
			}
			return records
		}
		for i := range whole {
			flipped := slices.Clone(whole)
			flipped[i] ^= 0x10
			touched("flipped", i, flipped)
			flipped[i] = 0
			touched("set to zero", i, flipped)
			// A torn tail, as it is at the end of a file that grows, and of one that is mapped.
			for _, zeros := range []int{0, 1, 200} {
				got, used, _ := read(append(whole[:i:i], make([]byte, zeros)...))
				// What is cut can end in zeros itself, and is whole with the zeros behind it.
				want := ends(i)
				if len(got) < want || len(got) > want && !bytes.Equal(whole[i:used], make([]byte, used-i)) {
					t.Fatalf("cut at %d, %d zeros behind: %d records, want %d", i, zeros, len(got), want)
				}
			}
		}
	})
}

// TestHistory runs random histories with crashes, an absent database and tiny files:
// every reservation becomes exactly one row, and a row that was settled is as it was settled.
func TestHistory(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 7))
		cfg := Config{Dir: t.TempDir(), SegmentBytes: 2_000, Memory: 5, plain: seed%2 == 1}
		s, d := open(t, cfg), newDatabase()
		type flying struct {
			token Token
			u     *engine.Usage
		}
		var open_ []flying
		reserved, done := map[string]bool{}, map[string]engine.Usage{}
		for step := range 300 {
			switch r.IntN(12) {
			case 0:
				crash(s)
				open_, s = nil, open(t, cfg)
			case 1:
				d.away = nil
				if r.IntN(2) == 0 {
					d.away = errors.New("away")
				}
			case 2, 3:
				_ = s.Flush(t.Context(), d.write)
			case 4, 5, 6, 7:
				id := fmt.Sprintf("%d-%d", seed, step)
				token, u := reserve(t, s, id)
				open_, reserved[id] = append(open_, flying{token, u}), true
			default:
				if len(open_) > 0 {
					i := r.IntN(len(open_))
					f := open_[i]
					open_ = slices.Delete(open_, i, i+1)
					u := settled(f.u)
					s.Settle(f.token, u)
					done[u.ID] = *u
				}
			}
		}
		crash(s)
		d.away = nil
		s = open(t, cfg)
		flush(t, s, d)
		flush(t, s, d)
		if got, want := d.ids(), slices.Sorted(maps.Keys(reserved)); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d rows, want the %d that were reserved", seed, len(got), len(want))
		}
		for id, u := range d.rows {
			if want, ok := done[id]; ok && u != want || !ok && u.Outcome != engine.OutcomeInterrupted {
				t.Fatalf("seed %d: row %s = %+v, want %+v", seed, id, u, want)
			}
		}
		if st := s.Stats(); st.Open != 0 || st.Pending != 0 || st.Segments != 1 {
			t.Fatalf("seed %d: Stats() = %+v, want nothing left", seed, st)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHammer(t *testing.T) {
	s, d := open(t, Config{Dir: t.TempDir(), SegmentBytes: 4 << 10, Memory: 50, Sync: time.Millisecond}), newDatabase()
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx, d.write) }()
	var wg sync.WaitGroup
	const workers, each = 8, 300
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				u := attempt(fmt.Sprintf("%d-%d", w, i))
				token, err := s.Reserve(u)
				if err != nil {
					t.Error(err)
					return
				}
				s.Settle(token, settled(u))
			}
		})
	}
	wg.Wait()
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if got := len(d.ids()); got != workers*each {
		t.Errorf("%d rows after Run, want %d", got, workers*each)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
