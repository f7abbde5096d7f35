package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/store/storetest"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// A server whose answers are late confirms all the same, whatever became of the pool; so does one
// that cut the connection.
func TestConfirm(t *testing.T) {
	t.Parallel()
	p, address := storetest.NewProxy(t, migrated.PostgresURL(t))
	s := mustOpen(t, address, Config{})
	want, err := s.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	confirms := func(when string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if got, err := s.Confirm(ctx); got != want || err != nil {
			t.Errorf("Confirm() %s = %d, %v, want %d", when, got, err, want)
		}
	}
	confirms("at first")

	s.silent.Store(true) // as after a call that was not answered in its time
	s.pool.Reset()
	p.Delay(2 * impatience)
	if _, err := s.Revision(t.Context()); err == nil {
		t.Error("Revision() with a late server and an impatient pool answers: this shows nothing")
	}
	s.silent.Store(true)
	conn := s.confirmer.conn
	confirms("of a late server")
	if s.confirmer.conn != conn {
		t.Error("Confirm() of a late server made a connection, and had one")
	}
	p.Delay(0)

	p.Cut("dedicated")
	confirms("after its connection was cut")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Confirm(gone); err == nil {
		t.Error("Confirm() for one who is gone = nil, want the context's error")
	}
	confirms("after one who is gone")
}
