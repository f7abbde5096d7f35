// Package wasm runs plugins: uploaded WebAssembly modules that rank models (rules) or
// translate for a provider (adapters). It checks a module before anything else may see
// it, compiles it, keeps instances of it in pools, and is the host side of the
// boundary, whose behaviour is engine/document's Frame.
//
// It decides nothing about requests, keeps no module (the store does), and
// knows no rule or provider: rules call it through engine.RuleGuests, the
// pipeline through engine.Adapters.
//
// Read library.go first (what it offers), then gate.go (how a module gets in),
// instance.go (what one call is) and RATIONALE.md.
package wasm
