package storetest

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

var limitLeaseTests = []test{
	{"takes exactly what flows in", limitTake},
	{"takes and gives back beyond the fast path", limitTakeSlow},
	{"two takers never share a token", limitTakeRace},
	{"leases come out of the bucket and go back", limitLease},
	{"an answer that was lost is not settled twice", limitLeaseLost},
	{"a lease that ended goes back and fences its holder", limitLeaseEnds},
	{"what replicas hold counts as being there", limitLeaseFull},
	{"places in flight are kept whatever the level", limitLeaseKeep},
	{"a new amount scales, an old version does not", limitLeaseVersion},
	{"a reset fills", limitLeaseReset},
	{"counts replicas, which may leave", limitReplicas},
	{"sweeps what is as good as new", limitSweep},
	{"adds up what replicas counted, once", limitCounts},
	{"lists the counts that are asked for", limitCountsListed},
}

// plainBucket is of 60 a minute.
func plainBucket(account, limit string) engine.LimitBucket {
	return engine.LimitBucket{
		LimitBucketKey: engine.LimitBucketKey{AccountID: account, LimitID: limit, Digest: [16]byte{0, 1, 0xff}},
		Amount:         60, WindowUS: 60_000_000, Size: 60, Version: 1,
	}
}

const leaseTTL = 3 * time.Second

// exchange is one replica's claim of one bucket.
func exchange(t *testing.T, s engine.Store, replica string, c engine.LimitClaim, now time.Time) engine.LimitGrant {
	t.Helper()
	g, err := s.ExchangeLimits(t.Context(), engine.LimitExchange{Replica: replica, TTL: leaseTTL, Claims: []engine.LimitClaim{c}}, now)
	must(t, "ExchangeLimits()", err)
	if len(g.Grants) != 1 {
		t.Fatalf("ExchangeLimits() = %v, want one grant", g)
	}
	return g.Grants[0]
}

func wantTaken(t *testing.T, s engine.Store, b engine.LimitBucket, n int64, now time.Time, want engine.LimitTaken) {
	t.Helper()
	got, err := s.TakeLimit(t.Context(), b, n, now)
	must(t, "TakeLimit()", err)
	if got != want {
		t.Errorf("TakeLimit(%d) at %v = %+v, want %+v", n, now.Sub(at(0)), got, want)
	}
}

func limitTake(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	was := revision(t, s)
	wantTaken(t, s, b, 60, at(0), engine.LimitTaken{OK: true})
	wantTaken(t, s, b, 1, at(0), engine.LimitTaken{WaitUS: 1_000_000})
	wantTaken(t, s, b, 1, at(999), engine.LimitTaken{WaitUS: 1_000})
	wantTaken(t, s, b, 1, at(1_000), engine.LimitTaken{OK: true})
	wantTaken(t, s, b, 1, at(1_500), engine.LimitTaken{WaitUS: 500_000})
	wantTaken(t, s, b, 2, at(4_000), engine.LimitTaken{OK: true, Left: 1})
	wantTaken(t, s, b, 61, at(4_000), engine.LimitTaken{Left: 1, WaitUS: math.MaxInt64})
	wantTaken(t, s, b, 1, at(7_200_000), engine.LimitTaken{OK: true, Left: 59}) // never more than its size
	wantRevision(t, s, was, 0)
}

func limitTakeSlow(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("", "l")
	wantTaken(t, s, b, 60, at(0), engine.LimitTaken{OK: true})
	wantTaken(t, s, b, -5, at(0), engine.LimitTaken{OK: true, Left: 5})
	wantTaken(t, s, b, 5, at(-3_600_000), engine.LimitTaken{OK: true}) // the clock went back an hour
	wantTaken(t, s, b, 1, at(-3_599_000), engine.LimitTaken{OK: true}) // and goes on from there
	wantTaken(t, s, b, 1, at(-3_599_000), engine.LimitTaken{WaitUS: 1_000_000})
	wantTaken(t, s, b, -100, at(-3_599_000), engine.LimitTaken{OK: true, Left: 100})
	wantTaken(t, s, b, 60, at(-3_599_000), engine.LimitTaken{OK: true}) // what is over the size is gone
}

func limitTakeRace(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				got, err := s.TakeLimit(t.Context(), b, 1, at(0))
				if err != nil {
					t.Errorf("TakeLimit() = %v, want nil", err)
				}
				if got.OK {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if taken.Load() != 60 {
		t.Errorf("80 TakeLimit(1) of 60 took %d, want 60", taken.Load())
	}
}

func limitLease(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	g := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 40}, at(0))
	wantEqual(t, "first grant", g, engine.LimitGrant{Epoch: g.Epoch, Held: 40, Left: 20, Fenced: true})
	h := exchange(t, s, "r2", engine.LimitClaim{LimitBucket: b, Hold: 40, Need: 25}, at(0))
	wantEqual(t, "the other's grant", h, engine.LimitGrant{Epoch: h.Epoch, Held: 20, WaitUS: 5_000_000, Fenced: true})
	if g.Epoch == h.Epoch || g.Epoch == 0 {
		t.Errorf("epochs are %d and %d, want different ones", g.Epoch, h.Epoch)
	}
	wantTaken(t, s, b, 1, at(0), engine.LimitTaken{WaitUS: 1_000_000})
	// 10 of 40 spent, and only 5 wanted from now on: 25 go back.
	g = exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Spent: 10, Hold: 5}, at(0))
	wantEqual(t, "second grant", g, engine.LimitGrant{Epoch: g.Epoch, Held: 5, Left: 25})
	// All of it back, but for 2 that were spent, and 3 more than that.
	g = exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Spent: 18, Settled: 10}, at(0))
	wantEqual(t, "return in debt", g, engine.LimitGrant{Left: 22, WaitUS: 0})
	_, err := s.ExchangeLimits(t.Context(), engine.LimitExchange{
		Replica: "r1", TTL: leaseTTL, Claims: []engine.LimitClaim{{LimitBucket: b}, {LimitBucket: b}},
	}, at(0))
	wantErr(t, "ExchangeLimits() of one bucket twice", err, engine.ErrConflict)
}

func limitLeaseLost(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 10}, at(0)) // its answer is lost
	g := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 10}, at(0))
	wantEqual(t, "grant again", g, engine.LimitGrant{Epoch: g.Epoch, Held: 10, Left: 50, Fenced: true})
	exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Spent: 4, Hold: 10}, at(0)) // lost too
	g = exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Spent: 6, Hold: 10}, at(0))
	wantEqual(t, "grant after a lost one", g, engine.LimitGrant{Epoch: g.Epoch, Held: 10, Left: 44})
}

func limitLeaseEnds(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	g := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 60}, at(0))
	h := exchange(t, s, "r2", engine.LimitClaim{LimitBucket: b, Hold: 60}, at(2_999))
	if h.Held != 0 || h.Epoch != 0 {
		t.Errorf("grant beside a lease of everything = %+v, want nothing", h)
	}
	h = exchange(t, s, "r2", engine.LimitClaim{LimitBucket: b, Hold: 50}, at(3_000))
	if h.Held != 50 || h.Left != 10 {
		t.Errorf("grant after that lease's end = %+v, want 50 and 10 left", h)
	}
	// It wakes up, having spent 3 of what others have by now.
	late := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Spent: 3, Hold: 60}, at(3_000))
	if late.Held != 7 || !late.Fenced || late.Epoch == g.Epoch {
		t.Errorf("grant to one whose lease has ended = %+v, want 7, fenced, in a new epoch", late)
	}
}

func limitLeaseFull(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	g := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 40}, at(0))
	for n := int64(2); n <= 60; n += 2 { // an idle minute, renewed
		g = exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Hold: 40}, at(n*1000))
	}
	if g.Held != 40 || g.Left != 20 {
		t.Errorf("grant after an idle minute = %+v, want 40 and 20 left: 60 together", g)
	}
}

func limitLeaseKeep(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	b.Amount, b.WindowUS, b.Size = 0, 1, 10
	g := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 8, Keep: 8}, at(0))
	exchange(t, s, "r2", engine.LimitClaim{LimitBucket: b, Hold: 10}, at(4_000)) // r1's has ended
	g = exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Hold: 8, Keep: 8}, at(4_000))
	if g.Held != 8 || g.Left != -8 || !g.Fenced {
		t.Errorf("grant of places that are in use = %+v, want 8 and -8 left", g)
	}
	b.Size, b.Version = 30, 2
	g = exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Hold: 8, Keep: 8}, at(4_000))
	if g.Held != 8 || g.Left != 12 {
		t.Errorf("grant after 20 more places = %+v, want 8 and 12 left", g)
	}
}

func limitLeaseVersion(t *testing.T, d Database) {
	s := open(t, d)
	old := plainBucket("a", "l")
	wantTaken(t, s, old, 30, at(0), engine.LimitTaken{OK: true, Left: 30})
	next := old
	next.Amount, next.Size, next.Version = 600, 600, 2
	wantTaken(t, s, next, 1, at(0), engine.LimitTaken{OK: true, Left: 299})
	wantTaken(t, s, old, 9, at(0), engine.LimitTaken{OK: true, Left: 290}) // one that does not know yet
	wantTaken(t, s, next, 10, at(1_000), engine.LimitTaken{OK: true, Left: 290})
}

func limitLeaseReset(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	g := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 10}, at(0))
	g = exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Spent: 10, Hold: 10}, at(0))
	wantTaken(t, s, b, 40, at(0), engine.LimitTaken{OK: true})
	b.Resets = 1
	wantTaken(t, s, b, 1, at(0), engine.LimitTaken{OK: true, Left: 49}) // r1 has the other 10
	wantTaken(t, s, b, 1, at(0), engine.LimitTaken{OK: true, Left: 48}) // once
}

func limitReplicas(t *testing.T, d Database) {
	s := open(t, d)
	count := func(replica string, now time.Time) int {
		t.Helper()
		g, err := s.ExchangeLimits(t.Context(), engine.LimitExchange{Replica: replica, TTL: leaseTTL}, now)
		must(t, "ExchangeLimits()", err)
		return g.Replicas
	}
	b := plainBucket("a", "l")
	exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 60}, at(0))
	if got := count("r2", at(0)); got != 2 {
		t.Errorf("replicas = %d, want 2", got)
	}
	must(t, "LeaveLimits()", s.LeaveLimits(t.Context(), "r1"))
	must(t, "LeaveLimits() of nobody", s.LeaveLimits(t.Context(), "r9"))
	if got := count("r2", at(0)); got != 1 {
		t.Errorf("replicas after one left = %d, want 1", got)
	}
	if g := exchange(t, s, "r2", engine.LimitClaim{LimitBucket: b, Hold: 60}, at(0)); g.Held != 60 {
		t.Errorf("grant after the holder left = %+v, want all 60", g)
	}
	if got := count("r3", at(3_001)); got != 1 {
		t.Errorf("replicas when the other's time is over = %d, want 1", got)
	}
	for _, c := range []struct {
		name string
		x    engine.LimitExchange
	}{
		{"no replica", engine.LimitExchange{TTL: leaseTTL}},
		{"no time", engine.LimitExchange{Replica: "r"}},
	} {
		_, err := s.ExchangeLimits(t.Context(), c.x, at(0))
		if engine.CodeOf(err) != engine.CodeInvalid {
			t.Errorf("%s: ExchangeLimits() = %v, want %s", c.name, err, engine.CodeInvalid)
		}
	}
}

func limitSweep(t *testing.T, d Database) {
	s := open(t, d)
	full, owing := plainBucket("a", "full"), plainBucket("a", "owing")
	wantTaken(t, s, full, 60, at(0), engine.LimitTaken{OK: true})
	wantTaken(t, s, owing, 60, at(0), engine.LimitTaken{OK: true})
	wantTakenBack(t, s, owing)
	later := at(61_000 + 10*60_000)
	got, err := s.SweepLimits(t.Context(), later, 100)
	must(t, "SweepLimits()", err)
	levels, err := s.ListLimitLevels(t.Context())
	must(t, "ListLimitLevels()", err)
	if got != 2 || len(levels) != 1 || levels[0].LimitID != "owing" {
		t.Errorf("SweepLimits() = %d and leaves %v, want 2, the full bucket and the replica, and the bucket in debt to stay", got, levels)
	}
}

// wantTakenBack drives a bucket into debt by what one replica spent.
func wantTakenBack(t *testing.T, s engine.Store, b engine.LimitBucket) {
	t.Helper()
	if g := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Spent: 1_000}, at(0)); g.Left != -1_000 {
		t.Errorf("left after spending 1,000 of nothing = %d, want -1000", g.Left)
	}
}
