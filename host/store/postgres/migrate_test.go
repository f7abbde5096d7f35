package postgres

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// An index whose build was cut off is no reason not to start, and is told of.
func TestOpenTellsOfInvalidIndexes(t *testing.T) {
	t.Parallel()
	address := migrated.PostgresURL(t)
	conn := connect(t, address)
	for _, statement := range []string{"create table odd (n bigint)", "insert into odd values (1), (1)"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	// Built in steps of their own, the index of values that are there twice is left behind.
	if _, err := conn.Exec(t.Context(), "create unique index concurrently odd_index on odd (n)"); err == nil {
		t.Fatal("a unique index of equal values was made")
	}
	var log bytes.Buffer
	mustOpen(t, address, Config{Logger: zerolog.New(&log)})
	if !strings.Contains(log.String(), `"index":"odd_index"`) || !strings.Contains(log.String(), "reindex") {
		t.Errorf("Open() of a database with an invalid index logs %s, want the index and what to do", &log)
	}
}
