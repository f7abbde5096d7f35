package plugins_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
	"github.com/pointsman/pointsman/sdk/sdktest"
)

// runner is a way to run an adapter: as Go functions, or as a plugin.
type runner struct {
	name string
	open func(t testing.TB, s *suite, rec *recording) session
	// tearEvery is at which bytes a torn event is tried, besides the clean cut that
	// is made at every one: 1 is all.
	tearEvery int
}

// session is one attempt with one adapter; its calls are made one after the other.
type session interface {
	request() reply
	response(body []byte) reply
	event(name, data string) reply
	fail(body []byte) reply
	close()
}

// reply is what one entry point made. Every chunk has been checked to be JSON.
type reply struct {
	path    string
	chunks  [][]byte
	lossy   []string
	failed  bool // fail or, in response and event, classify was called
	class   abi.Class
	afterMS int64
	message string
	err     error // the call broke: a trap, a limit, output that is not JSON
}

var runners = []runner{
	{name: "native", open: openNative, tearEvery: 1},
	{name: "wasm", open: openPlugin, tearEvery: 8},
}

// nowMS is the time of every replayed request: 2026-07-01T12:00:00Z.
const nowMS = 1_782_907_200_000

// with opens a session for one use.
func (r runner) with(t testing.TB, s *suite, rec *recording, use func(session) reply) reply {
	t.Helper()
	opened := r.open(t, s, rec)
	defer opened.close()
	if rec.canonical != nil && !rec.shared {
		opened.request() // what an adapter keeps of it, the answer finds
	}
	return use(opened)
}

// play feeds events to a session and gathers the replies. It stops at the first failure, as the host does.
func (r runner) play(t testing.TB, s *suite, rec *recording, events ...event) reply {
	t.Helper()
	return r.with(t, s, rec, func(opened session) (all reply) {
		for _, e := range events {
			one := opened.event(e.name, e.data)
			all.chunks = append(all.chunks, one.chunks...)
			all.lossy = append(all.lossy, one.lossy...)
			if one.failed || one.err != nil {
				all.failed, all.class, all.afterMS, all.message, all.err = one.failed, one.class, one.afterMS, one.message, one.err
				return all
			}
		}
		return all
	})
}

// eof is the last event of a stream that ended without an error of the connection.
var eof = event{name: abi.EventEOF}

// native runs an adapter's methods on a document.Frame.
type native struct {
	rec     *recording
	adapter sdk.Adapter
	state   document.State
	random  *document.Random
}

func openNative(_ testing.TB, s *suite, rec *recording) session {
	return &native{
		rec: rec, adapter: s.adapter, random: document.NewRandom("replay", 1, s.plugin),
	}
}

func (n *native) request() reply {
	return n.run(document.FrameInput{Entry: abi.EntryRequest}, n.adapter.Request)
}

func (n *native) response(body []byte) reply {
	return n.run(document.FrameInput{Entry: abi.EntryResponse, Response: sdktest.Body(string(body))}, n.adapter.Response)
}

func (n *native) event(name, data string) reply {
	in := document.FrameInput{Entry: abi.EntryEvent, EventName: name}
	if name != abi.EventEOF {
		in.Response = n.rec.node(data)
	}
	return n.run(in, n.adapter.Event)
}

func (n *native) fail(body []byte) reply {
	return n.run(document.FrameInput{Entry: abi.EntryError, Response: sdktest.Body(string(body))}, n.adapter.Error)
}

func (n *native) close() {}

func (n *native) run(in document.FrameInput, entry func() sdk.Result) reply {
	in.Kind, in.Call, in.State, in.Random, in.NowMS = abi.KindProvider, n.rec.callNode, &n.state, n.random, nowMS
	in.Status, in.Field = n.rec.status, n.rec.field
	in.Config = n.rec.configNode
	if in.Entry != abi.EntryEvent {
		in.Request = n.rec.requestNode
	}
	var result sdk.Result
	f := sdktest.Run(in, func() { result = entry() })
	_, path, _ := f.HTTP()
	code, message, failed := f.Failure()
	r := reply{
		path: path, lossy: f.LossyFields(), class: f.Class(), afterMS: f.RetryAfterMS(), message: message,
		failed: failed || result != sdk.OK || (in.Entry != abi.EntryError && f.Class() != abi.ClassNone),
		err:    f.Err(),
	}
	if (result != sdk.OK) != failed || code < 0 {
		r.err = errors.Join(r.err, fmt.Errorf("result %d, fail called: %v with code %d", result, failed, code))
	}
	if in.Entry == abi.EntryEvent {
		r.chunks = f.Chunks()
	} else if out := f.Output(); len(out) > 0 {
		r.chunks = [][]byte{out}
	}
	for _, c := range r.chunks {
		if _, err := document.Parse(c, document.Limits{}); err != nil {
			r.err = errors.Join(r.err, fmt.Errorf("the output is not JSON: %w in %.300s", err, c))
		}
	}
	return r
}
