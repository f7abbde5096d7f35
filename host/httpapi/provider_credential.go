package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// providerCredential is a provider's key as the admin API shows it: without the key, always.
type providerCredential struct {
	ID        string     `json:"id"`
	Name      string     `json:"name,omitempty"`
	Hint      string     `json:"hint,omitempty" doc:"The last characters of a long key."`
	Weight    int        `json:"weight" doc:"Its share of the traffic, against the other credentials of the provider."`
	Enabled   bool       `json:"enabled"`
	Source    string     `json:"source" doc:"stored; env:NAME for the operator's own, which is changed in the environment; simulator."`
	Usable    *bool      `json:"usable,omitempty" doc:"false: it cannot be decrypted with the encryption keys in force. Replace the secret."`
	CreatedAt *time.Time `json:"created_at,omitempty"`
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
}

type (
	// CredentialKey is the credential that a path means. Exported because huma skips
	// embedded structs that are not.
	CredentialKey struct {
		CatalogueKey
		CID string `path:"cid" maxLength:"64"`
	}
	newCredential struct {
		ID      string `json:"id,omitempty" maxLength:"64" doc:"a-z, 0-9, '.', '_' and '-'. Made up when left out."`
		Name    string `json:"name,omitempty" maxLength:"128"`
		Secret  string `json:"secret" writeOnly:"true" doc:"The key. It is stored encrypted and never shown again."`
		Weight  int    `json:"weight,omitempty" minimum:"1" maximum:"1000" doc:"Default 1."`
		Enabled *bool  `json:"enabled,omitempty" doc:"Default true."`
	}
	credentialPatch struct {
		Name    *string `json:"name,omitempty" maxLength:"128"`
		Secret  *string `json:"secret,omitempty" writeOnly:"true" doc:"Replaces the key."`
		Weight  *int    `json:"weight,omitempty" minimum:"1" maximum:"1000"`
		Enabled *bool   `json:"enabled,omitempty"`
	}
	credentialList struct {
		Body struct {
			Data []providerCredential `json:"data" doc:"The environment's first, then by creation."`
		}
	}
	credentialOutput struct {
		ETag string `header:"ETag"`
		Body providerCredential
	}
	createdCredential struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     providerCredential
	}
)

const sourceStored = "stored"

// sourceOf is where a provider's credential is from, by its id.
func sourceOf(row engine.Provider, id string) string {
	switch {
	case id == engine.SimulatorCredential && row.AccountID == "":
		return id
	case id == engine.EnvironmentCredential && row.AccountID == "":
		return row.Credential
	}
	return sourceStored
}

func (s *Server) shownCredential(row engine.Provider, c engine.StoredCredential) providerCredential {
	created, updated, usable := c.CreatedAt.UTC(), c.UpdatedAt.UTC(), false
	for _, k := range s.inForce(row) {
		usable = usable || k.ID == c.ID
	}
	return providerCredential{
		ID: c.ID, Name: c.Name, Hint: c.Hint, Weight: c.Weight, Enabled: c.Enabled, Source: sourceStored,
		Usable: &usable, CreatedAt: &created, UpdatedAt: &updated,
	}
}

// secretBody marks operations whose bodies hold secrets: no error may quote them.
var secretBody = map[string]any{"secret": true}

func (s *Server) registerCredentials() {
	tag, path := []string{"providers"}, "/api/v1/providers/{id}/credentials"
	operation(s, huma.Operation{OperationID: "list-credentials", Method: http.MethodGet, Path: path, Summary: "List a provider's credentials, without their texts", Tags: tag}, s.listCredentials)
	operation(s, huma.Operation{OperationID: "create-credential", Method: http.MethodPost, Path: path, Summary: "Add a credential to a provider", Tags: tag, DefaultStatus: http.StatusCreated, Metadata: secretBody}, s.createCredential)
	operation(s, huma.Operation{OperationID: "get-credential", Method: http.MethodGet, Path: path + "/{cid}", Summary: "Get a credential, without its text", Tags: tag}, s.getCredential)
	operation(s, huma.Operation{OperationID: "patch-credential", Method: http.MethodPatch, Path: path + "/{cid}", Summary: "Change members of a credential, or replace its text", Tags: tag, Metadata: secretBody}, s.patchCredential)
	operation(s, huma.Operation{OperationID: "delete-credential", Method: http.MethodDelete, Path: path + "/{cid}", Summary: "Delete a credential for good", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deleteCredential)
}

func (s *Server) listCredentials(ctx context.Context, in *CatalogueKey) (*credentialList, error) {
	row, err := s.findProvider(ctx, *in)
	if err != nil {
		return nil, err
	}
	stored, err := s.cfg.Providers.ListCredentials(ctx, principalOf(ctx), row.AccountID, row.ID)
	if err != nil {
		return nil, err
	}
	out := &credentialList{}
	out.Body.Data = []providerCredential{}
	for _, k := range s.inForce(row) {
		if source := sourceOf(row, k.ID); source != sourceStored {
			out.Body.Data = append(out.Body.Data, providerCredential{ID: k.ID, Weight: k.Weight, Enabled: k.Enabled, Source: source})
		}
	}
	for _, c := range stored {
		out.Body.Data = append(out.Body.Data, s.shownCredential(row, c))
	}
	return out, nil
}

// findCredential reads the stored rows that a path names.
func (s *Server) findCredential(ctx context.Context, k CredentialKey) (engine.Provider, engine.StoredCredential, error) {
	row, err := s.findProvider(ctx, k.CatalogueKey)
	if err != nil {
		return row, engine.StoredCredential{}, err
	}
	c, err := s.cfg.Providers.GetCredential(ctx, principalOf(ctx), row.AccountID, row.ID, k.CID)
	return row, c, err
}

func (s *Server) getCredential(ctx context.Context, in *CredentialKey) (*credentialOutput, error) {
	row, c, err := s.findCredential(ctx, *in)
	if err != nil {
		return nil, err
	}
	return &credentialOutput{etagOf(c.UpdatedAt), s.shownCredential(row, c)}, nil
}

func (s *Server) createCredential(ctx context.Context, in *struct {
	CatalogueKey
	Body newCredential
}) (*createdCredential, error) {
	row, err := s.findProvider(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	c, err := s.cfg.Providers.CreateCredential(ctx, principalOf(ctx), engine.StoredCredential{
		AccountID: row.AccountID, ProviderID: row.ID, ID: in.Body.ID, Name: in.Body.Name, Weight: in.Body.Weight,
		Enabled: in.Body.Enabled == nil || *in.Body.Enabled,
	}, in.Body.Secret)
	if err != nil {
		return nil, err
	}
	return &createdCredential{"/api/v1/providers/" + row.ID + "/credentials/" + c.ID, etagOf(c.UpdatedAt), s.shownCredential(row, c)}, nil
}

func (s *Server) patchCredential(ctx context.Context, in *struct {
	CredentialKey
	RuleMatch
	Body credentialPatch
}) (*credentialOutput, error) {
	provider, old, err := s.findCredential(ctx, in.CredentialKey)
	if err != nil {
		return nil, err
	}
	was, err := changes(in.RuleMatch, "credential", row{old.AccountID, old.ID, old.UpdatedAt})
	if err != nil {
		return nil, err
	}
	c, err := s.cfg.Providers.ChangeCredential(ctx, principalOf(ctx), old.AccountID, old.ProviderID, old.ID, was, in.Body.Secret, func(c *engine.StoredCredential) {
		overlay(&c.Name, in.Body.Name)
		overlay(&c.Weight, in.Body.Weight)
		overlay(&c.Enabled, in.Body.Enabled)
	})
	if err != nil {
		return nil, err
	}
	return &credentialOutput{etagOf(c.UpdatedAt), s.shownCredential(provider, c)}, nil
}

func (s *Server) deleteCredential(ctx context.Context, in *struct {
	CredentialKey
	RuleMatch
}) (*nothing, error) {
	_, c, err := s.findCredential(ctx, in.CredentialKey)
	if err != nil {
		return nil, err
	}
	if err := matchedAt(in.RuleMatch, "credential", c.ID, c.UpdatedAt); err != nil {
		return nil, err
	}
	return nil, s.cfg.Providers.DeleteCredential(ctx, principalOf(ctx), c.AccountID, c.ProviderID, c.ID)
}
