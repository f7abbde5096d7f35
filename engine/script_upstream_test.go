package engine

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// scriptUpstream is the providers' servers.
type scriptUpstream struct{ g *rig }

func (u scriptUpstream) HasCredential(*Provider) bool { return true }
func (u scriptUpstream) Simulated(*Provider) bool     { return true }

func (u scriptUpstream) Do(ctx context.Context, r *UpstreamRequest) (*UpstreamResponse, error) {
	s := u.g.script(r.Provider.ID)
	if s.onDo != nil {
		s.onDo(ctx)
	}
	if s.onSend != nil {
		s.onSend(r)
	}
	if s.answer != nil {
		s = s.answer(r)
	}
	if err := ctx.Err(); err != nil {
		return nil, &Error{Code: CodeCanceled, Message: "canceled", Err: err}
	}
	if s.doErr != nil {
		return nil, s.doErr
	}
	reply := &UpstreamResponse{Status: s.status, Field: func(string) string { return "" }}
	if s.fields != nil {
		reply.Field = s.fields
	}
	if reply.Status == 0 {
		reply.Status = 200
	}
	u.g.count(&u.g.replies, 1)
	var events *scriptEvents
	var once sync.Once
	reply.Close = func() {
		once.Do(func() {
			u.g.count(&u.g.replies, -1)
			if events != nil {
				events.close()
			}
		})
	}
	if reply.Status != 200 || !r.Stream {
		reply.Body = []byte(s.body)
		return reply, nil
	}
	events = &scriptEvents{g: u.g, steps: s.events, pace: s.pace, dead: make(chan struct{})}
	reply.Events = events
	return reply, nil
}

// scriptEvents keeps to what host/upstream does: the context of the last Next is
// watched until the next call or the close, and its end closes the connection.
type scriptEvents struct {
	g     *rig
	steps []string
	at    int
	pace  time.Duration
	tell  func() // see Forewarner

	mu      sync.Mutex
	watched context.Context
	unwatch func() bool
	killed  bool
	dead    chan struct{}
}

func (e *scriptEvents) watch(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ctx == e.watched {
		return
	}
	if e.unwatch != nil {
		e.unwatch()
	}
	e.watched, e.unwatch = ctx, context.AfterFunc(ctx, e.kill)
}

func (e *scriptEvents) kill() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.killed {
		e.killed = true
		close(e.dead)
	}
}

func (e *scriptEvents) close() {
	e.mu.Lock()
	if e.unwatch != nil {
		e.unwatch()
	}
	e.mu.Unlock()
	e.kill()
}

// BeforeWait implements Forewarner: here every event is waited for.
func (e *scriptEvents) BeforeWait(tell func()) { e.tell = tell }

func (e *scriptEvents) Next(ctx context.Context) (Event, error) {
	e.watch(ctx)
	if e.tell != nil {
		e.tell()
	}
	canceled := &Error{Code: CodeCanceled, Message: "The request was canceled.", Err: context.Canceled}
	if e.pace > 0 {
		time.Sleep(e.pace) // of the bubble's clock
	}
	select {
	case <-e.dead:
		return Event{}, canceled
	default:
	}
	if e.at == len(e.steps) {
		e.g.count(&e.g.drained, 1)
		e.close()
		return Event{}, io.EOF
	}
	step := e.steps[e.at]
	e.at++
	switch step {
	case markCut:
		return Event{}, Errorf(CodeUpstreamTruncated, "cut")
	case markTimeout:
		return Event{}, Errorf(CodeUpstreamTimeout, "late")
	case markPanic:
		panic("client broke")
	case markStall:
		<-e.dead
		return Event{}, canceled
	}
	if wait, data, ok := strings.Cut(step, "s later: "); ok {
		if seconds, err := strconv.ParseFloat(wait, 64); err == nil {
			select {
			case <-time.After(time.Duration(seconds * float64(time.Second))):
			case <-e.dead:
				return Event{}, canceled
			}
			step = data
		}
	}
	return Event{Data: []byte(step)}, nil
}
