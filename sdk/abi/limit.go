package abi

// Limits of one guest call. Sizes are bytes.
const (
	MaxReason    = 256
	MaxMessage   = 1 << 10 // fail
	MaxLogLine   = 1 << 10
	MaxLogLines  = 16
	MaxState     = 16 << 10
	MaxTargets   = 64
	MaxTags      = 32
	MaxTagText   = 256 // key or value of a tag, param or lossy field
	MaxLossy     = 64
	MaxHTTPField = 32 // headers that a provider guest may set
	MaxHTTPText  = 8 << 10

	PageSize = 64 << 10 // of linear memory

	// Fuel of one call, in units of about one instruction.
	RuleFuel            = 200_000     // of pm_decide_v1, unless the manifest asks for more
	MaxRuleFuel         = 2_000_000   // what it may ask for
	ProviderFuel        = 2_000_000   // of a provider's entry points, and in addition
	ProviderFuelPerByte = 2_500       // for each byte of the request and response documents, up to
	MaxProviderFuel     = 300_000_000 // in all
	StartFuel           = 5_000_000   // of _initialize, and of pm_configure_v1
	FuelSlice           = 200_000     // run before a guest comes up to the host

	RuleModule      = 4 << 20
	RuleMemory      = 32 << 20
	RuleHostCalls   = 10_000
	RuleOutput      = 64 << 10
	ProviderModule  = 8 << 20
	ProviderMemory  = 64 << 20
	ProviderCalls   = 100_000
	ProviderOutput  = 32 << 20
	MaxManifestSize = 64 << 10
)
