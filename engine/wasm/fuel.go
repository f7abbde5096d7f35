package wasm

import (
	"errors"

	"github.com/tetratelabs/wazero/api"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// errFuel is a call that used up its budget. Its text says how large that was.
var errFuel = errors.New("out of fuel")

// tank is the fuel of one instance: two globals of the metered guest. slice is what
// it may run before it comes up to the host, left what is granted after that.
// Both are the guest's, in its own code; no instruction of the module can name them.
type tank struct {
	slice, left api.MutableGlobal
	budget      int64 // of the call at hand
	spent       int64 // by the last call; more than its budget where it ran out
}

// fill grants the next call its budget, at most maxFuel.
func (t *tank) fill(budget int64) {
	t.budget = budget
	first := min(budget, abi.FuelSlice)
	t.slice.Set(api.EncodeI32(int32(first)))
	t.left.Set(api.EncodeI32(int32(budget - first)))
}

// read notes what the call has spent.
func (t *tank) read() {
	t.spent = t.budget - int64(api.DecodeI32(t.left.Get())) - int64(api.DecodeI32(t.slice.Get()))
}

// dry reports whether the last call ran out.
func (t *tank) dry() bool { return t.spent > t.budget }

// budget is what a call of that entry point may spend, in units of about one instruction.
func (p *plugin) budget(input *document.FrameInput, e entry) int64 {
	switch e {
	case entryInitialize, entryConfigure:
		return abi.StartFuel
	case entryDecide:
		return p.code.manifest.Fuel()
	}
	bytes := nodeSize(input.Request) + nodeSize(input.Response)
	return min(abi.ProviderFuel+abi.ProviderFuelPerByte*bytes, abi.MaxProviderFuel)
}

// nodeSize is the length of a document's text.
func nodeSize(n document.Node) int64 {
	if !n.Exists() {
		return 0
	}
	start, end := n.Span()
	return int64(end - start)
}
