package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Bounds of versions of rules and of their cases.
const (
	MaxRuleSetNote     = 512      // bytes
	MaxPublishedRules  = 2_000    // in one version that is published
	MaxRuleCases       = 200      // of an account
	MaxRuleCaseRequest = 64 << 10 // bytes
	MaxRuleCaseGiven   = 16 << 10 // bytes
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
	// RuleSetVersion returns the newest version of one account, 0 when it has none.
	RuleSetVersion(ctx context.Context, accountID string) (int64, error)
	// PublishRuleSet replaces all rules of the account by those of set, whose Version must be
	// was + 1. ErrConflict when was is no longer the newest version (0: there is none). Rules that
	// are the same as before but for UpdatedAt keep it, the others are stored as given, but that
	// System and the creation of a system rule stay; system rules that set leaves out are ErrConflict.
	// Digest, Count and By are the store's.
	PublishRuleSet(ctx context.Context, set RuleSet, was int64) error
	// StartRuleSets gives every account that has rules and no version its first one, made at that
	// time. It does not raise the revision.
	StartRuleSets(ctx context.Context, at time.Time) error
}

// RuleCaseStore keeps the cases of rules.
type RuleCaseStore interface {
	// ListRuleCases returns the account's cases, by id.
	ListRuleCases(ctx context.Context, accountID string) ([]RuleCase, error)
	GetRuleCase(ctx context.Context, accountID, id string) (RuleCase, error)
	// PutRuleCase inserts or replaces the row with that key, but keeps its CreatedAt. ErrConflict
	// when the account would have more than MaxRuleCases.
	PutRuleCase(ctx context.Context, c RuleCase) error
	DeleteRuleCase(ctx context.Context, accountID, id string) error
}

// DigestRules is RuleSet.Digest of rules in the order of RuleStore.ListRules. Accounts and times
// are no part of it.
func DigestRules(rules []Rule) string {
	type canonical struct {
		ID string `json:"id"`
		recordedRule
		System bool `json:"system"`
	}
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, r := range rules {
		c := canonical{ID: r.ID, recordedRule: recordRule(r), System: r.System}
		if c.OnFailure == "" {
			c.OnFailure = FailureSkip
		}
		// Plain data of ours; a config that is no JSON was never stored.
		_ = e.Encode(c)
	}
	return hex.EncodeToString(h.Sum(nil))
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
