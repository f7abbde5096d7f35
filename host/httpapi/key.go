package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// key is an API key as the API shows it: its text only once, when it is made.
type key struct {
	ID        string     `json:"id"`
	AccountID string     `json:"account_id"`
	UserID    string     `json:"user_id"`
	Name      string     `json:"name"`
	Prefix    string     `json:"prefix" doc:"The first characters, to recognise it by."`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	Secret    string     `json:"secret,omitempty" doc:"The key itself, in the answer that created it and never again."`
}

type (
	keyList struct {
		Body struct {
			Data []key `json:"data"`
		}
	}
	newKey struct {
		Body struct {
			Name      string     `json:"name" minLength:"1" maxLength:"128"`
			AccountID string     `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own."`
			UserID    string     `json:"user_id,omitempty" maxLength:"128" doc:"Whose key it is to be, with that user's role. Left out: the caller's own."`
			ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Left out: never."`
		}
	}
	createdKey struct {
		CacheControl string `header:"Cache-Control"`
		Body         key
	}
	keyID struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id"`
	}
)

func shownKey(k engine.Key) key {
	return key{
		ID: k.ID, AccountID: k.AccountID, UserID: k.UserID, Name: k.Name, Prefix: k.Prefix,
		CreatedAt: k.CreatedAt.UTC(), ExpiresAt: optional(k.ExpiresAt), RevokedAt: optional(k.RevokedAt),
	}
}

// optional is nil for the zero time.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (s *Server) registerKeys() {
	tag := []string{"keys"}
	operation(s, huma.Operation{OperationID: "list-keys", Method: http.MethodGet, Path: "/api/v1/keys", Summary: "List the keys that the caller manages", Tags: tag}, s.listKeys)
	operation(s, huma.Operation{OperationID: "create-key", Method: http.MethodPost, Path: "/api/v1/keys", Summary: "Create a key", Tags: tag, DefaultStatus: http.StatusCreated}, s.createKey)
	operation(s, huma.Operation{OperationID: "revoke-key", Method: http.MethodDelete, Path: "/api/v1/keys/{id}", Summary: "Revoke a key for good", Tags: tag, DefaultStatus: http.StatusNoContent}, s.revokeKey)
}

func (s *Server) listKeys(ctx context.Context, _ *nothing) (*keyList, error) {
	keys, err := s.cfg.Keys.ListKeys(ctx, principalOf(ctx))
	if err != nil {
		return nil, err
	}
	out := &keyList{}
	out.Body.Data = make([]key, 0, len(keys))
	for _, k := range keys {
		out.Body.Data = append(out.Body.Data, shownKey(k))
	}
	return out, nil
}

func (s *Server) createKey(ctx context.Context, in *newKey) (*createdKey, error) {
	want := engine.Key{AccountID: in.Body.AccountID, UserID: in.Body.UserID, Name: in.Body.Name}
	if in.Body.ExpiresAt != nil {
		want.ExpiresAt = *in.Body.ExpiresAt
	}
	k, secret, err := s.cfg.Keys.CreateKey(ctx, principalOf(ctx), want)
	if err != nil {
		return nil, err
	}
	out := &createdKey{CacheControl: "no-store", Body: shownKey(k)}
	out.Body.Secret = secret
	return out, nil
}

func (s *Server) revokeKey(ctx context.Context, in *keyID) (*nothing, error) {
	return nil, s.cfg.Keys.RevokeKey(ctx, principalOf(ctx), in.AccountID, in.ID)
}
