package engine

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Manifest is what a plugin says of itself, in the custom section
// "pointsman.manifest" of its module. Only name, version, kind and abi are required.
type Manifest struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Kind         string            `json:"kind"` // "rule" or "provider"
	ABI          int               `json:"abi"`
	Description  string            `json:"description,omitempty"`
	ConfigSchema json.RawMessage   `json:"config_schema,omitempty"`
	Provider     *ManifestProvider `json:"provider,omitempty"`
	Limits       ManifestLimits    `json:"limits,omitzero"`
}

// ManifestLimits is what a plugin asks for beyond the default limits.
type ManifestLimits struct {
	// Fuel of one pm_decide_v1, up to abi.MaxRuleFuel. 0: abi.RuleFuel. Only of rules.
	Fuel int64 `json:"fuel,omitempty"`
}

// Fuel is the budget of one decision.
func (m Manifest) Fuel() int64 {
	if m.Limits.Fuel <= 0 {
		return abi.RuleFuel
	}
	return min(m.Limits.Fuel, abi.MaxRuleFuel)
}

// ManifestProvider is the provider part of a manifest.
type ManifestProvider struct {
	BaseURL string            `json:"base_url"`
	Auth    ManifestAuth      `json:"auth"`
	Headers map[string]string `json:"headers,omitempty"`
	Stream  string            `json:"stream,omitempty"` // "sse" (default), "json-array" or "ndjson"
	// Native are the wires that the upstream speaks itself: a body that arrives in one is
	// sent as it is to POST /v1/messages ("messages") or /responses ("responses"), below the
	// base URL; a chat ("chat"), also one that arrives in another wire, to /chat/completions, where
	// it has nothing that the adapter might have to change. See RATIONALE.md, "When is a request passed on as it is?".
	Native []string `json:"native,omitempty"`
}

// ManifestAuth says where the credential goes. The host puts it there; the guest never sees it.
type ManifestAuth struct {
	Scheme string `json:"scheme"` // "bearer", "header" or "query"
	Name   string `json:"name,omitempty"`
}

// PluginVersion is one uploaded module. AccountID is empty for a global plugin.
type PluginVersion struct {
	AccountID string
	Name      string
	Version   string
	Kind      string
	SHA256    [32]byte
	Module    []byte // nil when listed without modules
	Fixtures  []byte // of an upload: the cases that its module must pass, a JSON array; not kept
	Size      int64
	Manifest  Manifest
	Active    bool // at most one version of a name is
	CreatedAt time.Time
}

// Verdict is how a rule plugin answered.
type Verdict int32

// Verdicts; the numbers are those of pm_decide_v1.
const (
	VerdictDecided = Verdict(abi.Decided)
	VerdictAbstain = Verdict(abi.Abstain)
	VerdictReject  = Verdict(abi.Reject)
)

// RuleCall is what a rule plugin is given. Nodes may be absent.
type RuleCall struct {
	AccountID string // the caller's; the guest is not told, but keeps nothing for another
	RequestID string
	NowMS     int64
	Request   document.Node
	Context   document.Node
	// Rest completes Context when the guest looks beyond what it has; nil: it is whole.
	Rest document.Completer
	// Text is request.text of a Context that is not whole; absent: it is there.
	Text   document.Node
	Config document.Node
	// Dry calls count towards nothing: the decision is only explained, or made again.
	Dry bool
	// Unkept is what a request that is made again no longer has.
	Unkept Unkept
}

// Unkept says which parts of a request were not kept in its record. A guest that looks at one
// cannot be answered: its call fails with ErrUndecided, whatever it says.
type Unkept struct {
	Request  bool // the document
	Text     bool // request.text of the context
	Metadata bool // request.metadata
	Models   bool // models
}

// RuleAnswer is what a rule plugin said. The callee overwrites every member and
// reuses the slices; the caller owns it.
type RuleAnswer struct {
	Verdict Verdict
	Targets []string // ranking, best first; empty: the rule's own target
	Reason  string
	Tags    []Pair
	Params  []Pair
	Status  int    // of a reject, 400–451
	Message string // of a reject
	Logs    []LogLine
	// Fuel is what the call spent, in units of about one instruction; also set when Decide
	// fails. The same call on a fresh instance spends the same.
	Fuel int64
}

// Pair is a name and a value.
type Pair struct{ Name, Value string }

// LogLine is a line that a guest logged, control characters stripped.
type LogLine struct {
	Level int32
	Text  string
}

// RuleGuest is one version of a rule plugin, ready to be called.
type RuleGuest interface {
	// Decide calls pm_decide_v1. It allocates nothing on its own account.
	// Errors: CodePluginFailed when the guest trapped, ran out of budget, or broke the boundary;
	// ErrUndecided when it looked at what is Unkept. Safe for concurrent use.
	Decide(ctx context.Context, call *RuleCall, answer *RuleAnswer) error
	// Configure checks a config against the manifest's schema, then with pm_configure_v1
	// if the guest has it. Errors: *Error with CodeInvalid and a message for the author.
	Configure(ctx context.Context, config []byte) error
	// Ref is name@version.
	Ref() string
	// Digest is the SHA-256 of the module, in hex.
	Digest() string
}

// RuleGuests finds rule plugins.
type RuleGuests interface {
	// RuleGuest returns the plugin that ref names ("name": its active version, or
	// "name@version"), the account's own before a global one.
	// Errors: ErrNotFound. The guest stays usable until the next Sync of its library, and
	// answers CodePluginFailed after it was replaced and drained.
	RuleGuest(accountID, ref string) (RuleGuest, error)
}

// PluginStats is what one process knows of a plugin version since it offers it.
type PluginStats struct {
	Calls            int64
	Failures         map[string]int64 // by kind: unreachable, out_of_fuel, deadline, bad_access, stack, host_calls, output, exit, other
	FuelP50, FuelP99 int64            // units of a call; at most an eighth too high
	Instances        int64            // live now
	MemoryBytes      int64            // of those
	SuspendedUntil   time.Time        // zero: it is not
}

// PluginLog is a line that a plugin version logged.
type PluginLog struct {
	At        time.Time
	RequestID string
	Level     int32
	Text      string // control characters stripped
}

// PluginSuspension says that a version failed too often and LastGood serves in its
// place until then, when it is tried again.
type PluginSuspension struct {
	AccountID, Name, Version string // AccountID is empty for a global plugin
	LastGood                 string
	Until                    time.Time
}
