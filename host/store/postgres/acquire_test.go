package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
)

// Who manages holds three quarters of the connections at most, and where there is one, that one.
func TestDesk(t *testing.T) {
	t.Parallel()
	for conns, want := range map[int32]int{1: 1, 2: 1, 3: 2, 4: 3, 5: 3, 6: 4, 7: 5, 8: 6, 9: 6, 16: 12} {
		if got := cap(newDesk(conns)); got != want {
			t.Errorf("newDesk(%d) has %d places, want %d", conns, got, want)
		}
	}
}

// Whatever the server says, it answers.
func TestServerIsHeard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		err            error
		before, silent bool
	}{
		{"done", nil, true, false},
		{"refused", &pgconn.PgError{Code: "23505"}, true, false},
		{"no rows", pgx.ErrNoRows, true, false},
		{"not found", fmt.Errorf("rule: %w", engine.ErrNotFound), true, false},
		{"taken", engine.ErrConflict, true, false},
		{"cut", io.ErrUnexpectedEOF, false, true},
		{"late", context.DeadlineExceeded, false, true},
		{"the caller left", context.Canceled, true, true},
		{"every connection is in use", errBusy, true, true},
		{"every connection is in use, of a server that answers", errBusy, false, false},
		{"something else", errors.New("encode"), true, true},
	} {
		var s Store
		s.silent.Store(c.before)
		s.heard(t.Context(), c.err)
		if got := s.silent.Load(); got != c.silent {
			t.Errorf("heard(%s) after silent = %t leaves it %t, want %t", c.name, c.before, got, c.silent)
		}
	}
}
