package decision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// kept is a DecisionStore in memory.
type kept struct {
	engine.DecisionStore
	mu   sync.Mutex
	rows []engine.DecisionRow
	fail error
	wait chan struct{} // nil, or what a write waits for
}

func (k *kept) AddDecisions(ctx context.Context, rows []engine.DecisionRow) error {
	if k.wait != nil {
		select {
		case <-k.wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail == nil {
		k.rows = append(k.rows, rows...)
	}
	return k.fail
}

func (k *kept) failing(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = err
}

func (k *kept) len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.rows)
}

var testTime = time.Date(2026, 11, 23, 9, 0, 0, 123_456_789, time.UTC)

func record(id string) *engine.DecisionRecord {
	return &engine.DecisionRecord{
		Detail: engine.DecisionRecorded,
		Inputs: engine.DecisionInputs{
			RequestID: id, At: testTime, Principal: engine.Principal{AccountID: "acme", TeamID: "red", UserID: "ann", KeyID: "key", KeyName: "laptop", Role: engine.RoleUser},
			Operation: "chat", Wire: engine.APIChat, Model: "auto", Hints: engine.Hints{SessionID: "s"},
			Features: engine.Features{Model: "auto", Chars: 12, Tokens: 3, Messages: 1},
			Session:  engine.Session{SessionKey: engine.SessionKey{AccountID: "acme", UserID: "ann", ID: "s"}, Turns: 1, Model: "gpt-4o", CreatedAt: testTime.Truncate(time.Millisecond), UpdatedAt: testTime.Truncate(time.Millisecond), ExpiresAt: testTime.Truncate(time.Millisecond)},
			Searched: true,
		},
		Decision: engine.Decision{Source: "complex-reasoning", Models: []string{"claude-opus-4.5"}, Searched: true},
		Targets:  []string{"claude-opus-4.5", "gpt-4o"}, Served: "claude-opus-4.5", Provider: "anthropic", Attempts: 1, CostNanoUSD: 7_000,
		Skips: []engine.Skip{{What: "o1", Reason: engine.SkipUnknownModel}}, DecideUS: 20, LatencyMS: 800,
	}
}

const canary = "canary-in-the-prompt"

func written(id string, detail engine.DecisionDetail) *engine.DecisionRecord {
	r := record(id)
	r.Detail = detail
	r.Inputs.Text, r.Inputs.Metadata = canary, []byte(`{"note":"`+canary+`"}`)
	r.Inputs.Body = []byte(`{"model":"auto","messages":[{"role":"user","content":"` + canary + `"}]}`)
	return r
}

func TestRecordsAreWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &kept{}
		l := NewLog(store, Config{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		for i := range 20 {
			l.Record(record(fmt.Sprint("r", i)))
		}
		l.Record(written("with text", engine.DecisionWithText))
		l.Record(&engine.DecisionRecord{})
		time.Sleep(time.Second)
		synctest.Wait()
		if got := store.len(); got != 21 || l.Stats() != (engine.DecisionStats{Written: 21}) {
			t.Errorf("after a second %d rows are stored, %+v, want 21", got, l.Stats())
		}
		l.Record(record("last")) // just before the stop
		stop()
		if err := <-done; err != nil || store.len() != 22 {
			t.Errorf("Run() = %v with %d rows, want the last one written", err, store.len())
		}
		for i := range store.rows {
			row := &store.rows[i]
			want := *record(row.RequestID)
			if row.RequestID == "with text" {
				want = *written(row.RequestID, engine.DecisionWithText)
			}
			if got, err := row.Decode(); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s is stored as %+v, %v\nwant %+v", row.RequestID, got, err, want)
			}
		}
	})
}

// A store that is away holds nobody up, loses nothing that there is room for, and is tried again.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &kept{fail: errors.New("away")}
		l := NewLog(store, Config{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		for i := range 10 {
			l.Record(record(fmt.Sprint("a", i)))
		}
		time.Sleep(20 * time.Second)
		for i := range 10 { // behind those that are tried again
			l.Record(record(fmt.Sprint("b", i)))
		}
		store.failing(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := store.len(); got != 20 {
			t.Errorf("%d rows are stored when the store is back, want 20", got)
		}
		store.failing(errors.New("away for good"))
		l.Record(record("lost"))
		stop()
		before := time.Now()
		if err := <-done; err == nil || time.Since(before) > writeTimeout+maxRetry {
			t.Errorf("Run() = %v after %v, want the error within its time", err, time.Since(before))
		}
	})
}

func TestWriteThatHangs(t *testing.T) {
	t.Parallel()
	store := &kept{wait: make(chan struct{})}
	l := NewLog(store, Config{Queue: 64 << 10})
	hung := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { hung <- l.Flush(ctx) }()
	const records = 2_000
	for i := range records { // each returns, whatever the store does
		l.Record(record(fmt.Sprint("r", i)))
	}
	s := l.Stats()
	if s.Dropped == 0 || s.Waiting > 64<<10 {
		t.Errorf("Stats() = %+v, want some dropped and at most 64 KiB to wait", s)
	}
	cancel()
	<-hung
	close(store.wait)
	if err := l.Flush(t.Context()); err != nil {
		t.Fatalf("Flush() = %v", err)
	}
	if s := l.Stats(); s.Written+s.Dropped != records || int(s.Written) != store.len() {
		t.Errorf("Stats() = %+v with %d rows, want %d written or dropped", s, store.len(), records)
	}
}

func TestRefusedRowsAreDropped(t *testing.T) {
	t.Parallel()
	store := &kept{fail: engine.Errorf(engine.CodeInvalid, "no")}
	l := NewLog(store, Config{})
	l.Record(record("r"))
	if err := l.Flush(t.Context()); err != nil || l.Stats() != (engine.DecisionStats{Dropped: 1}) {
		t.Errorf("Flush() = %v, %+v, want the row counted as dropped", err, l.Stats())
	}
}

// choosy is a store that refuses batches with some rows.
type choosy struct {
	kept
	refuses func(row *engine.DecisionRow) bool
	calls   int
}

func (c *choosy) AddDecisions(ctx context.Context, rows []engine.DecisionRow) error {
	c.calls++
	for i := range rows {
		if c.refuses(&rows[i]) {
			return engine.Errorf(engine.CodeInvalid, "no")
		}
	}
	return c.kept.AddDecisions(ctx, rows)
}

func TestRefusedRowsTakeNoOthersAlong(t *testing.T) {
	t.Parallel()
	const rows = 300
	for _, c := range []struct {
		name      string
		bad       map[int]bool
		mostCalls int
	}{
		{"none", nil, 1},
		{"the first", map[int]bool{0: true}, 20},
		{"one amid others", map[int]bool{137: true}, 20},
		{"the last", map[int]bool{rows - 1: true}, 20},
		{"three, two of them side by side", map[int]bool{7: true, 8: true, 200: true}, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store := &choosy{refuses: func(r *engine.DecisionRow) bool {
				var n int
				_, err := fmt.Sscanf(r.RequestID, "request-%d", &n)
				return err != nil || c.bad[n]
			}}
			l := NewLog(store, Config{})
			for n := range rows {
				l.Record(record(fmt.Sprint("request-", n)))
			}
			if err := l.Flush(t.Context()); err != nil {
				t.Fatalf("Flush() = %v, want nil", err)
			}
			want := engine.DecisionStats{Written: int64(rows - len(c.bad)), Dropped: int64(len(c.bad))}
			if got := l.Stats(); got != want || store.len() != rows-len(c.bad) {
				t.Errorf("Stats() = %+v with %d rows, want %+v", got, store.len(), want)
			}
			if store.calls > c.mostCalls {
				t.Errorf("%d calls of the store, want at most %d", store.calls, c.mostCalls)
			}
		})
	}
}

// tired is a store that refuses some rows, and whose time is up after a few calls of a flush.
type tired struct {
	choosy
	left int
}

func (s *tired) AddDecisions(ctx context.Context, rows []engine.DecisionRow) error {
	if s.left == 0 {
		return context.DeadlineExceeded
	}
	s.left--
	return s.choosy.AddDecisions(ctx, rows)
}

// TestSearchGoesOnWithTheNextFlush: a store so slow that a flush ends amid the search for a row gets rid
// of that row all the same.
func TestSearchGoesOnWithTheNextFlush(t *testing.T) {
	t.Parallel()
	const rows = 300
	store, first := &tired{}, ""
	store.refuses = func(r *engine.DecisionRow) bool {
		if first == "" {
			first = r.RequestID
		}
		return r.RequestID == first
	}
	l := NewLog(store, Config{})
	for n := range rows {
		l.Record(record(fmt.Sprint("request-", n)))
	}
	err := errors.New("not tried")
	for n := 0; err != nil && n < 20; n++ {
		store.left = 2
		err = l.Flush(t.Context())
	}
	if want := (engine.DecisionStats{Written: rows - 1, Dropped: 1}); err != nil || l.Stats() != want {
		t.Errorf("Flush() = %v, %+v after 20 times, want %+v", err, l.Stats(), want)
	}
}

// TestSearchIsBounded: a flush ends when it was refused too often, and no row that the store takes is lost
// by that.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	const rows = 300
	for _, c := range []struct {
		name string
		bad  int // each how manieth
	}{
		{"all", 1},
		{"each second", 2},
		{"each fifth", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &choosy{refuses: func(r *engine.DecisionRow) bool {
					var n int
					_, err := fmt.Sscanf(r.RequestID, "request-%d", &n)
					return err != nil || n%c.bad == 0
				}}
				l := NewLog(store, Config{})
				for n := range rows {
					l.Record(record(fmt.Sprint("request-", n)))
				}
				if err := l.Flush(t.Context()); !errors.Is(err, errUnfinished) || store.calls > 2*maxRefusals+1 {
					t.Fatalf("Flush() = %v after %d calls, want %v after a bounded search", err, store.calls, errUnfinished)
				}
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- l.Run(ctx) }()
				l.Record(record("request-0")) // behind those that are searched
				time.Sleep(10 * time.Second)  // at the usual pace: the store is not away
				synctest.Wait()
				bad := int64(rows/c.bad + 1)
				if got, want := l.Stats(), (engine.DecisionStats{Written: rows + 1 - bad, Dropped: bad}); got != want {
					t.Errorf("Stats() = %+v, want %+v", got, want)
				}
				stop()
				if err := <-done; err != nil {
					t.Errorf("Run() = %v, want nil", err)
				}
			})
		})
	}
}

func TestDetail(t *testing.T) {
	no := false
	policies := engine.NewPolicies([]engine.Preferences{
		{Tenant: engine.Tenant{AccountID: "silent"}, StoreText: &no},
		{Tenant: engine.Tenant{AccountID: "mixed", TeamID: "red"}, StoreText: &no},
	}, nil, nil)
	l := NewLog(&kept{}, Config{Policies: func() *engine.Policies { return policies }})
	all := engine.DecisionSettings{Share: engine.WholeShare, Days: 14}
	text, none := all, all
	text.Text, none.Share = true, 0
	of := func(account string, s engine.DecisionSettings) engine.DecisionSettings {
		s.AccountID = account
		return s
	}
	l.Set([]engine.DecisionSettings{of("text", text), of("silent", text), of("mixed", text), of("none", none)})
	for _, c := range []struct {
		p    engine.Principal
		want engine.DecisionDetail
	}{
		{engine.Principal{AccountID: "other"}, engine.DecisionRecorded},
		{engine.Principal{AccountID: "text"}, engine.DecisionWithText},
		{engine.Principal{AccountID: "silent"}, engine.DecisionRecorded},
		{engine.Principal{AccountID: "mixed"}, engine.DecisionWithText},
		{engine.Principal{AccountID: "mixed", TeamID: "red"}, engine.DecisionRecorded},
		{engine.Principal{AccountID: "none"}, engine.DecisionUnrecorded},
	} {
		if got := l.Detail(&c.p, "r"); got != c.want {
			t.Errorf("Detail(%+v) = %d, want %d", c.p, got, c.want)
		}
	}
	// The default is for the others, and never keeps text.
	l.Set([]engine.DecisionSettings{text, of("none", none)})
	if got := l.Detail(&engine.Principal{AccountID: "other"}, "r"); got != engine.DecisionRecorded {
		t.Errorf("Detail() under a default with text = %d, want %d", got, engine.DecisionRecorded)
	}
	p := engine.Principal{AccountID: "text"}
	if n := testing.AllocsPerRun(100, func() { l.Detail(&p, "0199b8a2-2f3c-7000-8000-000000000001") }); n != 0 {
		t.Errorf("Detail allocates %v times, want 0", n)
	}
}

func TestSampledShares(t *testing.T) {
	t.Parallel()
	const requests = 20_000
	p := engine.Principal{AccountID: "acme"}
	l := NewLog(&kept{}, Config{})
	was := map[string]bool{}
	for _, share := range []int{0, 1, 100, 2_500, 5_000, 9_999, engine.WholeShare} {
		l.Set([]engine.DecisionSettings{{AccountID: "acme", Share: share, Days: 14}})
		n := 0
		for i := range requests {
			id := fmt.Sprintf("0199b8a2-2f3c-7000-8000-%012d", i)
			in := l.Detail(&p, id) == engine.DecisionRecorded
			if in {
				n++
			} else if was[id] {
				t.Fatalf("%s is in a smaller share, and not in %d", id, share)
			}
			was[id] = in
			if again := l.Detail(&p, id) == engine.DecisionRecorded; again != in {
				t.Fatalf("%s is recorded %v, then %v", id, in, again)
			}
		}
		if want := requests * share / engine.WholeShare; n < want-want/10-10 || n > want+want/10+10 {
			t.Errorf("%d of %d requests are recorded at a share of %d, want about %d", n, requests, share, want)
		}
	}
}

// What people wrote is in no byte that waits or is stored, unless it is asked for.
func TestTextIsNotKeptUnasked(t *testing.T) {
	t.Parallel()
	store := &kept{}
	l := NewLog(store, Config{})
	l.Record(written("r", engine.DecisionRecorded))
	for i := range l.queue.shards {
		if bytes.Contains(l.queue.shards[i].b, []byte(canary)) {
			t.Error("the queue has what people wrote")
		}
	}
	if err := l.Flush(t.Context()); err != nil || len(store.rows) != 1 {
		t.Fatalf("Flush() = %v with %d rows, want one", err, len(store.rows))
	}
	got, err := store.rows[0].Decode()
	if bytes.Contains(store.rows[0].Data, []byte(canary)) || got.Inputs.Text != "" || got.Inputs.Body != nil || got.Inputs.Metadata != nil || err != nil {
		t.Errorf("stored is %q, %+v, %v, want nothing that people wrote", store.rows[0].Data, got.Inputs, err)
	}
}

func TestRecordAllocates(t *testing.T) {
	l := NewLog(&kept{}, Config{Queue: 1 << 30})
	r := record("0199b8a2-2f3c-7000-8000-000000000001")
	for i := range l.queue.shards {
		l.queue.shards[i].b = make([]byte, 0, 4<<20)
	}
	best := 1.0 // under the race detector pools drop at random
	for range 200 {
		best = min(best, testing.AllocsPerRun(1, func() { l.Record(r) }))
	}
	if best != 0 {
		t.Errorf("Record allocates %v times, want 0", best)
	}
}

func TestRecordHammer(t *testing.T) {
	t.Parallel()
	store := &kept{}
	l := NewLog(store, Config{Every: time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var wg sync.WaitGroup
	const writers, each = 8, 300
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				l.Record(record(fmt.Sprint(w, "-", i)))
				l.Set(nil)
			}
		})
	}
	wg.Wait()
	stop()
	if err := <-done; err != nil {
		t.Fatalf("Run() = %v", err)
	}
	seen := map[string]bool{}
	for i := range store.rows {
		seen[store.rows[i].RequestID] = true
		if _, err := store.rows[i].Decode(); err != nil {
			t.Fatalf("Decode() = %v", err)
		}
	}
	if len(seen) != writers*each || len(store.rows) != writers*each {
		t.Errorf("%d rows of %d requests, want %d", len(store.rows), len(seen), writers*each)
	}
}

func BenchmarkRecord(b *testing.B) {
	l := NewLog(&kept{}, Config{Queue: 256 << 20})
	r := record("0199b8a2-2f3c-7000-8000-000000000001")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l.Record(r)
		if n++; n%10_000 == 0 { // as the writer would
			b.StopTimer()
			for i := range l.queue.shards {
				l.queue.shards[i].b = l.queue.shards[i].b[:0]
			}
			b.StartTimer()
		}
	}
}

// BenchmarkTake is what a record costs its writer before the store has it.
func BenchmarkTake(b *testing.B) {
	l := NewLog(&kept{}, Config{Queue: 256 << 20})
	r := record("0199b8a2-2f3c-7000-8000-000000000001")
	b.ReportAllocs()
	var rows []engine.DecisionRow
	for n := 1; b.Loop(); n++ {
		if l.Record(r); n%1_000 == 0 {
			rows = l.queue.take(rows[:0])
		}
	}
}
