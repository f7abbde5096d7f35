package host

import (
	"maps"
	"slices"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/simulator"
)

// providers is how the operator's environment says that each provider is reached.
type providers struct {
	credentials map[string]string
	keyless     map[string]bool // called without a credential, by the operator's base URL
	simulated   map[string]bool
	baseURL     map[string]string
	operator    map[string]bool // base URL set by the operator: may be loopback
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

// reach works out which providers are real, simulated or unreachable. sim is nil
// when nothing is simulated.
func reach(u Upstreams, sim *simulator.Simulator) providers {
	p := providers{
		credentials: map[string]string{}, keyless: map[string]bool{}, simulated: map[string]bool{},
		baseURL: map[string]string{}, operator: map[string]bool{},
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
				p.baseURL[s.id], p.operator[s.id] = s.base, true
			}
		case sim != nil:
			p.baseURL[s.id], p.operator[s.id] = sim.BaseURL(s.id), true
			p.credentials[s.id], p.simulated[s.id] = "simulated-"+s.id, true
		}
	}
	return p
}

// apply gives the stored providers the operator's base URLs.
func (p providers) apply(rows []engine.Provider) []engine.Provider {
	for i := range rows {
		row := &rows[i]
		if row.AccountID != "" {
			continue
		}
		if base := p.baseURL[row.ID]; base != "" {
			row.BaseURL = base
		}
		row.Keyless = row.Keyless || p.keyless[row.ID]
		if p.credentials[row.ID] != "" {
			row.Credentials = append(row.Credentials, engine.Credential{ID: environment, Weight: 1, Enabled: true})
		}
	}
	return rows
}

// environment is the id of the credential that comes from the operator's environment.
const environment = "env"

// secret returns the text of a provider's credential, "" when there is none.
func (p providers) secret(row *engine.Provider, credentialID string) string {
	if row.AccountID != "" || credentialID != environment {
		return ""
	}
	return p.credentials[row.ID]
}

// allowPrivate reports whether the provider may be on a private address: only
// where the operator said so.
func (p providers) allowPrivate(row *engine.Provider) bool {
	return row.AccountID == "" && p.operator[row.ID]
}

// isSimulated reports whether the in-process simulator serves the provider.
func (p providers) isSimulated(row *engine.Provider) bool {
	return row.AccountID == "" && p.simulated[row.ID]
}

// simulatedIDs returns the simulated providers, sorted.
func (p providers) simulatedIDs() []string {
	return slices.Sorted(maps.Keys(p.simulated))
}
