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

func (s *share) leave() {
	if s != nil {
		s.free <- struct{}{}
	}
}
