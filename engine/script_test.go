package engine

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// script is what one provider does, its adapter included. The zero value answers
// "{}" with status 200, which is no completion.
type script struct {
	fields func(name string) string // headers of the answer; nil: none
	status int                      // 0: 200
	body   string                   // of a plain or failed answer
	events []string                 // data of a stream's events, or one of the marks below; then a clean end
	doErr  error                    // what Do returns
	onDo   func(ctx context.Context)
	onSend func(r *UpstreamRequest)
	native []string                         // wires that it speaks itself
	answer func(r *UpstreamRequest) *script // what the server does with that request; nil: this
	pace   time.Duration                    // before each event

	// Steps of the adapter; nil: the plain translation.
	manifest func() error
	open     func() error
	onOpen   func(a AdapterAttempt)
	request  func(ctx context.Context) (AdapterRequest, error)
	onList   func() (AdapterRequest, error) // of the operation list
	response func(ctx context.Context) (AdapterReply, error)
	event    func(ctx context.Context, name string, data []byte) (AdapterReply, error)
	refuse   func(ctx context.Context) (AdapterReply, error)
}

// Marks in script.events, in place of data.
const (
	markCut     = "<cut>"     // the connection is reset
	markTimeout = "<timeout>" // nothing came in time
	markStall   = "<stall>"   // nothing comes until the context ends or the stream is closed
	markPanic   = "<panic>"   // the client panics
)

// Data that the scripted adapter treats as more than a chunk.
const (
	dataTrap  = "!trap"  // the guest traps
	dataPanic = "!panic" // the host side panics
)

// rig is a pipeline whose providers and adapters are scripted; the rest is real.
type rig struct {
	*Pipeline
	ledger    *rowLedger
	decide    func(ctx context.Context, r *Request) (Decision, error)
	catalogue atomic.Pointer[Catalogue]

	mu       sync.Mutex
	scripts  map[string]*script // by provider id
	adapters int                // open
	replies  int                // open
	drained  int                // streams that were read to the end of their body
	asked    []string           // for which adapters, and whose
}

type rowLedger struct {
	mu   sync.Mutex
	rows []Usage
}

func (l *rowLedger) Record(u Usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, u)
}

func (l *rowLedger) all() []Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.rows)
}

// Prices of every scripted model, in nano-USD per token.
const (
	promptPrice     = 1000
	completionPrice = 3000
)

var rigTime = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// rigCatalogue has one model on each provider: m-a on a, m-b on b …
func rigCatalogue(providers ...string) *Catalogue {
	var models []Model
	var rows []Provider
	var prices []Price
	for _, p := range providers {
		rows = append(rows, Provider{ID: p, Adapter: p, Enabled: true})
		models = append(models, Model{ID: "m-" + p, ProviderID: p, UpstreamID: "up-" + p, API: APIChat, PremiumCenti: 33, Enabled: true})
		prices = append(prices, Price{ProviderID: p, UpstreamID: "up-" + p, Input: promptPrice * 1e6, Output: completionPrice * 1e6})
	}
	return NewCatalogue(models, rows, prices)
}

// newRig is a pipeline in which auto means the models of the providers in order, and
// nothing after them.
func newRig(t testing.TB, scripts map[string]*script) *rig {
	t.Helper()
	names := make([]string, 0, len(scripts))
	for name := range scripts {
		names = append(names, name)
	}
	slices.Sort(names)
	g := &rig{ledger: &rowLedger{}, scripts: scripts}
	g.catalogue.Store(rigCatalogue(names...))
	g.decide = func(context.Context, *Request) (Decision, error) {
		d := Decision{Source: "in-order", Only: true}
		for _, name := range names {
			d.Models = append(d.Models, "m-"+name)
		}
		return d, nil
	}
	var err error
	g.Pipeline, err = NewPipeline(PipelineConfig{
		Decider:  deciderFunc(func(ctx context.Context, r *Request) (Decision, error) { return g.decide(ctx, r) }),
		Adapters: scriptAdapters{g}, Upstream: scriptUpstream{g}, Ledger: g.ledger, Catalogue: g.catalogue.Load,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type deciderFunc func(context.Context, *Request) (Decision, error)

func (f deciderFunc) Decide(ctx context.Context, r *Request) (Decision, error) { return f(ctx, r) }

// rigRequest asks for auto; more is further members of the body.
func rigRequest(t testing.TB, more string) *Request {
	t.Helper()
	doc, err := ParseChat([]byte(`{"model":"auto","messages":[{"role":"user","content":"twelve bytes"}]` + more + `}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRequest(doc, Arrival{ID: "req-1", Principal: Principal{AccountID: "acme", UserID: "u"}, Received: rigTime})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rigPrompt is the estimate of rigRequest's prompt, in tokens.
const rigPrompt = 3

// closed fails the test when an adapter or a reply is still open.
func (g *rig) closed(t testing.TB) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.adapters != 0 || g.replies != 0 {
		t.Errorf("%d adapters and %d replies are still open, want none", g.adapters, g.replies)
	}
}

func (g *rig) script(id string) *script {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.scripts[id]
}

func (g *rig) note(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, what)
}

func (g *rig) count(n *int, by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	*n += by
}

// scriptAdapters and scriptAdapter are the guests: what they are given is canonical
// already, but for data that is no JSON.
type scriptAdapters struct{ g *rig }

func (a scriptAdapters) AdapterManifest(account, plugin string) (Manifest, error) {
	a.g.note("manifest of " + plugin + " for " + account)
	if f := a.g.script(plugin).manifest; f != nil {
		return Manifest{}, f()
	}
	if native := a.g.script(plugin).native; native != nil {
		return Manifest{Name: plugin, Provider: &ManifestProvider{Auth: ManifestAuth{Scheme: "bearer"}, Native: native}}, nil
	}
	return Manifest{Name: plugin}, nil
}

func (a scriptAdapters) OpenAdapter(account, plugin string, call AdapterAttempt) (Adapter, error) {
	a.g.note("adapter " + plugin + " for " + account)
	s := a.g.script(plugin)
	if s.open != nil {
		return nil, s.open()
	}
	if s.onOpen != nil {
		s.onOpen(call)
	}
	a.g.count(&a.g.adapters, 1)
	return &scriptAdapter{g: a.g, s: s, list: call.Call.Get("operation").Text() == abi.OperationList}, nil
}

type scriptAdapter struct {
	g      *rig
	s      *script
	list   bool // asked for the operation list
	closed bool
}

func (a *scriptAdapter) Close() {
	if a.closed {
		panic("adapter closed twice")
	}
	a.closed = true
	a.g.count(&a.g.adapters, -1)
}

func (a *scriptAdapter) Request(ctx context.Context) (AdapterRequest, error) {
	if a.s.request != nil {
		return a.s.request(ctx)
	}
	if a.list && a.s.onList != nil {
		return a.s.onList()
	}
	if a.list {
		return AdapterRequest{Method: "GET", Path: "/models"}, nil
	}
	return AdapterRequest{Path: "/", Body: []byte("{}")}, nil
}

func (a *scriptAdapter) Response(ctx context.Context, _ *UpstreamResponse, body []byte) (AdapterReply, error) {
	if a.s.response != nil {
		return a.s.response(ctx)
	}
	return translated(body)
}

func (a *scriptAdapter) Error(ctx context.Context, _ *UpstreamResponse, body []byte) (AdapterReply, error) {
	if a.s.refuse != nil {
		return a.s.refuse(ctx)
	}
	if len(body) == 0 {
		return AdapterReply{}, nil
	}
	return translated(body)
}

func (a *scriptAdapter) Event(ctx context.Context, _ *UpstreamResponse, name string, data []byte) (AdapterReply, error) {
	if a.s.event != nil {
		return a.s.event(ctx, name, data)
	}
	switch string(data) {
	case "":
		return AdapterReply{}, nil
	case dataTrap:
		return AdapterReply{}, Errorf(CodePluginFailed, "plugin a@1 failed: trap")
	case dataPanic:
		panic("adapter broke")
	}
	return translated(data)
}

// translated gives each element of an array, or the one document, as a chunk. A member
// "fail" is a class instead.
func translated(data []byte) (AdapterReply, error) {
	doc, err := document.Parse(data, document.Limits{})
	if err != nil {
		return AdapterReply{Failure: &AdapterFailure{Class: abi.ClassServer, Message: "not JSON"}}, nil
	}
	if class := doc.Root().Get("fail"); class.Exists() {
		after := time.Duration(doc.Root().Get("after").Int()) * time.Second
		return AdapterReply{Failure: &AdapterFailure{Class: abi.Class(class.Int()), After: after, Message: doc.Root().Get("says").Text()}}, nil
	}
	if doc.Root().Kind() != abi.KindArray {
		return AdapterReply{Chunks: []*document.Doc{doc}}, nil
	}
	var reply AdapterReply
	for _, n := range doc.Root().Elements() {
		chunk, err := document.Parse(slices.Clone(n.Raw()), document.Limits{})
		if err != nil {
			return reply, err
		}
		reply.Chunks = append(reply.Chunks, chunk)
	}
	return reply, nil
}

// Chunks and answers, as text.

func deltaOf(index int, text string) string {
	return `{"choices":[{"index":` + strconv.Itoa(index) + `,"delta":{"content":"` + text + `"},"finish_reason":null}]}`
}

func finishOf(index int) string {
	return `{"choices":[{"index":` + strconv.Itoa(index) + `,"delta":{},"finish_reason":"stop"}]}`
}

func usageOf(prompt, completion int) string {
	return `{"choices":[],"usage":{"prompt_tokens":` + strconv.Itoa(prompt) + `,"completion_tokens":` + strconv.Itoa(completion) + `}}`
}

const roleChunk = `{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`

func answerOf(text, usage string) string {
	return `{"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"` + text + `"},"finish_reason":"stop"}]` + usage + `}`
}

// streamed is what a caller gets of one stream, read to its end and closed.
type streamed struct {
	meta   Meta
	chunks []string
	err    error // of Stream or the last Next; nil for io.EOF
	early  bool  // err came from Stream
}

func (s streamed) text() string {
	var b strings.Builder
	for _, c := range s.chunks {
		doc, err := document.Parse([]byte(c), document.Limits{})
		if err != nil {
			return "not JSON: " + c
		}
		for _, choice := range doc.Root().Get("choices").Elements() {
			b.WriteString(choice.Get("delta").Get("content").Text())
		}
	}
	return b.String()
}

func (g *rig) stream(t testing.TB, ctx context.Context, r *Request) streamed {
	t.Helper()
	r.Stream = true
	s, meta, err := g.Stream(ctx, r)
	if err != nil {
		return streamed{meta: meta, err: err, early: true}
	}
	defer s.Close()
	got := streamed{meta: meta}
	for {
		chunk, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			got.err = err
			return got
		}
		got.chunks = append(got.chunks, string(chunk))
	}
}
