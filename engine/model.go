package engine

import (
	"encoding/json"
	"github.com/pointsman/pointsman/engine/document"
	"slices"
	"time"
)

// API is the wire by which a model is called upstream.
type API string

// Wires.
const (
	APIChat      API = "chat"      // OpenAI Chat Completions, and every compatible server
	APIResponses API = "responses" // OpenAI Responses
	APIMessages  API = "messages"  // Anthropic Messages
	APIGenerate  API = "generate"  // Gemini generateContent
	// APIEmbeddings is the embeddings endpoint of whatever wire the provider speaks.
	APIEmbeddings API = "embeddings"
)

// Capability is something that a model can do.
type Capability string

// Capabilities.
const (
	CapVision     Capability = "vision"
	CapTools      Capability = "tools"
	CapStructured Capability = "structured_output"
	CapReasoning  Capability = "reasoning"
	CapAudio      Capability = "audio"
	CapFiles      Capability = "files"
	CapImageURL   Capability = "image_url"  // fetches http(s) image URLs itself; without it only data URLs are taken
	CapEmbeddings Capability = "embeddings" // serves embeddings, and no chat
	CapPrefill    Capability = "prefill"    // goes on from a last message of the assistant's
)

// Model is one row of the catalogue. Its id is ours and stays even when the
// vendor retires its own; see At. AccountID is empty for the global catalogue.
type Model struct {
	AccountID     string
	ID            string
	Family        string // GPT, Codex, Claude, Gemini, Raptor
	DisplayName   string
	Tier          string // flagship, standard, economy, preview
	PremiumCenti  int64  // premium requests that one call costs, in hundredths: 33 is 0.33
	ProviderID    string
	UpstreamID    string
	API           API
	ContextWindow int64 // tokens; 0 means unknown, then never a reason to skip
	MaxOutput     int64 // tokens; 0 means unknown
	Modalities    []string
	Capabilities  []Capability
	Unsupported   []string          // request members that the upstream model rejects, as "temperature"
	Rename        map[string]string // request members that it knows by another name
	Fallbacks     []string          // model ids tried when this one, pinned, fails
	Source        string            // where the facts are from
	RetiresAt     time.Time         // when the vendor ends UpstreamID; zero: not announced
	Replacement   *Replacement      // the vendor's named successor; nil: none
	NoSubstitute  bool              // true: skip the target instead of using Replacement
	Enabled       bool
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Replacement is what serves a model after its vendor retired the upstream id.
type Replacement struct {
	UpstreamID    string            `json:"upstream_id"`
	API           API               `json:"api"`
	ContextWindow int64             `json:"context_window"`
	MaxOutput     int64             `json:"max_output"`
	Unsupported   []string          `json:"unsupported,omitempty"`
	Rename        map[string]string `json:"rename,omitempty"`
}

// At returns the model as it is served at that instant, and whether the
// replacement serves it. ok is false when the upstream id is retired and
// nothing may stand in for it.
func (m Model) At(t time.Time) (served Model, substituted, ok bool) {
	now, substituted, ok := m.at(t)
	return *now, substituted, ok
}

// at is At without a copy of what is served as it is.
func (m *Model) at(t time.Time) (served *Model, substituted, ok bool) {
	if m.RetiresAt.IsZero() || t.Before(m.RetiresAt) {
		return m, false, true
	}
	if m.Replacement == nil || m.NoSubstitute {
		return m, false, false
	}
	r, now := m.Replacement, *m
	now.UpstreamID, now.API = r.UpstreamID, r.API
	now.ContextWindow, now.MaxOutput = r.ContextWindow, r.MaxOutput
	now.Unsupported, now.Rename = r.Unsupported, r.Rename
	return &now, true, true
}

// Has reports whether the model has the capability.
func (m *Model) Has(c Capability) bool { return slices.Contains(m.Capabilities, c) }

// Provider is an upstream server and the adapter plugin that speaks its wire.
// AccountID is empty for the global ones.
type Provider struct {
	AccountID  string
	ID         string // openai, anthropic, google, raptor, …
	Name       string
	Adapter    string // plugin name, as "openai"
	BaseURL    string
	Credential string // where the operator's key is from, as "env:OPENAI_API_KEY"; never the key itself
	// Config is the adapter's config document (quirks of the server), a JSON object that
	// passed the manifest's config_schema; nil: none.
	Config json.RawMessage
	// Keyless: called without a credential when it has none, as a server of the operator's own.
	Keyless bool
	// Credentials are the keys that share its traffic. Filled when the snapshot is made.
	Credentials []Credential
	Enabled     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time

	config *document.Doc // of Config; made by NewCatalogue
}

// Credential is one key of a provider, without the key.
type Credential struct {
	ID      string // "env" for the operator's environment
	Weight  int    // share of the traffic, at least 1
	Enabled bool
	Version int64 // of the secret: a new one is not held responsible for the old one
}

// StoredCredential is a key of a provider as it is kept: sealed, and good for nothing
// without the installation's encryption key.
type StoredCredential struct {
	AccountID  string // of the provider; "": a global one
	ProviderID string
	ID         string
	Name       string // for people; may be empty
	Hint       string // the last characters of a long key, to recognise it by; else empty
	Weight     int    // 1–MaxWeight
	Enabled    bool
	Sealed     []byte
	SealKey    string // id of the key-encryption key that opens it
	Version    int64  // 1 for the first secret, one more with every new one
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// MaxWeight is the highest weight of a credential.
const MaxWeight = 1000

// Price is what an upstream model costs from a date on, in nano-USD per million tokens.
// A nil pointer means that the vendor names no such price, not that it is free. Rows that
// differ in AbovePrompt alone are the tiers of one version.
type Price struct {
	AccountID    string
	ProviderID   string
	UpstreamID   string
	From         time.Time
	AbovePrompt  int64 // holds for requests with more prompt tokens than this; 0: any
	Input        int64
	Output       int64
	Reasoning    *int64 // of the output, what the model only thought; nil: as Output
	CachedInput  *int64
	CacheWrite   *int64 // 5-minute writes, and writes of unsaid duration
	CacheWrite1h *int64
	PerRequest   int64 // nano-USD for a request; 0: none
	PerImage     int64 // nano-USD for each image of the input, beside its tokens; 0: none
	Source       string

	ceiling bool // see Ceiling
}
