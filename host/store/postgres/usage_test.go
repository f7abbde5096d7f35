package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

const usageDaysQuery = `
select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'usage'::regclass order by 1`

// workload makes rows as an installation of a hundred people has them.
func workload(r *rand.Rand, n int, from time.Time, over time.Duration) []engine.Usage {
	rows := make([]engine.Usage, n)
	for i := range rows {
		user := r.IntN(100)
		at := from.Add(time.Duration(r.Int64N(int64(over)))).Truncate(time.Millisecond)
		model := [...][3]string{
			{"claude-sonnet-4.5", "anthropic", "claude-sonnet-4-5-20250929"}, {"gpt-5.1-codex", "openai", "gpt-5.1-codex"},
			{"gpt-4o-mini", "openai", "gpt-4o-mini-2024-07-18"}, {"gemini-2.5-pro", "google", "gemini-2.5-pro"},
		}[r.IntN(4)]
		u := engine.Usage{
			AccountID: "acme-engineering", ID: uuid.Must(uuid.NewV7()).String(), RequestID: uuid.Must(uuid.NewV7()).String(), Attempt: 1,
			TeamID: fmt.Sprint("platform-", user%8), UserID: fmt.Sprint("first.lastname-", user),
			KeyID: fmt.Sprintf("0197a2f0-0000-7000-8000-%012x", user), SessionID: fmt.Sprintf("0197a2f0-0000-4000-8000-%012x", i/9),
			TaskType: [...]string{"", "", "code-review"}[user%3], ModelID: model[0], ProviderID: model[1], UpstreamID: model[2],
			Source: [...]string{"default", "code-generation", "pinned"}[user%3], Stream: true, Outcome: engine.OutcomeOK, Status: 200,
			Tokens:      engine.Tokens{Prompt: 1000 + r.Int64N(50000), Cached: r.Int64N(2) * r.Int64N(1000), Completion: r.Int64N(4000), Reasoning: r.Int64N(2) * 500},
			CostNanoUSD: r.Int64N(1e8), PriceFrom: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), StartedAt: at,
			LatencyMS: 300 + r.Int64N(20000), FirstByteMS: 100 + r.Int64N(900),
		}
		if r.IntN(30) == 0 {
			u.Outcome, u.Status, u.Code, u.Attempt = engine.OutcomeFailed, 503, engine.CodeUpstreamFailed, 2
		}
		rows[i] = u
	}
	return rows
}

// What a year of calls takes on the disk follows from this.
func TestUsageRowsAreSmall(t *testing.T) {
	t.Parallel()
	address := migrated.PostgresURL(t)
	s, conn := mustOpen(t, address, Config{}), connect(t, address)
	if err := s.AddUsage(t.Context(), workload(rand.New(rand.NewPCG(1, 1)), 2000, time.Now(), time.Hour)); err != nil {
		t.Fatalf("AddUsage() = %v, want nil", err)
	}
	mean := ask[float64](t, conn, "select avg(pg_column_size(u.*))::float8 from usage u")[0]
	t.Logf("a row has %.0f bytes on average", mean)
	if mean > 300 || mean < 100 {
		t.Errorf("a row has %.0f bytes on average, want at most 300", mean)
	}
}

func TestUsageDaysAreMadeByManyAtOnce(t *testing.T) {
	t.Parallel()
	address := migrated.PostgresURL(t)
	conn := connect(t, address)
	stores := []*Store{mustOpen(t, address, Config{}), mustOpen(t, address, Config{}), mustOpen(t, address, Config{})}
	made := ask[string](t, conn, usageDaysQuery) // by the migration
	first := time.Date(2025, 12, 30, 0, 0, 0, 0, time.UTC)
	var group sync.WaitGroup
	for n := range 9 {
		group.Go(func() {
			rows := make([]engine.Usage, 12)
			for i := range rows {
				rows[i] = engine.Usage{AccountID: "a", ID: fmt.Sprint(n, "-", i), StartedAt: first.AddDate(0, 0, (i+n)%12).Add(23*time.Hour + 59*time.Minute)}
			}
			if err := stores[n%3].AddUsage(t.Context(), rows); err != nil {
				t.Errorf("AddUsage() = %v, want nil", err)
			}
		})
	}
	group.Wait()
	var want []string
	for i := range 13 { // and that of the day after
		want = append(want, "usage_"+first.AddDate(0, 0, i).Format("20060102"))
	}
	want = append(want, made...)
	if got := ask[string](t, conn, usageDaysQuery); !slices.Equal(got, want) {
		t.Errorf("partitions = %v, want %v", got, want)
	}
	if got := ask[int64](t, conn, "select count(*) from usage"); got[0] != 108 {
		t.Errorf("usage has %d rows, want 108", got[0])
	}
	for _, name := range ask[string](t, conn, usageDaysQuery) {
		if got := ask[bool](t, conn, `
select relrowsecurity and relforcerowsecurity and (select count(*) = 2 from pg_policy where polrelid = c.oid)
from pg_class c where oid = $1::text::regclass`, name); !got[0] {
			t.Errorf("the partition %s is not behind the wall between accounts", name)
		}
	}
}

// A process remembers which partitions it has made; another one drops them.
func TestUsageDaysMayBeDroppedByOthers(t *testing.T) {
	t.Parallel()
	address := migrated.PostgresURL(t)
	one, other, conn := mustOpen(t, address, Config{}), mustOpen(t, address, Config{}), connect(t, address)
	made := ask[string](t, conn, usageDaysQuery)
	day := time.Date(2020, 2, 28, 0, 0, 0, 0, time.UTC)
	row := engine.Usage{AccountID: "a", ID: "1", StartedAt: day}
	if err := one.AddUsage(t.Context(), []engine.Usage{row}); err != nil {
		t.Fatalf("AddUsage() = %v, want nil", err)
	}
	if err := other.DropUsage(t.Context(), day.AddDate(0, 0, 1).Add(time.Hour), nil); err != nil {
		t.Fatalf("DropUsage() = %v, want nil", err)
	}
	if got, want := ask[string](t, conn, usageDaysQuery), append([]string{"usage_20200229"}, made...); !slices.Equal(got, want) {
		t.Errorf("partitions after DropUsage() = %v, want %v", got, want)
	}
	row.ID = "2"
	if err := one.AddUsage(t.Context(), []engine.Usage{row}); err != nil {
		t.Errorf("AddUsage() to a day that another process dropped = %v, want nil", err)
	}
	if got, err := one.ListUsage(t.Context(), "a", "", 10); err != nil || len(got) != 1 || got[0].ID != "2" {
		t.Errorf("ListUsage() = %v, %v, want the new row", got, err)
	}
}

// What a tenant asks for comes through the wall, also from a partition by its own name.
func TestUsageIsBehindTheWall(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated.PostgresURL(t), Config{})
	at := time.Now()
	if err := s.AddUsage(t.Context(), []engine.Usage{{AccountID: "a", ID: "1", StartedAt: at}, {AccountID: "b", ID: "2", StartedAt: at}}); err != nil {
		t.Fatalf("AddUsage() = %v, want nil", err)
	}
	ctx := engine.WithActor(t.Context(), engine.Actor{Principal: engine.Principal{AccountID: "a", Role: engine.RoleAccountAdmin}})
	day := at.UTC().Truncate(24 * time.Hour)
	for _, account := range []string{"", "a", "b"} {
		q := engine.ReportQuery{AccountID: account, From: day, To: day.AddDate(0, 0, 1), Grain: engine.GrainDay, GroupBy: []string{engine.DimAccount}}
		got, err := s.Report(ctx, q)
		want := 1
		if account == "b" {
			want = 0
		}
		if err != nil || len(got) != want || want > 0 && got[0].Group[engine.DimAccount] != "a" {
			t.Errorf("Report(account %q) for a user of a = %v, %v, want a's alone", account, got, err)
		}
	}
	if got, err := pageUsage(ctx, s, engine.UsageQuery{AccountID: "b", From: day, To: day.AddDate(0, 0, 2), Limit: 10}); err != nil || len(got) != 0 {
		t.Errorf("PageUsage(b) for a user of a = %v, %v, want nothing", got, err)
	}
}

func pageUsage(ctx context.Context, s *Store, q engine.UsageQuery) ([]engine.Usage, error) {
	rows, _, err := s.PageUsage(ctx, q)
	return rows, err
}
