package engine

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/sdk/abi"
)

// How long a stream whose every choice has finished may keep us waiting: some
// servers hold the connection open. See RATIONALE.md, "Why does a stream end when every
// choice has finished?".
const (
	usageWait   = 5 * time.Second // for the counts that should follow
	trailerWait = time.Second     // for the end, once the counts are there
)

// chunkStream is one streamed attempt whose first content has arrived.
type chunkStream struct {
	a          *attempt
	model      string
	quoted     []byte   // model as JSON; nil until a chunk is written
	asked      int      // choices that the request asks for
	queue      [][]byte // chunks not yet handed out, from head on; the buffers are reused
	head       int
	held       int  // bytes in queue before the first content
	content    bool // something that the caller must see has arrived
	ended      bool // the upstream stream is over
	err        error
	open       map[int64]bool // choice index → not finished yet
	native     *passing       // of a stream that is passed on as it comes; nil: translated
	translated bool           // the adapter has seen an event
	done       bool           // the upstream said [DONE]

	// Of the end: the reader watches trailer until it is closed, so that it is the
	// stream's own and ends with it, not with one Next.
	trailer context.Context
	cancel  context.CancelFunc
	timer   *time.Timer
	waiting time.Duration // what timer was set to; 0: not
	until   time.Time     // when it ends

	tell      func() // see BeforeWait; may be nil
	warned    bool   // the reader says before it waits
	onSettled func() // called once, with the row written
}

// stream makes one streamed attempt and waits for its first content.
func (x *execution) stream(ctx context.Context, t Target, onSettled func()) (Stream, error) {
	a, err := x.send(ctx, t, true)
	if err != nil {
		return nil, err
	}
	s := &chunkStream{a: a, model: x.shownModel(t), asked: max(int(x.r.Doc.Root().Get("n").Int()), 1), open: map[int64]bool{}}
	if a.native {
		s.native, s.model = &passing{wire: x.r.Wire}, x.nativeModel(t)
	}
	for !s.content && !s.ended {
		if err := s.pump(ctx); err != nil {
			a.settle(err)
			s.release()
			return nil, err
		}
	}
	a.first = time.Since(a.began)
	a.report(nil)
	s.onSettled = onSettled
	return s, nil
}

// Next implements Stream.
func (s *chunkStream) Next(ctx context.Context) ([]byte, error) {
	for s.head == len(s.queue) {
		if s.err != nil {
			return nil, s.err
		}
		if s.ended {
			s.warnEnd()
			s.settle(nil)
			s.err = io.EOF
			return nil, s.err
		}
		s.recycle()
		if err := s.pump(ctx); err != nil {
			s.warnEnd()
			s.settle(err)
			s.err = err
		}
	}
	chunk := s.queue[s.head]
	s.head++
	return chunk, nil
}

// BeforeWait implements Forewarner. A reader that cannot say waits as far as anybody knows.
func (s *chunkStream) BeforeWait(tell func()) {
	s.tell = tell
	if f, ok := s.a.reply.Events.(Forewarner); ok {
		s.warned = true
		f.BeforeWait(s.warn)
	}
}

// warn tells that the provider is about to be waited for. The time that takes, with a caller who
// reads slowly, is none of the provider's.
func (s *chunkStream) warn() {
	if s.waiting == 0 {
		s.tell()
		return
	}
	s.timer.Stop()
	began := time.Now()
	s.tell()
	s.until = s.until.Add(time.Since(began))
	s.timer.Reset(time.Until(s.until))
}

// warnEnd tells that the row is about to be written, for which a disk may be waited.
func (s *chunkStream) warnEnd() {
	if s.tell != nil {
		s.tell()
	}
}

// Close implements Stream.
func (s *chunkStream) Close() {
	defer s.release()
	if s.err == nil {
		s.err = &Error{Code: CodeCanceled, Message: "The stream is closed."}
		if s.ended {
			s.settle(nil)
		} else {
			s.settle(s.err)
		}
	}
	if s.done {
		s.done = false
		_ = s.drain()
	}
}

// drain reads the end of a body whose terminator has come, and which is already on its
// way: only then can the connection be used again.
func (s *chunkStream) drain() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	defer s.a.contain(ctx, &err)
	_, err = s.a.reply.Events.Next(ctx)
	return err
}

// settle writes the row. A caller who leaves when everything is said has had its answer.
func (s *chunkStream) settle(err error) {
	if CodeOf(err) == CodeCanceled && s.said() {
		err = nil
	}
	s.a.settle(err)
	if s.onSettled != nil {
		s.onSettled()
		s.onSettled = nil
	}
}

// release closes the attempt, and only then ends what its reader may still watch.
func (s *chunkStream) release() {
	s.a.close()
	if s.timer != nil {
		s.timer.Stop()
		s.cancel()
	}
}

// pump takes one upstream event through the adapter, or the end of the stream.
func (s *chunkStream) pump(ctx context.Context) error {
	said := s.said()
	over, err := s.event(ctx)
	if err == nil && !over && !said {
		err = s.a.spent()
	}
	if err != nil && said && ctx.Err() == nil {
		// The caller has the whole answer: what is wrong with the rest costs it nothing.
		zerolog.Ctx(ctx).Debug().Str("request_id", s.a.x.r.ID).Str("provider", s.a.target.Provider.ID).Err(err).Msg("the end of a complete stream is left out")
		over, err = true, nil
	}
	if err != nil || !over {
		return err
	}
	return s.end(ctx)
}

// event waits for one upstream event and translates it; over reports that none will follow.
func (s *chunkStream) event(ctx context.Context) (over bool, err error) {
	a := s.a
	defer a.contain(ctx, &err)
	if a.reply.Events == nil {
		return false, a.fail(Errorf(CodeUpstreamFailed, "Provider %s did not stream.", a.target.Provider.ID), nil, "not a stream", true)
	}
	if s.tell != nil && !s.warned {
		s.warn()
	}
	event, err := s.next(s.patience(ctx))
	switch {
	case err == nil && string(event.Data) == "[DONE]":
		s.done = true
		return true, nil
	case err == nil && s.native != nil:
		return s.pass(ctx, event.Name, event.Data)
	case err == nil:
		return false, s.translate(ctx, event.Name, event.Data)
	case errors.Is(err, io.EOF):
		return true, nil
	case ctx.Err() != nil:
		return false, a.fail(gone(ctx), err, "client gone", false)
	}
	e := asError(err)
	return false, a.fail(e, err, a.target.Provider.ID+" "+string(e.Code), true)
}

// next waits for one upstream event. Of the time that a caller waits for its first content the
// provider's part is known.
func (s *chunkStream) next(ctx context.Context) (Event, error) {
	if s.a.first > 0 {
		return s.a.reply.Events.Next(ctx)
	}
	waited := time.Now()
	event, err := s.a.reply.Events.Next(ctx)
	s.a.x.upstream += time.Since(waited)
	return event, err
}

// patience returns the context for the next event: ctx, and once everything is said one
// that ends some time after.
func (s *chunkStream) patience(ctx context.Context) context.Context {
	wait := time.Duration(0)
	if s.said() {
		wait = usageWait
		if s.a.used.counted() {
			wait = trailerWait
		}
	}
	if wait != s.waiting {
		s.waiting, s.until = wait, time.Now().Add(wait)
		switch {
		case s.timer == nil:
			s.trailer, s.cancel = context.WithCancel(ctx)
			s.timer = time.AfterFunc(wait, s.cancel)
		case wait == 0:
			s.timer.Stop() // a choice more than was asked for
		default:
			s.timer.Reset(wait)
		}
	}
	if s.trailer != nil {
		return s.trailer
	}
	return ctx
}

// end tells the adapter that the stream is over and checks that it was whole.
func (s *chunkStream) end(ctx context.Context) (err error) {
	s.ended = true
	defer s.a.contain(ctx, &err)
	if s.native == nil {
		err = s.translate(ctx, abi.EventEOF, nil)
	}
	switch {
	case err != nil && (ctx.Err() != nil || !s.said()):
		return err
	case s.complete():
		return nil
	}
	id := s.a.target.Provider.ID
	return s.a.fail(Errorf(CodeUpstreamTruncated, "Provider %s ended the stream before the answer was complete.", id), nil, id+" truncated", true)
}
