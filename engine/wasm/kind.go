package wasm

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/pointsman/pointsman/sdk/abi"
)

// kind is what differs between rule and provider plugins: their limits (those of
// output and host calls are the frame's), and the runtime that holds them, as wazero
// bounds memory per runtime.
type kind struct {
	name    string
	divided bool   // a global one keeps accounts apart
	memory  uint64 // bytes of one instance
	limit   time.Duration
	entries []entry // that it may export
	runtime wazero.Runtime
}

// newKinds opens a runtime for each kind. All share the cache and with it one compiler.
func newKinds(ctx context.Context, cfg Config, cache wazero.CompilationCache) (map[string]*kind, error) {
	kinds := map[string]*kind{
		abi.KindRule: {
			name:    abi.KindRule,
			divided: true,
			memory:  abi.RuleMemory,
			limit:   cfg.RuleLimit,
			entries: []entry{entryConfigure, entryDecide},
		},
		abi.KindProvider: {
			name:    abi.KindProvider,
			memory:  abi.ProviderMemory,
			limit:   cfg.ProviderLimit,
			entries: []entry{entryConfigure, entryRequest, entryResponse, entryEvent, entryError, entryProbe},
		},
	}
	for _, k := range kinds {
		k.runtime = wazero.NewRuntimeWithConfig(ctx, runtimeConfig(cache, k.memory))
		if err := instantiateHost(ctx, k.runtime); err != nil {
			return kinds, err
		}
	}
	return kinds, nil
}

// runtimeConfig is what native code depends on beside its module: the same for whoever
// compiles and whoever runs.
func runtimeConfig(cache wazero.CompilationCache, memory uint64) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfigCompiler().
		WithCompilationCache(cache).
		WithMemoryLimitPages(uint32(memory / abi.PageSize)).
		WithDebugInfoEnabled(false)
}
