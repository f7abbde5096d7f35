package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// What a provider's credential may be.
const (
	// MaxSecret is the longest text of a credential, in bytes.
	MaxSecret = 4096
	// MaxCredentials is how many credentials one provider may have.
	MaxCredentials = 64
	// EnvironmentCredential is the id of the credential that the operator's environment
	// gives a global provider. It is not stored.
	EnvironmentCredential = "env"
	// SimulatorCredential is the id of the credential that a simulated provider has.
	SimulatorCredential = "simulator"
)

// A hint shows hintChars of a secret that has at least hintFrom: of a shorter one that
// would be too much.
const (
	hintChars = 4
	hintFrom  = 20
)

// ListCredentials returns the stored credentials of a provider, by creation. Their secrets
// stay sealed. Errors: CodeNotFound; CodeForbidden for a global provider, whose keys only a
// super admin sees.
func (s *ProviderService) ListCredentials(ctx context.Context, p Principal, accountID, providerID string) ([]StoredCredential, error) {
	if _, err := s.writable(ctx, p, accountID, providerID); err != nil {
		return nil, err
	}
	all, err := s.Store.ListCredentials(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c StoredCredential) bool {
		return c.AccountID != accountID || c.ProviderID != providerID
	}), nil
}

// GetCredential returns one of ListCredentials. Errors: CodeNotFound, and those.
func (s *ProviderService) GetCredential(ctx context.Context, p Principal, accountID, providerID, id string) (StoredCredential, error) {
	list, err := s.ListCredentials(ctx, p, accountID, providerID)
	if err != nil {
		return StoredCredential{}, err
	}
	i := slices.IndexFunc(list, func(c StoredCredential) bool { return c.ID == id })
	if i < 0 {
		return StoredCredential{}, noSuchCredential(id)
	}
	return list[i], nil
}

func noSuchCredential(id string) *Error {
	if id == EnvironmentCredential {
		return Errorf(CodeNotFound, "The credential 'env' is the operator's environment: it is changed there.")
	}
	return Errorf(CodeNotFound, "There is no credential '%s' of that provider.", clipText(id, 64))
}

// CreateCredential seals, stores and puts in force a new credential. An empty id is made up,
// a Weight of 0 is 1. The secret is kept nowhere in the clear, and no error repeats it.
// Errors: CodeForbidden, CodeNotFound, CodeInvalid with the member at fault, CodeConflict.
func (s *ProviderService) CreateCredential(ctx context.Context, p Principal, c StoredCredential, secret string) (StoredCredential, error) {
	err := s.change(ctx, func() error {
		list, err := s.ListCredentials(ctx, p, c.AccountID, c.ProviderID)
		if err != nil {
			return err
		}
		if len(list) >= MaxCredentials {
			return Errorf(CodeConflict, "A provider may have %d credentials. Delete one first.", MaxCredentials)
		}
		if c.ID == "" {
			c.ID = newID()
		}
		if !providerID.MatchString(c.ID) || c.ID == EnvironmentCredential || c.ID == SimulatorCredential {
			return invalidMember("id", "'id' must be 1 to 64 of a-z, 0-9, '.', '_' and '-', begin with a letter or digit, and not be 'env' or 'simulator'.")
		}
		if c.Weight == 0 {
			c.Weight = 1
		}
		c.CreatedAt = s.stamp(time.Time{})
		c.UpdatedAt, c.Version = c.CreatedAt, 1
		if err := checkCredential(c); err != nil {
			return err
		}
		if c, err = s.seal(c, secret); err != nil {
			return err
		}
		err = s.Store.CreateCredential(s.audited(ctx, "credential.create", c, recordCredential(c)), c)
		switch {
		case errors.Is(err, ErrConflict):
			return Errorf(CodeConflict, "A credential '%s' of that provider exists already.", c.ID)
		case errors.Is(err, ErrNotFound):
			return noSuchProvider(c.ProviderID)
		}
		return err
	})
	return c, err
}

// ChangeCredential applies edit to the stored row, of which it may change name, weight and
// enabled; it may be called more than once. secret replaces the key; nil: it stays. was is
// the UpdatedAt that the caller has seen; zero: whatever is stored.
// Errors: those of CreateCredential, CodeConflict when the row changed meanwhile.
func (s *ProviderService) ChangeCredential(ctx context.Context, p Principal, accountID, providerID, id string, was time.Time, secret *string, edit func(*StoredCredential)) (c StoredCredential, err error) {
	err = s.change(ctx, func() error {
		return again(was, func() error {
			old, err := s.GetCredential(ctx, p, accountID, providerID, id)
			if err != nil {
				return err
			}
			edited := old
			edit(&edited)
			c = old
			c.Name, c.Weight, c.Enabled, c.UpdatedAt = edited.Name, edited.Weight, edited.Enabled, s.stamp(old.UpdatedAt)
			if err := checkCredential(c); err != nil {
				return err
			}
			if secret != nil {
				c.Version++
				if c, err = s.seal(c, *secret); err != nil {
					return err
				}
			} else if text, err := s.Seal.OpenCredential(c); err == nil {
				// Whatever sealed it: from now on the key in force does.
				if c, err = s.Seal.SealCredential(c, text); err != nil {
					return err
				}
			}
			seen := was
			if seen.IsZero() {
				seen = old.UpdatedAt
			}
			return s.Store.UpdateCredential(s.audited(ctx, "credential.update", c, recordCredential(c)), c, seen)
		})
	})
	if errors.Is(err, ErrConflict) {
		err = Errorf(CodeConflict, "The credential '%s' was changed meanwhile. Read it again.", clipText(id, 64))
	} else if errors.Is(err, ErrNotFound) {
		err = noSuchCredential(id)
	}
	return c, err
}

// DeleteCredential deletes a credential for good. Errors: CodeNotFound, CodeForbidden.
func (s *ProviderService) DeleteCredential(ctx context.Context, p Principal, accountID, providerID, id string) error {
	return s.change(ctx, func() error {
		c, err := s.GetCredential(ctx, p, accountID, providerID, id)
		if err != nil {
			return err
		}
		err = s.Store.DeleteCredential(s.audited(ctx, "credential.delete", c, nil), accountID, providerID, id)
		if errors.Is(err, ErrNotFound) {
			return noSuchCredential(id)
		}
		return err
	})
}

// audited is Audited for a credential, of which detail says nothing secret.
func (s *ProviderService) audited(ctx context.Context, action string, c StoredCredential, detail any) context.Context {
	return Audited(ctx, s.Now(), c.AccountID, action, "credential/"+c.ProviderID+"/"+c.ID, detail)
}

func checkCredential(c StoredCredential) error {
	switch {
	case !printable(c.Name, 128):
		return invalidMember("name", "'name' must have up to 128 bytes and no control characters.")
	case c.Weight < 1 || c.Weight > MaxWeight:
		return invalidMember("weight", "'weight' must be 1 to %d.", MaxWeight)
	}
	return nil
}

// seal encrypts the secret into the row. White space around it is dropped: files and
// terminals often add a line end.
func (s *ProviderService) seal(c StoredCredential, secret string) (StoredCredential, error) {
	secret = strings.TrimSpace(secret)
	if secret == "" || len(secret) > MaxSecret || strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return c, invalidMember("secret", "'secret' must be 1 to %d printable ASCII characters without blanks.", MaxSecret)
	}
	c.Hint = ""
	if len(secret) >= hintFrom {
		c.Hint = secret[len(secret)-hintChars:]
	}
	return s.Seal.SealCredential(c, secret)
}
