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
	ID        string      `json:"id"`
	AccountID string      `json:"account_id"`
	UserID    string      `json:"user_id"`
	Name      string      `json:"name"`
	Prefix    string      `json:"prefix" doc:"The first characters, to recognise it by."`
	Scopes    []string    `json:"scopes" enum:"inference,read,manage" doc:"What it may be used for, within its role."`
	Role      engine.Role `json:"role" enum:"super_admin,account_admin,team_lead,user" doc:"The highest that it gives: what its user had when it was made. A user who rises needs new keys."`
	RotatedTo string      `json:"rotated_to,omitempty" doc:"Id of the key that takes its place."`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
	ExpiresAt *time.Time  `json:"expires_at,omitempty"`
	RevokedAt *time.Time  `json:"revoked_at,omitempty"`
	Secret    string      `json:"secret,omitempty" doc:"The key itself, in the answer that created it and never again."`
}

type (
	// KeyFilter narrows a list of keys.
	KeyFilter struct {
		AccountID string      `query:"account_id" maxLength:"128" doc:"Left out: every account that the caller sees. Another one than its own only for a super admin."`
		TeamID    string      `query:"team_id" maxLength:"128" doc:"Of users in that team."`
		UserID    string      `query:"user_id" maxLength:"128"`
		Role      engine.Role `query:"role" enum:"super_admin,account_admin,team_lead,user" doc:"Of users with that role."`
		Search    string      `query:"search" maxLength:"128" doc:"A part of the id or the name, in any letter case."`
		Inactive  bool        `query:"inactive" doc:"true: revoked and expired keys too."`
	}
	keyList struct {
		Body struct {
			Data []key  `json:"data" doc:"By account, then id, which is by creation."`
			Next string `json:"next,omitempty" doc:"The next page's 'after'; left out on the last one."`
		}
	}
	newKey struct {
		Body struct {
			Name      string     `json:"name" minLength:"1" maxLength:"128"`
			AccountID string     `json:"account_id,omitempty" maxLength:"128" doc:"Left out: the caller's own."`
			UserID    string     `json:"user_id,omitempty" maxLength:"128" doc:"Whose key it is to be, with that user's role. Left out: the caller's own."`
			Scopes    []string   `json:"scopes,omitempty" minItems:"1" maxItems:"3" enum:"inference,read,manage" doc:"What it may be used for: inference (/v1), read and manage (/api/v1). manage needs read. Left out: the scopes of the caller's key, which are also the most it may give."`
			ExpiresAt *time.Time `json:"expires_at,omitempty" doc:"Left out: never, or when the caller's key expires, which is also the latest."`
		}
	}
	keyPatch struct {
		Name      *string    `json:"name,omitempty" minLength:"1" maxLength:"128"`
		Scopes    *[]string  `json:"scopes,omitempty" minItems:"1" maxItems:"3" enum:"inference,read,manage"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
		// Never is a member of its own, as null and left out are the same to most encoders.
		Never bool `json:"never_expires,omitempty" doc:"true: expires_at is taken away."`
	}
	rotation struct {
		OverlapSeconds *int64     `json:"overlap_seconds,omitempty" minimum:"0" maximum:"604800" doc:"How long the old key goes on working. Default 86400."`
		ExpiresAt      *time.Time `json:"expires_at,omitempty" doc:"Of the new key. Left out: as the old one's was."`
	}
	createdKey struct {
		CacheControl string `header:"Cache-Control"`
		Location     string `header:"Location"`
		ETag         string `header:"ETag"`
		Body         key
	}
	keyOutput struct {
		ETag string `header:"ETag"`
		Body key
	}
	// KeyID is the key that a path means.
	KeyID struct {
		ID        string `path:"id" maxLength:"64"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Left out: whichever account has it."`
	}
)

func shownKey(k engine.Key) key {
	return key{
		ID: k.ID, AccountID: k.AccountID, UserID: k.UserID, Name: k.Name, Prefix: k.Prefix,
		Scopes: k.Scopes.Names(), Role: k.Role, RotatedTo: k.RotatedTo, CreatedAt: k.CreatedAt.UTC(), UpdatedAt: k.UpdatedAt.UTC(),
		ExpiresAt: optional(k.ExpiresAt), RevokedAt: optional(k.RevokedAt),
	}
}

// scopesOf reads scopes by name; the schema knows the names.
func scopesOf(names []string) (s engine.Scopes) {
	for _, name := range names {
		scope, _ := engine.ParseScope(name)
		s |= scope
	}
	return s
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
	operation(s, huma.Operation{OperationID: "create-key", Method: http.MethodPost, Path: "/api/v1/keys", Summary: "Create a key", Description: "Nobody gives more than they hold: the key has its user's role, and at most the scopes and the time of the caller's key.", Tags: tag, DefaultStatus: http.StatusCreated}, s.createKey)
	operation(s, huma.Operation{OperationID: "get-key", Method: http.MethodGet, Path: "/api/v1/keys/{id}", Summary: "Get a key, without its text", Tags: tag}, s.getKey)
	operation(s, huma.Operation{OperationID: "patch-key", Method: http.MethodPatch, Path: "/api/v1/keys/{id}", Summary: "Change the name, scopes or end of a key", Tags: tag}, s.patchKey)
	operation(s, huma.Operation{OperationID: "rotate-key", Method: http.MethodPost, Path: "/api/v1/keys/{id}/rotate", Summary: "Put a new key in the place of one", Description: "Both work until the overlap ends.", Tags: tag, DefaultStatus: http.StatusCreated}, s.rotateKey)
	operation(s, huma.Operation{OperationID: "revoke-key", Method: http.MethodDelete, Path: "/api/v1/keys/{id}", Summary: "Revoke a key for good", Tags: tag, DefaultStatus: http.StatusNoContent}, s.revokeKey)
}

func (s *Server) listKeys(ctx context.Context, in *struct {
	PageQuery
	KeyFilter
}) (*keyList, error) {
	p := principalOf(ctx)
	scope := scopeOfList("keys", p, in.KeyFilter)
	page, err := s.page(scope, in.PageQuery)
	if err != nil {
		return nil, err
	}
	keys, next, err := s.cfg.Keys.ListKeys(ctx, p, engine.TenantFilter{
		AccountID: in.AccountID, TeamID: in.TeamID, UserID: in.UserID, Role: in.Role, Search: in.Search, Inactive: in.Inactive,
	}, page)
	if err != nil {
		return nil, err
	}
	out := &keyList{}
	out.Body.Data, out.Body.Next = shownAll(keys, shownKey), s.cursors.next(scope, next)
	return out, nil
}

// shownAll is rows as the API shows them, never nil.
func shownAll[T, S any](rows []T, shown func(T) S) []S {
	out := make([]S, 0, len(rows))
	for _, row := range rows {
		out = append(out, shown(row))
	}
	return out
}

func (s *Server) createKey(ctx context.Context, in *newKey) (*createdKey, error) {
	want := engine.Key{
		AccountID: in.Body.AccountID, UserID: in.Body.UserID, Name: in.Body.Name,
		Scopes: scopesOf(in.Body.Scopes), ExpiresAt: timeOf(in.Body.ExpiresAt),
	}
	k, secret, err := s.cfg.Keys.CreateKey(ctx, principalOf(ctx), want)
	if err != nil {
		return nil, err
	}
	return withSecret(k, secret), nil
}

func withSecret(k engine.Key, secret string) *createdKey {
	out := &createdKey{CacheControl: "no-store", Location: "/api/v1/keys/" + k.ID, ETag: etagOf(k.UpdatedAt), Body: shownKey(k)}
	out.Body.Secret = secret
	return out
}

func (s *Server) getKey(ctx context.Context, in *KeyID) (*keyOutput, error) {
	k, err := s.cfg.Keys.GetKey(ctx, principalOf(ctx), in.AccountID, in.ID)
	if err != nil {
		return nil, err
	}
	return &keyOutput{etagOf(k.UpdatedAt), shownKey(k)}, nil
}

// keyVersion is which version of the key a change is meant for, and the account it lives in.
func (s *Server) keyVersion(ctx context.Context, k KeyID, m RuleMatch) (account string, was time.Time, err error) {
	old, err := s.cfg.Keys.GetKey(ctx, principalOf(ctx), k.AccountID, k.ID)
	if err != nil {
		return "", was, err
	}
	was, err = changes(m, "key", row{old.AccountID, old.ID, old.UpdatedAt})
	return old.AccountID, was, err
}

func (s *Server) patchKey(ctx context.Context, in *struct {
	KeyID
	RuleMatch
	Body keyPatch
}) (*keyOutput, error) {
	if in.Body.Never && in.Body.ExpiresAt != nil {
		return nil, invalid("never_expires", "'never_expires' and 'expires_at' contradict each other.")
	}
	account, was, err := s.keyVersion(ctx, in.KeyID, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	k, err := s.cfg.Keys.ChangeKey(ctx, principalOf(ctx), account, in.ID, was, func(k *engine.Key) {
		overlay(&k.Name, in.Body.Name)
		if in.Body.Scopes != nil {
			k.Scopes = scopesOf(*in.Body.Scopes)
		}
		if in.Body.ExpiresAt != nil || in.Body.Never {
			k.ExpiresAt = timeOf(in.Body.ExpiresAt)
		}
	})
	if err != nil {
		return nil, err
	}
	return &keyOutput{etagOf(k.UpdatedAt), shownKey(k)}, nil
}

func (s *Server) rotateKey(ctx context.Context, in *struct {
	KeyID
	RuleMatch
	Body *rotation
}) (*createdKey, error) {
	account, was, err := s.keyVersion(ctx, in.KeyID, in.RuleMatch)
	if err != nil {
		return nil, err
	}
	r := engine.KeyRotation{Overlap: engine.DefaultOverlap}
	if in.Body != nil {
		r.ExpiresAt = timeOf(in.Body.ExpiresAt)
		if in.Body.OverlapSeconds != nil {
			r.Overlap = time.Duration(*in.Body.OverlapSeconds) * time.Second
		}
	}
	k, secret, err := s.cfg.Keys.RotateKey(ctx, principalOf(ctx), account, in.ID, was, r)
	if err != nil {
		return nil, err
	}
	return withSecret(k, secret), nil
}

func (s *Server) revokeKey(ctx context.Context, in *struct {
	KeyID
	RuleMatch
}) (*nothing, error) {
	if in.IfMatch != "" {
		account, _, err := s.keyVersion(ctx, in.KeyID, in.RuleMatch)
		if err != nil {
			return nil, err
		}
		in.AccountID = account
	}
	return nil, s.cfg.Keys.RevokeKey(ctx, principalOf(ctx), in.AccountID, in.ID)
}
