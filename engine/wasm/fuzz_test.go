package wasm

import (
	"encoding/json"
	"runtime"
	"slices"
	"testing"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// FuzzGate: whatever is uploaded, the stages before the compiler answer with a module or
// with a fault of the uploader's, and take memory by the bytes that they were given.
func FuzzGate(f *testing.F) {
	for _, tt := range hostile() {
		f.Add(tt.module)
	}
	for _, a := range hostiles() {
		f.Add(a.build(f))
	}
	f.Add(hiddenCode().build(f))
	f.Fuzz(func(t *testing.T, module []byte) {
		if len(module) > 64<<10 {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		u := &upload{module: module}
		err := pass(t.Context(), inspectStages(), u)
		runtime.ReadMemStats(&after)
		if err != nil && engine.CodeOf(err) != engine.CodeInvalid {
			t.Errorf("% x: %v, want %s", module, err, engine.CodeInvalid)
		}
		// The schema's compiler takes more than a reader of bytes.
		if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20+uint64(1024*len(module)) {
			t.Errorf("% x: %d bytes are allocated", module, took)
		}
		if err == nil && len(u.metered) > 64*len(module)+4096 {
			t.Errorf("%d bytes become %d", len(module), len(u.metered))
		}
	})
}

// FuzzFixtures: what passes has bounded cases with names; those run against a guest of
// either kind without a panic.
func FuzzFixtures(f *testing.F) {
	f.Add([]byte(`[{"name":"a","request":{"a":1},"want":{"verdict":"abstain","targets":[],"max_fuel":1}}]`))
	f.Add([]byte(`[{"name":"b","entry":"event","response":"text","event":"x","fields":{"a":"b"},"want":{"chunks":[{}],"body":null}}]`))
	f.Add([]byte(`[{"name":"c","entry":"configure","config":[],"want":{"message":""}},{"name":"d","entry":"error","status":-1,"want":{"class":"quota"}}]`))
	rules, providers := offer(f, Config{}, rule(i32c(0)).build(f)), offer(f, Config{}, adapter(abi.EntryEvent, i32c(0)).build(f))
	modules := [][]byte{rule(i32c(0)).build(f), adapter(abi.EntryEvent, i32c(0)).build(f)}
	f.Fuzz(func(t *testing.T, data []byte) {
		cases, err := ParseFixtures(data)
		if err != nil {
			if engine.CodeOf(err) != engine.CodeInvalid {
				t.Errorf("ParseFixtures(%q) = %v, want %s", data, err, engine.CodeInvalid)
			}
			return
		}
		if len(cases) > MaxFixtures || slices.ContainsFunc(cases, func(c Fixture) bool { return c.Name == "" }) {
			t.Errorf("ParseFixtures(%q) = %d cases", data, len(cases))
		}
		for i, l := range []*Library{rules, providers} {
			results, err := l.RunFixtures(t.Context(), modules[i], cases)
			if err != nil || len(results) != len(cases) {
				t.Errorf("RunFixtures(%q) = %d results, %v, want %d", data, len(results), err, len(cases))
			}
			for _, r := range results {
				if _, err := json.Marshal(r.Got); err != nil && len(r.Problems) == 0 {
					t.Errorf("what %q did cannot be shown: %v", r.Name, err)
				}
			}
		}
	})
}
