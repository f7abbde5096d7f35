// Package engine is the vocabulary of Pointsman (Request, Rule, Decision, Target,
// Attempt, Usage …), the contracts between its parts, and the request pipeline that
// calls them in order. It knows no HTTP framework, no database and no wasm runtime:
// those implement its contracts from above.
//
// Read pipeline.go first: it is one completion from top to bottom. store.go holds
// the persistence contracts, adapter.go and upstream.go those of a provider call.
package engine
