package engine

import (
	"context"
	"time"
)

// RuleSet is one version of all rules of an account, enabled or not. Versions rise by one with
// every change and are never changed themselves.
type RuleSet struct {
	AccountID string // "": the global rules
	Version   int64  // from 1
	Digest    string // hex SHA-256 of the rules' canonical JSON: equal rules have equal digests
	Rules     []Rule // in the order of RuleStore.ListRules; nil in lists
	Count     int    // of Rules
	Note      string // why, as who published it said; at most 512 bytes
	By        string // "account/user" of who changed it; "": the seed
	Restores  int64  // the version that it brings back; 0: none
	CreatedAt time.Time
}

// RuleSetStore keeps the versions of rules. Each write of RuleStore adds one in the same
// transaction.
type RuleSetStore interface {
	// ListRuleSets returns versions of the account without their rules, newest first, those below
	// before (0: from the newest), at most limit (1–1,000).
	ListRuleSets(ctx context.Context, accountID string, before int64, limit int) ([]RuleSet, error)
	// GetRuleSet returns one version with its rules; ErrNotFound when there is none.
	GetRuleSet(ctx context.Context, accountID string, version int64) (RuleSet, error)
	// RuleSetVersions returns the newest version of every account that has one.
	RuleSetVersions(ctx context.Context) (map[string]int64, error)
	// PublishRuleSet replaces all rules of the account by those of set, whose Version must be
	// was + 1. ErrConflict when was is no longer the newest version (0: there is none). Rules that
	// are the same as before keep their CreatedAt and UpdatedAt; system rules that set leaves out are ErrConflict.
	PublishRuleSet(ctx context.Context, set RuleSet, was int64) error
}

// RuleCase is a stored example of what an account's rules are to decide.
type RuleCase struct {
	AccountID string // "": of the global rules
	ID        string // a slug; unique in its account
	Name      string
	Request   []byte // body of a chat completion, JSON; at most 64 KiB
	Given     []byte // JSON of what holds beside the body (caller, session, time, health, budget); nil: nothing
	Want      RuleWant
	CreatedAt time.Time
	UpdatedAt time.Time
}

// RuleWant is what a case expects. Empty members expect nothing.
type RuleWant struct {
	Source string // rule id, or a Source constant
	Model  string // of the first target
	Code   Code   // of the answer that refuses
}
