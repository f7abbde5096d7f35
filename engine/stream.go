package engine

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// trailerWait is how long a stream whose every choice has finished may keep us
// waiting for its last events: some servers hold the connection open after them.
const trailerWait = time.Second

// chunkStream is one streamed attempt whose first content has arrived.
type chunkStream struct {
	a        *attempt
	model    string
	queue    [][]byte // chunks not yet handed out, from head on; the buffers are reused
	head     int
	content  bool // something that the caller must see has arrived
	ended    bool // the upstream stream is over
	err      error
	open     map[int64]bool // choice index → not finished yet
	doneData bool           // the upstream said [DONE]
}

// stream makes one streamed attempt and waits for its first content.
func (x *execution) stream(ctx context.Context, t Target) (Stream, error) {
	a, err := x.send(ctx, t, true)
	if err != nil {
		return nil, err
	}
	s := &chunkStream{a: a, model: x.shownModel(t), open: map[int64]bool{}}
	for !s.content && !s.ended {
		if err := s.pump(ctx); err != nil {
			a.settle(err)
			a.close()
			return nil, err
		}
	}
	a.first = time.Since(a.began)
	return s, nil
}

// Next implements Stream.
func (s *chunkStream) Next(ctx context.Context) ([]byte, error) {
	for s.head == len(s.queue) {
		if s.err != nil {
			return nil, s.err
		}
		if s.ended {
			s.a.settle(nil)
			s.err = io.EOF
			return nil, s.err
		}
		s.queue, s.head = s.queue[:0], 0
		if err := s.pump(ctx); err != nil {
			s.a.settle(err)
			s.err = err
		}
	}
	chunk := s.queue[s.head]
	s.head++
	return chunk, nil
}

// Close implements Stream.
func (s *chunkStream) Close() {
	if s.err == nil {
		if s.ended {
			s.a.settle(nil)
		} else {
			s.a.settle(&Error{Code: CodeCanceled, Message: "The client closed the stream."})
		}
		s.err = &Error{Code: CodeCanceled, Message: "The stream is closed."}
	}
	if s.doneData {
		// The body's end is already on its way; reading it lets the connection be used again.
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, _ = s.a.reply.Events.Next(ctx)
		cancel()
	}
	s.a.close()
	s.a.adapter, s.a.reply = nil, nil
	s.doneData = false
}

// pump takes one upstream event through the adapter.
func (s *chunkStream) pump(ctx context.Context) error {
	a := s.a
	wait := ctx
	finished := s.complete() && a.counted
	if finished {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, trailerWait)
		defer cancel()
	}
	if a.reply.Events == nil {
		return a.fail(Errorf(CodeUpstreamFailed, "Provider %s did not stream.", a.target.Provider.ID), nil, "not a stream", true)
	}
	waited := time.Now()
	event, err := a.reply.Events.Next(wait)
	a.x.upstream += time.Since(waited)
	switch {
	case err == nil && string(event.Data) == "[DONE]":
		s.doneData = true
		return s.end(ctx)
	case err == nil:
		return s.translate(ctx, event.Name, event.Data)
	case errors.Is(err, io.EOF):
		return s.end(ctx)
	case ctx.Err() != nil:
		return a.fail(&Error{Code: CodeCanceled, Message: "The client closed the stream."}, err, "client gone", false)
	case finished || s.complete():
		// Everything was said; only the terminator is missing.
		return s.end(ctx)
	}
	e := asError(err)
	return a.fail(e, err, a.target.Provider.ID+" "+string(e.Code), true)
}

// end tells the adapter that the stream is over and checks that it was whole.
func (s *chunkStream) end(ctx context.Context) error {
	if err := s.translate(ctx, abi.EventEOF, nil); err != nil {
		return err
	}
	s.ended = true
	if !s.complete() {
		id := s.a.target.Provider.ID
		return s.a.fail(Errorf(CodeUpstreamTruncated, "Provider %s ended the stream before the answer was complete.", id), nil, id+" truncated", true)
	}
	return nil
}

// translate gives one event to the adapter and queues what it flushed.
func (s *chunkStream) translate(ctx context.Context, name string, data []byte) error {
	a := s.a
	reply, err := a.adapter.Event(ctx, a.reply, name, data)
	if err != nil {
		return a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent a stream event that cannot be read.", a.target.Provider.ID), err, "unreadable event", true)
	}
	for _, chunk := range reply.Chunks {
		s.take(chunk)
		chunk.Release()
	}
	if f := reply.Failure; f != nil {
		failure := *f
		if failure.Class == abi.ClassNone {
			failure.Class = abi.ClassServer
		}
		return a.classed(failure, document.Node{}, nil)
	}
	return nil
}

// take notes what a chunk says and queues it for the caller.
func (s *chunkStream) take(chunk *document.Doc) {
	root := chunk.Root()
	if usage := root.Get("usage"); usage.Kind() == abi.KindObject {
		// Counters are cumulative on every wire: the last one wins.
		if t, ok := readUsage(usage); ok {
			s.a.tokens, s.a.counted = t, true
		}
	}
	choices := root.Get("choices")
	if choices.Len() == 0 {
		if !s.a.x.r.IncludeUsage || root.Get("usage").Kind() != abi.KindObject {
			return
		}
	}
	for _, choice := range choices.Elements() {
		index := choice.Get("index").Int()
		if choice.Get("finish_reason").Kind() == abi.KindString {
			s.open[index] = false
			s.content = true
		} else if _, seen := s.open[index]; !seen {
			s.open[index] = true
		}
		if n := outputBytes(choice.Get("delta")); n > 0 {
			s.a.output += n
			s.content = true
		}
	}
	i := len(s.queue)
	if i < cap(s.queue) {
		s.queue = s.queue[:i+1]
	} else {
		s.queue = append(s.queue, nil)
	}
	s.queue[i] = appendModel(s.queue[i][:0], chunk, s.model)
}

// complete reports whether every choice has had its finish_reason.
func (s *chunkStream) complete() bool {
	for _, open := range s.open {
		if open {
			return false
		}
	}
	return len(s.open) > 0
}
