package wasm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// FixtureBench is how fast one case runs on one instance, called again and again.
type FixtureBench struct {
	Calls            int64
	Took             time.Duration
	FuelP50, FuelP99 int64
	Memory           int64 // bytes of the instance after the last call
}

// maxSamples bounds what is kept of a run to tell its fuel by.
const maxSamples = 1 << 20

// BenchFixture takes a module through the gate, without offering it, and repeats a case for
// at least that long. A rule's calls are timed alone; other entry points with reading the
// case's documents.
// Errors: *engine.Error with CodeInvalid for a module that is refused, or a case that fails.
func (l *Library) BenchFixture(ctx context.Context, module []byte, f Fixture, least time.Duration) (b FixtureBench, err error) {
	u := &upload{module: module, fresh: true}
	err = pass(ctx, loadStages(l), u)
	if u.code != nil {
		defer l.letGo(u.code)
	}
	if err != nil {
		return b, err
	}
	p := l.newPlugin(u.version, u.code)
	defer p.close()
	once := FixtureResult{Name: f.Name, Got: map[string]any{}}
	if err := f.run(ctx, p, &once); err != nil {
		return b, refuse("fixture %q: %v", f.Name, err)
	}
	if len(once.Problems) > 0 {
		return b, refuse("fixture %q: %s", f.Name, once.Problems[0])
	}
	call, err := f.repeated(ctx, p)
	if err != nil {
		return b, err
	}
	fuel := make([]int64, 0, 1<<16)
	for start := time.Now(); b.Took < least; b.Took = time.Since(start) {
		for range 16 { // reading the clock costs a good part of a short call
			if err := call(); err != nil {
				return b, fmt.Errorf("fixture %q, call %d: %w", f.Name, b.Calls, err)
			}
			b.Calls++
			if spent, memory, ok := p.last(); ok && len(fuel) < maxSamples {
				fuel, b.Memory = append(fuel, spent), memory
			}
		}
		if err := ctx.Err(); err != nil {
			return b, err
		}
	}
	if slices.Sort(fuel); len(fuel) > 0 {
		b.FuelP50, b.FuelP99 = fuel[len(fuel)/2], fuel[len(fuel)*99/100]
	}
	return b, nil
}

// last is what the call before left in the one instance; false when that was replaced.
func (p *plugin) last() (fuel, memory int64, ok bool) {
	select {
	case in := <-p.own.warm:
		fuel, memory = in.tank.spent, int64(len(in.memory.view))
		p.own.warm <- in
		return fuel, memory, true
	default:
		return 0, 0, false
	}
}

// repeated returns the call of a case that passed.
func (f *Fixture) repeated(ctx context.Context, p *plugin) (func() error, error) {
	if p.kind.name != abi.KindRule || f.Entry == "configure" {
		bare := *f
		bare.Want = FixtureWant{}
		return func() error {
			return bare.run(ctx, p, &FixtureResult{Got: map[string]any{}})
		}, nil
	}
	d, err := f.documents()
	if err != nil {
		return nil, err
	}
	call := engine.RuleCall{RequestID: f.RequestID, NowMS: f.NowMS, Request: d.request, Context: d.context, Config: d.config}
	var answer engine.RuleAnswer
	return func() error { return ruleGuest{p}.Decide(ctx, &call, &answer) }, nil
}
