package abi

// Entry points: the functions that a guest exports. All take nothing and return one i32.
const (
	EntryConfigure = "pm_configure_v1" // optional, every kind: checks a config
	EntryDecide    = "pm_decide_v1"    // rule
	EntryRequest   = "pm_request_v1"   // provider: canonical request → provider request
	EntryResponse  = "pm_response_v1"  // provider: provider JSON → canonical JSON
	EntryEvent     = "pm_event_v1"     // provider: one stream event → 0..n chunks
	EntryError     = "pm_error_v1"     // provider: provider error → OpenAI error + classify
	EntryProbe     = "pm_probe_v1"     // optional, provider: cheapest health probe

	// Initialize is the reactor's start-up export, called once per instance.
	Initialize = "_initialize"
	// Memory is the export name of the guest's one linear memory.
	Memory = "memory"
)

// Results of EntryDecide. Any negative value means the guest is broken.
const (
	Decided int32 = 0
	Abstain int32 = 1
	Reject  int32 = 2 // after fail: the code is the HTTP status, 400–451
	Broken  int32 = -1
)

// RequiredEntries lists what a plugin of the kind must export besides Memory.
// Unknown kinds require nothing.
func RequiredEntries(kind string) []string {
	switch kind {
	case KindRule:
		return []string{EntryDecide}
	case KindProvider:
		return []string{EntryRequest, EntryResponse, EntryEvent, EntryError}
	}
	return nil
}

// EventEOF is the event name of the last EntryEvent call of a stream.
const EventEOF = "eof"
