package wasm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// session is one attempt with an adapter. It keeps its plugin alive, not an
// instance: each call may run on another, and what lasts is in state and random.
type session struct {
	p       *plugin
	attempt engine.AdapterAttempt
	state   document.State
	random  *document.Random
	closed  bool
}

// AdapterManifest returns the manifest of the plugin's active version; see [engine.Adapters].
func (l *Library) AdapterManifest(accountID, plugin string) (engine.Manifest, error) {
	p, err := l.lookup(accountID, plugin, abi.KindProvider)
	if err != nil {
		return engine.Manifest{}, err
	}
	return p.version.Manifest, nil
}

// OpenAdapter begins an attempt; see [engine.Adapters]. The version stays the same
// until Close, whatever is uploaded meanwhile.
func (l *Library) OpenAdapter(accountID, plugin string, a engine.AdapterAttempt) (engine.Adapter, error) {
	for range 10 {
		p, err := l.lookup(accountID, plugin, abi.KindProvider)
		if err != nil {
			return nil, err
		}
		if p.hold() {
			return &session{p: p, attempt: a, random: document.NewRandom(a.RequestID, a.Attempt, p.version.Name)}, nil
		}
		// Replaced or unloaded between the two.
	}
	return nil, fmt.Errorf("plugin %q: %w", plugin, engine.ErrNotFound)
}

// Close implements [engine.Adapter].
func (s *session) Close() {
	if !s.closed {
		s.closed = true
		s.p.letGo()
	}
}

// Request implements [engine.Adapter].
func (s *session) Request(ctx context.Context) (engine.AdapterRequest, error) {
	var request engine.AdapterRequest
	in, err := s.p.borrow(ctx, "")
	if err != nil {
		return request, err
	}
	in.reset(s.input(), entryRequest)
	code, err := s.call(in, entryRequest)
	if err != nil {
		return request, err
	}
	if code < 0 {
		status, message, _ := in.frame.Failure()
		s.p.giveBack(in)
		return request, &engine.Error{Code: engine.CodeInvalid, Status: clientStatus(status), Message: message}
	}
	if request, err = s.outbound(&in.frame); err != nil {
		return engine.AdapterRequest{}, s.p.broke(in, err)
	}
	s.p.giveBack(in)
	return request, nil
}

// clientStatus is the status of a request that an adapter refused: what it said where
// that blames the caller, else the code's own.
func clientStatus(code int32) int {
	if code < minReject || code > maxReject {
		return 0
	}
	return int(code)
}

// outbound takes the provider request out of the frame, which has checked path and headers.
func (s *session) outbound(f *document.Frame) (engine.AdapterRequest, error) {
	method, path, headers := f.HTTP()
	if path == "" {
		return engine.AdapterRequest{}, fmt.Errorf("%s set no path", abi.EntryRequest)
	}
	r := engine.AdapterRequest{
		Method:  method,
		Path:    path,
		Headers: appendPairs(nil, headers),
		Lossy:   append([]string(nil), f.LossyFields()...),
	}
	if r.Method == "" {
		r.Method = "POST"
	}
	// Where this provider's credential goes nobody else may write.
	if p := s.p.version.Manifest.Provider; p != nil && p.Auth.Scheme == "header" {
		for _, h := range r.Headers {
			if strings.EqualFold(h.Name, p.Auth.Name) {
				return engine.AdapterRequest{}, document.ErrHeader
			}
		}
	}
	if len(f.Output()) > 0 {
		r.Body = append([]byte(nil), f.Output()...)
		doc, err := document.Parse(r.Body, outputLimits)
		if err != nil {
			return engine.AdapterRequest{}, badJSON(err)
		}
		doc.Release()
	}
	return r, nil
}

// outputLimits bound what an adapter emits; its size is bounded by the frame.
var outputLimits = document.Limits{Bytes: abi.ProviderOutput}

// errJSON is what a guest emitted and should not have.
var errJSON = errors.New("emitted invalid JSON")

func badJSON(err error) error { return fmt.Errorf("%w: %w", errJSON, err) }

// Response implements [engine.Adapter].
func (s *session) Response(ctx context.Context, r *engine.UpstreamResponse, body []byte) (engine.AdapterReply, error) {
	return s.answer(ctx, entryResponse, r, "", body)
}

// Event implements [engine.Adapter].
func (s *session) Event(ctx context.Context, r *engine.UpstreamResponse, name string, data []byte) (engine.AdapterReply, error) {
	return s.answer(ctx, entryEvent, r, name, data)
}

// Error implements [engine.Adapter].
func (s *session) Error(ctx context.Context, r *engine.UpstreamResponse, body []byte) (engine.AdapterReply, error) {
	return s.answer(ctx, entryError, r, "", body)
}

func (s *session) answer(ctx context.Context, e entry, r *engine.UpstreamResponse, name string, body []byte) (engine.AdapterReply, error) {
	var reply engine.AdapterReply
	doc := bodyDoc(body)
	defer doc.Release()
	in, err := s.p.borrow(ctx, "")
	if err != nil {
		return reply, err
	}
	input := s.input()
	input.Response, input.EventName = doc.Root(), name
	if r != nil {
		input.Status, input.Field = r.Status, r.Field
	}
	in.reset(input, e)
	code, err := s.call(in, e)
	if err != nil {
		return reply, err
	}
	reply.Failure = failure(&in.frame)
	reply.Lossy = append(reply.Lossy, in.frame.LossyFields()...)
	if code == 0 {
		if reply.Chunks, err = chunks(&in.frame, e, reply.Failure != nil); err != nil {
			return engine.AdapterReply{}, s.p.broke(in, err)
		}
	}
	s.p.giveBack(in)
	return reply, nil
}

// bodyDoc parses what a provider sent; what is not JSON is a string, and nothing is absent.
func bodyDoc(body []byte) *document.Doc {
	if len(body) == 0 {
		return nil
	}
	if doc, err := document.Parse(body, document.Limits{}); err == nil {
		return doc
	}
	return document.String(string(body))
}

// chunks parses what the guest emitted. One buffer holds it all, as the frame's ends
// with the call.
func chunks(f *document.Frame, e entry, failed bool) ([]*document.Doc, error) {
	pieces := f.Chunks()
	if len(pieces) == 0 {
		if e == entryResponse && !failed {
			return nil, fmt.Errorf("%s emitted nothing", entryNames[e])
		}
		return nil, nil
	}
	buffer := make([]byte, 0, len(f.Output()))
	docs := make([]*document.Doc, 0, len(pieces))
	for _, piece := range pieces {
		start := len(buffer)
		buffer = append(buffer, piece...)
		doc, err := document.Parse(buffer[start:], outputLimits)
		if err != nil {
			return nil, badJSON(err)
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// failure reads what classify and fail were called with; nil when neither was.
func failure(f *document.Frame) *engine.AdapterFailure {
	code, message, said := f.Failure()
	if !said && f.Class() == abi.ClassNone {
		return nil
	}
	return &engine.AdapterFailure{
		Class:   f.Class(),
		After:   time.Duration(f.RetryAfterMS()) * time.Millisecond,
		Code:    int(code),
		Message: message,
	}
}

// input is what every call of the attempt is given.
func (s *session) input() document.FrameInput {
	return document.FrameInput{
		Request: s.attempt.Request,
		Context: s.attempt.Context,
		Config:  s.attempt.Config,
		Call:    s.attempt.Call,
		State:   &s.state,
		Random:  s.random,
		NowMS:   s.attempt.NowMS,
	}
}

// call runs the entry point and logs what the guest logged. On an error the instance is gone.
func (s *session) call(in *instance, e entry) (int32, error) {
	code, err := s.p.run(in, e, true)
	s.p.logged(in, s.attempt.RequestID)
	for _, line := range in.frame.Logs() {
		s.p.lib.cfg.Logger.WithLevel(logLevel(line.Level)).
			Str("request_id", s.attempt.RequestID).
			Str("plugin", s.p.ref).
			Str("line", line.Text).
			Msg("plugin log")
	}
	return code, err
}

func logLevel(level int32) zerolog.Level {
	switch level {
	case abi.LevelError:
		return zerolog.ErrorLevel
	case abi.LevelWarn:
		return zerolog.WarnLevel
	case abi.LevelInfo:
		return zerolog.InfoLevel
	}
	return zerolog.DebugLevel
}
