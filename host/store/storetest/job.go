package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

var jobTests = []test{
	{"a job runs alone", jobAlone},
	{"a job that fails lets go", jobFails},
	{"the context ends a job", jobCanceled},
	{"a job that panics lets go", jobPanics},
}

var sharedJobTests = []test{
	{"of two processes one runs a job", jobElected},
}

// wantJob asks whether a job of that name is run now.
func wantJob(t *testing.T, s engine.Store, name string, want bool) {
	t.Helper()
	called := false
	ran, err := s.TryJob(t.Context(), name, func(context.Context) error {
		called = true
		return nil
	})
	if ran != want || called != want || err != nil {
		t.Errorf("TryJob(%q) = %t, %v and called it: %t; want %t, nil, %t", name, ran, err, called, want, want)
	}
}

func jobAlone(t *testing.T, d Database) {
	s := open(t, d)
	for range 2 {
		ran, err := s.TryJob(t.Context(), "clean", func(context.Context) error {
			wantJob(t, s, "clean", false)
			wantJob(t, s, "other", true)
			return nil
		})
		if !ran || err != nil {
			t.Errorf("TryJob() = %t, %v, want true, nil", ran, err)
		}
	}
}

func jobFails(t *testing.T, d Database) {
	s := open(t, d)
	wrong := errors.New("wrong")
	ran, err := s.TryJob(t.Context(), "clean", func(context.Context) error { return wrong })
	if !ran {
		t.Error("TryJob() = false, want true")
	}
	wantErr(t, "TryJob()", err, wrong)
	wantJob(t, s, "clean", true)
}

func jobCanceled(t *testing.T, d Database) {
	s := open(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	ran, err := s.TryJob(ctx, "clean", func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if !ran {
		t.Error("TryJob() = false, want true")
	}
	wantErr(t, "TryJob()", err, context.Canceled)
	if ran, err := s.TryJob(ctx, "clean", func(context.Context) error { return nil }); ran || err == nil {
		t.Errorf("TryJob() under an ended context = %t, %v, want false and an error", ran, err)
	}
	wantJob(t, s, "clean", true)
}

func jobPanics(t *testing.T, d Database) {
	s := open(t, d)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("TryJob() hid the panic of its job")
			}
		}()
		_, _ = s.TryJob(t.Context(), "clean", func(context.Context) error { panic("wrong") })
	}()
	wantJob(t, s, "clean", true)
}

func jobElected(t *testing.T, d Database) {
	a, b := open(t, d), open(t, d)
	for _, pair := range [][2]engine.Store{{a, b}, {b, a}} {
		ran, err := pair[0].TryJob(t.Context(), "clean", func(context.Context) error {
			wantJob(t, pair[1], "clean", false)
			wantJob(t, pair[1], "other", true)
			return nil
		})
		if !ran || err != nil {
			t.Errorf("TryJob() = %t, %v, want true, nil", ran, err)
		}
	}
}
