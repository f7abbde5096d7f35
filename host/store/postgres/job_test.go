package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// Without its connection a process no longer holds the lock: its job must end, and
// another process may run it.
func TestJobEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	address := migrated.PostgresURL(t)
	name := "job-" + address[strings.LastIndex(address, "_")+1:][:8]
	a, b := mustOpen(t, with(t, address, "application_name", name), Config{}), mustOpen(t, address, Config{})
	ran, err := a.TryJob(t.Context(), "clean", func(ctx context.Context) error {
		terminate(t, address, name+" dedicated")
		<-ctx.Done()
		if ran, err := b.TryJob(t.Context(), "clean", func(context.Context) error { return nil }); !ran || err != nil {
			t.Errorf("TryJob() after the other's connection was lost = %t, %v, want true, nil", ran, err)
		}
		return ctx.Err()
	})
	if !ran || !errors.Is(err, errJobLost) {
		t.Errorf("TryJob() whose connection was lost = %t, %v, want true, %v", ran, err, errJobLost)
	}
}

// Installations in one database have their own jobs.
func TestJobsBelongToTheSchema(t *testing.T) {
	t.Parallel()
	a, b := mustOpen(t, migrated.PostgresURL(t), Config{}), mustOpen(t, migrated.PostgresURL(t), Config{})
	_, err := a.TryJob(t.Context(), "clean", func(ctx context.Context) error {
		if ran, err := b.TryJob(ctx, "clean", func(context.Context) error { return nil }); !ran || err != nil {
			t.Errorf("TryJob() in another schema = %t, %v, want true, nil", ran, err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("TryJob() = %v, want nil", err)
	}
}
