package host

import (
	"github.com/pointsman/pointsman/engine"
)

// vault is the text of every stored credential that could be opened. It is not changed
// once it is in force.
type vault map[vaultKey]string

type vaultKey struct{ account, provider, id string }

// open unseals the stored credentials and lists them at their providers. One that cannot be
// opened is left out and logged: it must not keep the others from being used.
func (h *Host) open(rows []engine.Provider, stored []engine.StoredCredential) *vault {
	type key struct{ account, id string }
	index := make(map[key]*engine.Provider, len(rows))
	for i := range rows {
		index[key{rows[i].AccountID, rows[i].ID}] = &rows[i]
	}
	v := make(vault, len(stored))
	for _, c := range stored {
		p := index[key{c.AccountID, c.ProviderID}]
		if p == nil {
			continue
		}
		text, err := h.seal.OpenCredential(c)
		if err != nil {
			h.opts.Log.Error().Err(err).Str("provider", c.ProviderID).Str("tenant_id", c.AccountID).Str("credential", c.ID).Msg("credential left out")
			continue
		}
		v[vaultKey{c.AccountID, c.ProviderID, c.ID}] = text
		p.Credentials = append(p.Credentials, engine.Credential{ID: c.ID, Weight: c.Weight, Enabled: c.Enabled, Version: c.Version})
	}
	return &v
}

// secret returns the text of a provider's credential, "" when there is none.
func (h *Host) secret(p *engine.Provider, id string) string {
	if id == engine.EnvironmentCredential {
		return h.providers.secret(p)
	}
	return (*h.vault.Load())[vaultKey{p.AccountID, p.ID, id}]
}
