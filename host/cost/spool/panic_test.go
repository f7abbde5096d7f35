package spool

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A panic comes out of Run, whatever works beside it, and Run can be begun again.
func TestRunPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		armed := true // only Run's goroutine reaches the point
		s, d := open(t, Config{Dir: t.TempDir(), SegmentBytes: 1, Failpoint: func(point string) {
			if point == "remove" && armed {
				armed = false
				panic(point)
			}
		}}), newDatabase()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		run := func() <-chan any {
			ended := make(chan any, 1)
			go func() {
				defer func() { ended <- recover() }()
				_ = s.Run(ctx, d.write)
			}()
			return ended
		}
		token, u := reserve(t, s, "before")
		s.Settle(token, settled(u))
		select {
		case got := <-run():
			if got != "remove" {
				t.Errorf("Run ends with the panic %v, want remove", got)
			}
		case <-time.After(time.Minute):
			t.Fatal("Run has not ended a minute after a panic in it")
		}
		again := run()
		token, u = reserve(t, s, "after")
		s.Settle(token, settled(u))
		time.Sleep(time.Second)
		if got := d.ids(); len(got) != 2 {
			t.Errorf("after Run was begun again the database has %q, want both rows", got)
		}
		cancel()
		if got := <-again; got != nil {
			t.Errorf("Run begun again panics with %v, want nothing", got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
