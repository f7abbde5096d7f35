package schema

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// Rows of before the ledger had days are still there, with ids as they are stored now.
func TestLedgerTakesOldRowsAlong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, time, yes, no, hex string
		dialect                  Dialect
		open                     func(t *testing.T) *sql.DB
	}{
		{"sqlite", "1000", "1", "0", "lower(hex(COLUMN))", SQLite(), database},
		{"postgres", "timestamptz '1970-01-01 00:00:01Z'", "true", "false", "encode(COLUMN, 'hex')", Postgres(), postgresDatabase},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := c.open(t)
			older := c.dialect
			older.files = filesOf(t, c.dialect, 12)
			if err := older.Up(t.Context(), db, zerolog.Nop()); err != nil {
				t.Fatalf("Up() = %v, want nil", err)
			}
			for _, ids := range []string{
				"'0197a2f0-1111-7222-8333-0123456789ab', '0197a2f0-2222-7222-8333-0123456789ab'",
				"'0197A2F0-1111-7222-8333-0123456789AB', '0197a2f0-1111-7222-83330123456789ab-'",
				"'plain', 'é'",
			} {
				statement := strings.NewReplacer("IDS", ids, "TIME", c.time, "YES", c.yes, "NO", c.no).Replace(`
insert into usage (account_id, id, request_id, attempt, team_id, user_id, key_id, session_id, model_id, provider_id, upstream_id,
    substituted, source, decision, stream, prompt_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens, completion_tokens,
    reasoning_tokens, estimated, cost_nano_usd, unpriced, premium_use, outcome, status, code, simulated, started_at, latency_ms, first_byte_ms)
values ('a', IDS, 100000, 't', 'u', 'k', '', 'm', 'p', 'up', YES, 's', 'a long story', NO, 9, 0, 2, 0, 5, 6, YES, 7, NO, 33, 'ok', 200, '',
    NO, TIME, 8, 0)`)
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			if err := c.dialect.Up(t.Context(), db, zerolog.Nop()); err != nil {
				t.Fatalf("Up() with rows = %v, want nil", err)
			}
			hex := func(column string) string { return strings.ReplaceAll(c.hex, "COLUMN", column) }
			const packed, packed2 = "000197a2f0111172228333" + "0123456789ab", "000197a2f0222272228333" + "0123456789ab"
			for _, q := range []struct{ query, want string }{
				{"select count(*) from usage", "3"},
				{"select " + hex("request_id") + " from usage where " + hex("id") + " = '" + packed + "'", packed2},
				{"select count(*) from usage where " + hex("id") + " = '706c61696e' and " + hex("request_id") + " = 'c3a9'", "1"},
				{"select length(request_id) from usage where length(id) = 36", "36"},
				{"select count(*) from usage where cached_tokens is null and cache_write_tokens = 2 and premium_use = 33 and first_byte_ms is null", "3"},
				{"select count(*) from usage where attempt = 32767 and cost_nano_usd = 7 and latency_ms = 8 and started_at = " + c.time, "3"},
			} {
				var got string
				if err := db.QueryRowContext(t.Context(), q.query).Scan(&got); err != nil || got != q.want {
					t.Errorf("%s = %q (%v), want %q", q.query, got, err, q.want)
				}
			}
		})
	}
}
