package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"
)

// PanicContained is the message of every log line about a panic that did not end the process. What
// logs for a host counts these lines.
const PanicContained = "panic contained"

// How long Keep waits after a panic before the work begins again: the first time, and at most. Work
// that went on for longer than the latter begins with the former.
const (
	firstRestart = time.Second
	lastRestart  = time.Minute
)

// Contain runs f, of which nobody else would recover a panic, in the caller's goroutine. A panic in
// it is logged with its stack, and is the error; where says what went on, for a person.
func Contain(log zerolog.Logger, where string, f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Error().Str("where", where).Str("panic", fmt.Sprint(v)).Bytes("stack", debug.Stack()).Msg(PanicContained)
			err = fmt.Errorf("%s: panic: %v", where, v)
		}
	}()
	f()
	return nil
}

// Keep runs work until it returns, in the caller's goroutine. After a panic, which is logged as by
// Contain, work begins again when a pause is over: so it must find its state as a panic may leave it.
// Nothing begins again once ctx has ended.
func Keep(ctx context.Context, log zerolog.Logger, where string, work func(ctx context.Context)) {
	for pause := firstRestart; ; pause = min(2*pause, lastRestart) {
		began := time.Now()
		if Contain(log, where, func() { work(ctx) }) == nil {
			return
		}
		if time.Since(began) > lastRestart {
			pause = firstRestart
		}
		again := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			again.Stop()
			return
		case <-again.C:
		}
	}
}
