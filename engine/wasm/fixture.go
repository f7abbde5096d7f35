package wasm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
)

// Fixture is one case of a plugin: what an entry point is given, and what it must do. Members
// that are left out are absent for the guest, and not looked at in what it did.
type Fixture struct {
	Name string `json:"name"`
	// Entry is decide or configure for a rule (default decide), request, response, event,
	// error or configure for a provider (default request).
	Entry   string          `json:"entry,omitempty"`
	Request json.RawMessage `json:"request,omitempty"`
	Context json.RawMessage `json:"context,omitempty"`
	Config  json.RawMessage `json:"config,omitempty"`
	Call    json.RawMessage `json:"call,omitempty"`
	// Response is the provider's body or the event's data; a JSON string is text as it came.
	Response json.RawMessage   `json:"response,omitempty"`
	Status   int               `json:"status,omitempty"` // of the response; default 200, for error 500
	Event    string            `json:"event,omitempty"`  // its name
	Fields   map[string]string `json:"fields,omitempty"` // response headers
	// RequestID seeds random; NowMS is the time. Defaults: "fixture" and 1,750,000,000,000.
	RequestID string      `json:"request_id,omitempty"`
	NowMS     int64       `json:"now_ms,omitempty"`
	Want      FixtureWant `json:"want"`
}

// FixtureWant is what is expected; JSON is compared by value, whatever its order.
type FixtureWant struct {
	Verdict string            `json:"verdict,omitempty"` // decided, abstain or reject
	Targets []string          `json:"targets,omitempty"`
	Reason  *string           `json:"reason,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Params  map[string]string `json:"params,omitempty"`
	Status  int               `json:"status,omitempty"`  // of a reject, or of a request that was refused
	Message *string           `json:"message,omitempty"` // likewise; also of a refused config
	Method  string            `json:"method,omitempty"`
	Path    string            `json:"path,omitempty"`
	Headers map[string]string `json:"headers,omitempty"` // those named
	Body    json.RawMessage   `json:"body,omitempty"`    // of a request; of a response, or error, its one document
	Chunks  []json.RawMessage `json:"chunks,omitempty"`  // of an event
	Class   string            `json:"class,omitempty"`   // of a failure: invalid, auth, not_found, …
	Lossy   []string          `json:"lossy,omitempty"`
	MaxFuel int64             `json:"max_fuel,omitempty"`
}

// FixtureResult is how one case went.
type FixtureResult struct {
	Name     string
	Problems []string // what was not as expected; empty: all was
	Fuel     int64    // of a fresh instance
	Memory   int64    // bytes of it after the call
	Took     time.Duration
	Logs     []engine.LogLine
	Got      map[string]any // what it did, by the names of FixtureWant
}

// Bounds of a fixtures file.
const (
	MaxFixtures    = 100
	MaxFixtureFile = 1 << 20
	maxFixtureTime = 10 * time.Second // of all cases that come with an upload
)

// ParseFixtures reads a JSON array of fixtures. Errors: CodeInvalid, naming the case.
func ParseFixtures(file []byte) ([]Fixture, error) {
	if len(file) > MaxFixtureFile {
		return nil, refuse("fixtures of %d bytes (at most %d)", len(file), MaxFixtureFile)
	}
	doc, err := document.Parse(file, document.Limits{Bytes: MaxFixtureFile})
	if err != nil {
		return nil, refuse("fixtures: %v", err)
	}
	doc.Release()
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	var all []Fixture
	if err := decoder.Decode(&all); err != nil {
		return nil, refuse("fixtures: %s", truncate(err.Error(), maxCause))
	}
	if len(all) > MaxFixtures {
		return nil, refuse("%d fixtures (at most %d)", len(all), MaxFixtures)
	}
	for i, f := range all {
		if f.Name == "" {
			return nil, refuse("fixture %d has no name", i)
		}
	}
	return all, nil
}

// RunFixtures takes a module through the gate, without offering it, and runs the cases, each
// on a fresh instance. A case that fails is in its result, not an error.
// Errors: *engine.Error with CodeInvalid for a module that is refused.
func (l *Library) RunFixtures(ctx context.Context, module []byte, cases []Fixture) ([]FixtureResult, error) {
	u := &upload{module: module, fresh: true}
	err := pass(ctx, loadStages(l), u)
	if u.code != nil {
		defer l.letGo(u.code)
	}
	if err != nil {
		return nil, err
	}
	return l.runFixtures(ctx, u, cases)
}

func (l *Library) runFixtures(ctx context.Context, u *upload, cases []Fixture) ([]FixtureResult, error) {
	results := make([]FixtureResult, 0, len(cases))
	for _, f := range cases {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		turn, err := l.turn(ctx, u.version.AccountID)
		if err != nil {
			return nil, err
		}
		p := l.newPlugin(u.version, u.code)
		r := FixtureResult{Name: f.Name, Got: map[string]any{}}
		start := time.Now()
		err = f.run(ctx, p, &r)
		r.Took = time.Since(start)
		turn.leave()
		if err != nil {
			r.Problems = append(r.Problems, err.Error())
		}
		p.drained(&r)
		if most := f.Want.MaxFuel; most > 0 && r.Fuel > most {
			r.Problems = append(r.Problems, fmt.Sprintf("spends %d units of fuel, more than %d", r.Fuel, most))
		}
		results = append(results, r)
	}
	return results, nil
}

// drained reads what the call left in its instance, and frees that.
func (p *plugin) drained(r *FixtureResult) {
	select {
	case in := <-p.own.warm:
		r.Fuel, r.Memory = in.tank.spent, int64(len(in.memory.view))
		in.close()
	default: // it broke, and is gone
	}
}

// tryFixtures is a stage of the gate: the cases that came with an upload.
func (l *Library) tryFixtures(ctx context.Context, u *upload) error {
	if len(u.version.Fixtures) == 0 {
		return nil
	}
	cases, err := ParseFixtures(u.version.Fixtures)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, l.cfg.fixtureTime)
	defer cancel()
	results, err := l.runFixtures(limited, u, cases)
	if limited.Err() != nil && ctx.Err() == nil {
		return refuse("fixtures take longer than %v in all", l.cfg.fixtureTime)
	}
	if err != nil {
		return err
	}
	for _, r := range results {
		if len(r.Problems) > 0 {
			return refuse("fixture %q: %s", truncate(r.Name, 64), truncate(r.Problems[0], maxTrace))
		}
	}
	return nil
}

// node parses a document of the fixture; absent when there is none.
func node(raw json.RawMessage) (document.Node, error) {
	if len(raw) == 0 {
		return document.Node{}, nil
	}
	doc, err := document.Parse(raw, document.Limits{})
	if err != nil {
		return document.Node{}, err
	}
	return doc.Root(), nil
}
