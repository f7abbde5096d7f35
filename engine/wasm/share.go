package wasm

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// share is what an account's own plugins may run at once, all together: never every
// processor, so that whatever they do, others go on. Nil for global plugins.
type share struct{ free chan struct{} }

func newShare() *share {
	n := max(runtime.GOMAXPROCS(0)-1, 1)
	s := &share{free: make(chan struct{}, n)}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// shareWait is how long a call waits for its account's turn: others of the account
// hold it for a call's limit at most.
const shareWait = time.Second

var errBusy = errors.New("the account's plugins are busy")

// enter waits for a turn. The caller leaves.
func (s *share) enter(ctx context.Context) error {
	if s == nil {
		return nil
	}
	select {
	case <-s.free:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeoutCause(ctx, shareWait, errBusy)
	defer cancel()
	select {
	case <-s.free:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return &engine.Error{Code: engine.CodeCanceled, Message: "the caller is gone", Err: ctx.Err()}
		}
		return &engine.Error{Code: engine.CodePluginFailed, Message: errBusy.Error(), Err: ctx.Err()}
	}
}

// turn is a turn for trying an upload of that account, which runs what a stranger wrote like
// any call of theirs. The caller leaves what it returns.
// Errors: CodeRateLimited while others of the account hold all turns.
func (l *Library) turn(ctx context.Context, account string) (*share, error) {
	if account == "" {
		return nil, nil
	}
	s := l.current.Load().shares[account]
	if s == nil {
		s = l.newcomers
	}
	err := s.enter(ctx)
	if err != nil && ctx.Err() == nil {
		err = &engine.Error{Code: engine.CodeRateLimited, Message: "Plugins of this account are busy. Try again in a few seconds.", After: 5 * time.Second, Err: err}
	}
	return s, err
}

func (s *share) leave() {
	if s != nil {
		s.free <- struct{}{}
	}
}

// A call that broke keeps its account's turn for some time more, in which others have the
// processor: by what it spent, at four times what that took at least, within these bounds.
const (
	restPerUnit = 20 * time.Nanosecond
	leastRest   = time.Millisecond
	mostRest    = 100 * time.Millisecond
)

// restAfter is how long the turn of a call that broke is kept. spent is in units of fuel.
func restAfter(kind trapKind, spent int64) time.Duration {
	if kind == trapDeadline {
		return mostRest // what it took, fuel does not tell
	}
	return min(max(time.Duration(spent)*restPerUnit, leastRest), mostRest)
}

// leaveAfter is leave for a call that broke. Nobody waits for it but the account's next calls.
func (s *share) leaveAfter(rest time.Duration) {
	if s != nil {
		time.AfterFunc(rest, s.leave)
	}
}
