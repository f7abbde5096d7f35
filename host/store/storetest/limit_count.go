package storetest

import (
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

func counted(b engine.LimitBucket, admitted, refused int64) engine.LimitCount {
	return engine.LimitCount{LimitBucket: b, Kind: engine.LimitRequests, OfAccount: b.AccountID, Admitted: admitted, Refused: refused}
}

func report(t *testing.T, s engine.Store, replica string, number int64, now time.Time, counts ...engine.LimitCount) int {
	t.Helper()
	replicas, err := s.ReportLimits(t.Context(), engine.LimitReport{Replica: replica, TTL: leaseTTL, Number: number, Counts: counts}, now)
	must(t, "ReportLimits()", err)
	return replicas
}

func listCounts(t *testing.T, s engine.Store, q engine.LimitCountQuery, now time.Time) engine.LimitCounts {
	t.Helper()
	q.Most = max(q.Most, 1)
	got, err := s.ListLimitCounts(t.Context(), q, now)
	must(t, "ListLimitCounts()", err)
	return got
}

func limitCounts(t *testing.T, d Database) {
	s := open(t, d)
	b := plainBucket("a", "l")
	was := revision(t, s)
	g := exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Hold: 10}, at(0))
	exchange(t, s, "r1", engine.LimitClaim{LimitBucket: b, Epoch: g.Epoch, Spent: 4, Hold: 10, Keep: 3}, at(0))
	report(t, s, "r1", 1, at(0), counted(b, 4, 1))
	report(t, s, "r1", 1, at(1), counted(b, 4, 1)) // its answer was lost
	if got := report(t, s, "r2", 1, at(500), counted(b, 20, 0), counted(plainBucket("b", "l"), 1, 0)); got != 2 {
		t.Errorf("replicas = %d, want 2", got)
	}
	report(t, s, "r1", 2, at(1_000), counted(b, -1, 5))
	got := listCounts(t, s, engine.LimitCountQuery{OfAccount: "a", Most: 5}, at(2_000))
	if len(got.Buckets) != 1 {
		t.Fatalf("ListLimitCounts() = %+v, want one bucket", got)
	}
	one := got.Buckets[0]
	wantEqual(t, "count", one.LimitCount, engine.LimitCount{LimitBucket: b, Kind: engine.LimitRequests, Admitted: 23, Refused: 6})
	if one.Level.Whole != 46 || one.Held != 10 || one.InUse != 3 {
		t.Errorf("level = %+v with %d held and %d in use, want 46, 10 and 3", one.Level, one.Held, one.InUse)
	}
	if got.Replicas != 2 || got.Age != 1500*time.Millisecond || got.NowUS != at(2_000).UnixMicro() {
		t.Errorf("ListLimitCounts() is of %d replicas, %v old, at %d; want 2, 1.5s, %d", got.Replicas, got.Age, got.NowUS, at(2_000).UnixMicro())
	}
	// r2 is gone, r1 has said that it lives; its places in flight are its own as long as its lease.
	exchange(t, s, "r1", engine.LimitClaim{LimitBucket: plainBucket("c", "l")}, at(3_400))
	got = listCounts(t, s, engine.LimitCountQuery{OfAccount: "a"}, at(3_600))
	if got.Replicas != 1 || got.Age != 2600*time.Millisecond || got.Buckets[0].InUse != 0 {
		t.Errorf("ListLimitCounts() when one is gone = %+v, want 1 replica, 2.6s old, none in use", got)
	}
	wantRevision(t, s, was, 0)
	// What was counted lately keeps its row, what was not goes with its bucket.
	later := at(61_000 + 10*60_000)
	report(t, s, "r1", 3, later, counted(plainBucket("b", "l"), 0, 1))
	if _, err := s.SweepLimits(t.Context(), later, 100); err != nil {
		t.Fatalf("SweepLimits() = %v, want nil", err)
	}
	if got := listCounts(t, s, engine.LimitCountQuery{Most: 5}, later).Buckets; len(got) != 1 || got[0].AccountID != "b" || got[0].Refused != 1 {
		t.Errorf("counts after a sweep = %+v, want b's alone", got)
	}
	for name, r := range map[string]engine.LimitReport{
		"no replica": {TTL: leaseTTL, Number: 1}, "no number": {Replica: "r", TTL: leaseTTL}, "no time": {Replica: "r", Number: 1},
		"a negative refusal": {Replica: "r", TTL: leaseTTL, Number: 1, Counts: []engine.LimitCount{counted(b, 0, -1)}},
	} {
		if _, err := s.ReportLimits(t.Context(), r, at(0)); engine.CodeOf(err) != engine.CodeInvalid {
			t.Errorf("%s: ReportLimits() = %v, want %s", name, err, engine.CodeInvalid)
		}
	}
}

func limitCountsListed(t *testing.T, d Database) {
	s := open(t, d)
	global := plainBucket("", "l")
	global.Digest[0] = 1
	ofA := counted(global, 5, 5)
	ofA.OfAccount = "a"
	global.Digest[0] = 2
	report(t, s, "r", 1, at(0), counted(plainBucket("a", "own"), 9, 1), counted(plainBucket("a", "other"), 1, 1), counted(plainBucket("b", "own"), 0, 7),
		ofA, counted(global, 3, 2))
	for _, c := range []struct {
		name string
		q    engine.LimitCountQuery
		want string
	}{
		{"all", engine.LimitCountQuery{Most: 9}, "b/own /l /l a/own a/other "},
		{"the first", engine.LimitCountQuery{Most: 2}, "b/own /l "},
		{"of an account", engine.LimitCountQuery{OfAccount: "a", Most: 9}, "/l a/own a/other "},
		{"of limits", engine.LimitCountQuery{Limits: []engine.LimitRef{{AccountID: "a", LimitID: "own"}, {LimitID: "l"}}, Most: 9}, "/l /l a/own "},
		{"of no limit", engine.LimitCountQuery{Limits: []engine.LimitRef{}, Most: 9}, ""},
		{"of a limit and an account", engine.LimitCountQuery{OfAccount: "a", Limits: []engine.LimitRef{{LimitID: "l"}}, Most: 9}, "/l "},
	} {
		got := ""
		for _, b := range listCounts(t, s, c.q, at(0)).Buckets {
			got += b.AccountID + "/" + b.LimitID + " "
		}
		if got != c.want {
			t.Errorf("%s: ListLimitCounts(%+v) = %q, want %q", c.name, c.q, got, c.want)
		}
	}
}
