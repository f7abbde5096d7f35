package host

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/simulator"
	"github.com/pointsman/pointsman/host/store"
)

// providers is how the operator's environment says that each provider is reached.
type providers struct {
	credentials map[string]string
	keyless     map[string]bool // called without a credential, by the operator's base URL
	simulated   map[string]bool
	baseURL     map[string]string
	vendor      map[string]bool // base URLs of the seed, by URL: never private
}

// upstreamSetting is one provider's pair of settings, and the variable of the second.
type upstreamSetting struct{ id, key, base, baseFrom string }

func (u Upstreams) settings() []upstreamSetting {
	gemini, from := u.GeminiBase, "GEMINI_BASE_URL"
	if gemini == "" {
		gemini, from = u.GoogleBase, "GOOGLE_GEMINI_BASE_URL"
	}
	return []upstreamSetting{
		{"openai", u.OpenAIKey, u.OpenAIBase, "OPENAI_BASE_URL"},
		{"anthropic", u.AnthropicKey, u.AnthropicBase, "ANTHROPIC_BASE_URL"},
		{"google", u.GeminiKey, gemini, from},
		{"raptor", u.RaptorKey, u.RaptorBase, "RAPTOR_BASE_URL"},
	}
}

// configured reports whether the operator named any real provider.
func (u Upstreams) configured() bool {
	for _, s := range u.settings() {
		if s.key != "" || s.base != "" {
			return true
		}
	}
	return false
}

// reach works out which providers are real, simulated or unreachable by the environment
// alone. sim is nil when nothing is simulated.
func reach(u Upstreams, sim *simulator.Simulator) (providers, error) {
	p := providers{
		credentials: map[string]string{}, keyless: map[string]bool{}, simulated: map[string]bool{},
		baseURL: map[string]string{}, vendor: map[string]bool{"": true},
	}
	seeded, err := store.LoadCatalogue(time.Time{})
	if err != nil {
		return p, err
	}
	for _, row := range seeded.Providers {
		p.vendor[row.BaseURL] = true
	}
	for _, s := range u.settings() {
		switch {
		case s.key != "" || s.base != "":
			if s.key != "" {
				p.credentials[s.id] = s.key
			} else {
				p.keyless[s.id] = true
			}
			if s.base != "" {
				p.baseURL[s.id] = s.base
			}
		case sim != nil:
			p.baseURL[s.id], p.simulated[s.id] = sim.BaseURL(s.id), true
		}
	}
	return p, nil
}

// apply gives the stored providers what the operator's environment says. A provider that
// would be simulated is real once somebody gave it a credential, or said that it needs none.
func (p providers) apply(rows []engine.Provider, stored []engine.StoredCredential) []engine.Provider {
	keyed := map[string]bool{}
	for _, c := range stored {
		if c.AccountID == "" {
			keyed[c.ProviderID] = true
		}
	}
	for i := range rows {
		row := &rows[i]
		if row.AccountID != "" || p.simulated[row.ID] && (keyed[row.ID] || row.Keyless) {
			continue
		}
		if base := p.baseURL[row.ID]; base != "" {
			row.BaseURL = base
		}
		row.Keyless = row.Keyless || p.keyless[row.ID]
		switch {
		case p.simulated[row.ID]:
			row.Credentials = append(row.Credentials, engine.Credential{ID: engine.SimulatorCredential, Weight: 1, Enabled: true})
		case p.credentials[row.ID] != "":
			row.Credentials = append(row.Credentials, engine.Credential{ID: engine.EnvironmentCredential, Weight: 1, Enabled: true})
		}
	}
	return rows
}

// secret returns the text of the operator's credential for a provider, "" when there is none.
func (p providers) secret(row *engine.Provider) string {
	if row.AccountID != "" {
		return ""
	}
	return p.credentials[row.ID]
}

// allowPrivate reports whether the provider may be on a private address: only where the
// operator said so, in the environment or as a super admin. A vendor's own address never is.
func (p providers) allowPrivate(row *engine.Provider) bool {
	return row.AccountID == "" && !p.vendor[row.BaseURL]
}

// isSimulated reports whether the in-process simulator serves the provider.
func (p providers) isSimulated(row *engine.Provider) bool {
	return row.AccountID == "" && p.simulated[row.ID] && row.BaseURL == p.baseURL[row.ID]
}

// simulated returns the ids of the providers that are simulated as the rows stand, sorted.
// Where the rows cannot be read, it goes by the environment alone.
func (h *Host) simulated(ctx context.Context) []string {
	rows, err := h.store.ListProviders(ctx)
	if err != nil {
		return slices.Sorted(maps.Keys(h.providers.simulated))
	}
	stored, err := h.store.ListCredentials(ctx)
	if err != nil {
		return slices.Sorted(maps.Keys(h.providers.simulated))
	}
	var ids []string
	for _, row := range h.providers.apply(rows, stored) {
		if h.providers.isSimulated(&row) {
			ids = append(ids, row.ID)
		}
	}
	return ids
}
