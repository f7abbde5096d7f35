package engine

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

func TestContain(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	log := zerolog.New(&text)
	if err := Contain(log, "the harvest", func() {}); err != nil || text.Len() > 0 {
		t.Errorf("Contain() of what goes well = %v and logs %q, want neither", err, &text)
	}
	err := Contain(log, "the harvest", func() { panic("hail") })
	if err == nil || !strings.Contains(err.Error(), "the harvest: panic: hail") {
		t.Errorf("Contain() of a panic = %v, want it as an error", err)
	}
	for _, want := range []string{`"message":"panic contained"`, `"where":"the harvest"`, `"panic":"hail"`, "TestContain"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("Contain() of a panic logs %s, want %q in it", &text, want)
		}
	}
}

// Work that panics begins again after a pause that grows, and begins small again when the work
// went on for long.
func TestKeep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		Keep(t.Context(), zerolog.Nop(), "work", func(context.Context) {
			switch at = append(at, time.Since(began)); len(at) {
			case 1, 2, 3, 5:
				panic("broken")
			case 4:
				time.Sleep(time.Hour)
				panic("broken late")
			}
		})
		want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second, time.Hour + 8*time.Second, time.Hour + 10*time.Second}
		if len(at) != len(want) {
			t.Fatalf("work began %v after the start, want %v", at, want)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("work began %v after the start, want %v", at, want)
				break
			}
		}
	})
}

// A process that stops does not wait for work that panics.
func TestKeepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		times := 0
		Keep(ctx, zerolog.Nop(), "work", func(context.Context) { times++; panic("broken") })
		if ctx.Err() == nil || times != 5 { // after 0, 1, 3, 7 and 15 seconds
			t.Errorf("Keep() returned with the context %v after %d times, want its end after 5", ctx.Err(), times)
		}
	})
}
