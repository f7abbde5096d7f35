package tenancy

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const knownDigest = "6b9a30b05a7505896d4b3cf2ee6d8380d8757136fc34267a44c4f02cbaf32a06"

// newStore returns an empty store.
func newStore(t *testing.T) Store {
	t.Helper()
	return &memoryStore{}
}

// memoryStore is the two contracts that keys need, in memory.
type memoryStore struct {
	mu       sync.Mutex
	accounts []engine.Account
	users    []engine.User
	keys     []engine.Key
}

func (s *memoryStore) GetAccount(_ context.Context, id string) (engine.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accounts {
		if a.ID == id {
			return a, nil
		}
	}
	return engine.Account{}, engine.ErrNotFound
}

func (s *memoryStore) CreateAccount(ctx context.Context, a engine.Account) error {
	if _, err := s.GetAccount(ctx, a.ID); err == nil {
		return engine.ErrConflict
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts = append(s.accounts, a)
	return nil
}

func (s *memoryStore) ListUsers(context.Context) ([]engine.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]engine.User(nil), s.users...), nil
}

func (s *memoryStore) CreateUser(_ context.Context, u engine.User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.users {
		if old.AccountID == u.AccountID && old.ID == u.ID {
			return engine.ErrConflict
		}
	}
	s.users = append(s.users, u)
	return nil
}

func (s *memoryStore) ListKeys(context.Context) ([]engine.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]engine.Key(nil), s.keys...), nil
}

func (s *memoryStore) CreateKey(_ context.Context, k engine.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.keys {
		if string(old.Digest) == string(k.Digest) || old.AccountID == k.AccountID && old.ID == k.ID {
			return engine.ErrConflict
		}
	}
	s.keys = append(s.keys, k)
	return nil
}

func (s *memoryStore) RevokeKey(_ context.Context, accountID, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range s.keys {
		if k.AccountID == accountID && k.ID == id {
			if k.RevokedAt.IsZero() {
				s.keys[i].RevokedAt = at
			}
			return nil
		}
	}
	return engine.ErrNotFound
}
