package wasm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// documents are a fixture's, parsed.
type documents struct{ request, context, config, call document.Node }

func (f *Fixture) documents() (d documents, err error) {
	for _, part := range []struct {
		name string
		raw  json.RawMessage
		to   *document.Node
	}{{"request", f.Request, &d.request}, {"context", f.Context, &d.context}, {"config", f.Config, &d.config}, {"call", f.Call, &d.call}} {
		if *part.to, err = node(part.raw); err != nil {
			return d, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return d, nil
}

// run makes the call and compares. Errors: the fixture cannot be run, or the guest broke.
func (f *Fixture) run(ctx context.Context, p *plugin, r *FixtureResult) error {
	d, err := f.documents()
	if err != nil {
		return err
	}
	if f.RequestID == "" {
		f.RequestID = "fixture"
	}
	if f.NowMS == 0 {
		f.NowMS = 1_750_000_000_000
	}
	entry := f.Entry
	if entry == "" {
		entry = map[string]string{abi.KindRule: "decide", abi.KindProvider: "request"}[p.kind.name]
	}
	switch {
	case entry == "configure":
		return f.configure(ctx, p, r)
	case entry == "decide" && p.kind.name == abi.KindRule:
		return f.decide(ctx, p, d, r)
	case p.kind.name != abi.KindProvider:
		return fmt.Errorf("entry %q is not one of a %s", entry, p.kind.name)
	}
	s := &session{p: p, random: document.NewRandom(f.RequestID, 1, p.version.Name), attempt: engine.AdapterAttempt{
		RequestID: f.RequestID, Attempt: 1, NowMS: f.NowMS,
		Request: d.request, Context: d.context, Config: d.config, Call: d.call,
	}}
	if entry == "request" {
		return f.outbound(ctx, s, r)
	}
	return f.inbound(ctx, s, entry, r)
}

func (f *Fixture) configure(ctx context.Context, p *plugin, r *FixtureResult) error {
	config := f.Config
	if len(config) == 0 {
		config = []byte("{}")
	}
	err := p.configure(ctx, config)
	var e *engine.Error
	switch {
	case errors.As(err, &e):
		r.Got["message"] = e.Message
	case err != nil:
		return err
	}
	if f.Want.Message == nil && err != nil {
		r.Problems = append(r.Problems, "the config is refused: "+err.Error())
	}
	f.text(r, "message", f.Want.Message)
	return nil
}

func (f *Fixture) decide(ctx context.Context, p *plugin, d documents, r *FixtureResult) error {
	var a engine.RuleAnswer
	err := ruleGuest{p}.Decide(ctx, &engine.RuleCall{
		RequestID: f.RequestID, NowMS: f.NowMS, Request: d.request, Context: d.context, Config: d.config,
	}, &a)
	r.Logs = a.Logs
	if err != nil {
		return err
	}
	verdict := map[engine.Verdict]string{engine.VerdictDecided: "decided", engine.VerdictAbstain: "abstain", engine.VerdictReject: "reject"}[a.Verdict]
	r.Got["verdict"], r.Got["targets"] = verdict, a.Targets
	r.Got["reason"], r.Got["tags"], r.Got["params"] = a.Reason, pairMap(a.Tags), pairMap(a.Params)
	r.Got["status"], r.Got["message"] = a.Status, a.Message
	w := f.Want
	f.expect(r, "verdict", w.Verdict != "", w.Verdict)
	f.expect(r, "targets", w.Targets != nil, w.Targets)
	f.text(r, "reason", w.Reason)
	f.expect(r, "tags", w.Tags != nil, w.Tags)
	f.expect(r, "params", w.Params != nil, w.Params)
	f.expect(r, "status", w.Status != 0, w.Status)
	f.text(r, "message", w.Message)
	return nil
}

func (f *Fixture) outbound(ctx context.Context, s *session, r *FixtureResult) error {
	request, err := s.Request(ctx)
	w := f.Want
	var e *engine.Error
	if errors.As(err, &e) && e.Code == engine.CodeInvalid {
		r.Got["status"], r.Got["message"] = e.Status, e.Message
		if w.Status == 0 && w.Message == nil {
			r.Problems = append(r.Problems, "the request is refused: "+e.Message)
		}
		f.expect(r, "status", w.Status != 0, w.Status)
		f.text(r, "message", w.Message)
		return nil
	}
	if err != nil {
		return err
	}
	r.Got["method"], r.Got["path"], r.Got["lossy"] = request.Method, request.Path, request.Lossy
	r.Got["headers"], r.Got["body"] = pairMap(request.Headers), json.RawMessage(request.Body)
	if w.Status != 0 || w.Message != nil {
		r.Problems = append(r.Problems, "the request is not refused")
	}
	f.expect(r, "method", w.Method != "", w.Method)
	f.expect(r, "path", w.Path != "", w.Path)
	f.expect(r, "lossy", w.Lossy != nil, w.Lossy)
	for name, value := range w.Headers {
		if got := pairMap(request.Headers)[name]; got != value {
			r.Problems = append(r.Problems, fmt.Sprintf("header %s is %q, want %q", name, got, value))
		}
	}
	f.same(r, "body", request.Body, w.Body)
	return nil
}

// inbound runs an entry point that reads what a provider sent.
func (f *Fixture) inbound(ctx context.Context, s *session, entry string, r *FixtureResult) error {
	body := []byte(f.Response)
	if n, err := node(f.Response); err != nil {
		return fmt.Errorf("response: %w", err)
	} else if n.Kind() == abi.KindString {
		body = []byte(n.Text())
	}
	status := f.Status
	if status == 0 {
		status = map[string]int{"error": 500}[entry]
		if status == 0 {
			status = 200
		}
	}
	from := &engine.UpstreamResponse{Status: status, Field: func(name string) string {
		for field, value := range f.Fields {
			if strings.EqualFold(field, name) {
				return value
			}
		}
		return ""
	}}
	var reply engine.AdapterReply
	var err error
	switch entry {
	case "response":
		reply, err = s.Response(ctx, from, body)
	case "event":
		reply, err = s.Event(ctx, from, f.Event, body)
	case "error":
		reply, err = s.Error(ctx, from, body)
	default:
		return fmt.Errorf("entry %q is not one of a provider", entry)
	}
	if err != nil {
		return err
	}
	var chunks []json.RawMessage
	for _, c := range reply.Chunks {
		chunks = append(chunks, slices.Clone(c.Bytes()))
	}
	r.Got["chunks"], r.Got["lossy"] = chunks, reply.Lossy
	if reply.Failure != nil {
		r.Got["class"], r.Got["message"] = reply.Failure.Class.Name(), reply.Failure.Message
	}
	w := f.Want
	f.expect(r, "lossy", w.Lossy != nil, w.Lossy)
	f.expect(r, "class", w.Class != "", w.Class)
	f.text(r, "message", w.Message)
	if w.Chunks != nil && len(w.Chunks) != len(chunks) {
		r.Problems = append(r.Problems, fmt.Sprintf("%d chunks, want %d", len(chunks), len(w.Chunks)))
	}
	for i, want := range w.Chunks[:min(len(w.Chunks), len(chunks))] {
		f.same(r, fmt.Sprintf("chunk %d", i), chunks[i], want)
	}
	if w.Body != nil && len(chunks) == 1 {
		f.same(r, "body", chunks[0], w.Body)
	} else if w.Body != nil {
		r.Problems = append(r.Problems, fmt.Sprintf("%d documents, want one", len(chunks)))
	}
	return nil
}

// expect compares what was got under that name, if anything is expected of it.
func (f *Fixture) expect(r *FixtureResult, name string, expected bool, want any) {
	got := r.Got[name]
	if expected && !reflect.DeepEqual(normal(got), normal(want)) {
		r.Problems = append(r.Problems, fmt.Sprintf("%s is %v, want %v", name, got, want))
	}
}

func (f *Fixture) text(r *FixtureResult, name string, want *string) {
	if want != nil {
		f.expect(r, name, true, *want)
	}
}

// same compares two JSON texts by value.
func (f *Fixture) same(r *FixtureResult, name string, got, want json.RawMessage) {
	if want != nil && !reflect.DeepEqual(normal(got), normal(want)) {
		r.Problems = append(r.Problems, fmt.Sprintf("%s is %s, want %s", name, got, want))
	}
}

// normal is a value as JSON sees it: nil and empty lists alike, numbers by value.
func normal(v any) any {
	raw, ok := v.(json.RawMessage)
	if !ok {
		raw, _ = json.Marshal(v)
	}
	var out any
	if json.Unmarshal(raw, &out) != nil {
		return string(raw)
	}
	switch o := out.(type) {
	case []any:
		if len(o) == 0 {
			return nil
		}
	case map[string]any:
		if len(o) == 0 {
			return nil
		}
	}
	return out
}

func pairMap(pairs []engine.Pair) map[string]string {
	m := map[string]string{}
	for _, p := range pairs {
		m[p.Name] = p.Value
	}
	return m
}
