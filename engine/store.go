package engine

import (
	"context"
	"time"
)

// Store is everything that is kept. Both drivers pass one suite (host/store/storetest).
//
// Rules for every method: ids and times are made by the caller and stored as
// given, at millisecond precision, UTC; lists are complete and in the order that
// their comment says; a missing row is ErrNotFound and a taken key ErrConflict
// (test with errors.Is); every successful write to configuration also raises the
// revision in the same transaction, which Watch reports to every process that
// shares the database. Safe for concurrent use.
type Store interface {
	RuleStore
	RuleSetStore
	RuleCaseStore
	RolloutStore
	CatalogueStore
	ModelStore
	PriceStore
	ProviderStore
	CredentialStore
	TenantStore
	HierarchyStore
	AuditStore
	KeyStore
	LoginStore
	IdempotencyStore
	PreferenceStore
	AssignmentStore
	SessionStore
	PluginStore
	UsageStore
	ReportStore
	ChangeFeed
	SettingStore
	LimitStore
	LimitLeaseStore
	LimitLevelStore
	BudgetStore
	BudgetLeaseStore
	BudgetAlertStore
	WebhookStore
	DecisionStore
	DecisionSettingStore
	HealthFeed
	HealthStore
	HealthControlStore
	JobLock
	// Close releases every connection. No other call may follow.
	Close() error
}

// RuleStore keeps routing rules.
type RuleStore interface {
	// ListRules returns every account's rules, by account, then priority falling,
	// then creation, then id.
	ListRules(ctx context.Context) ([]Rule, error)
	// ListAccountRules returns the rules of one account ("" = the global ones), in that order.
	ListAccountRules(ctx context.Context, accountID string) ([]Rule, error)
	GetRule(ctx context.Context, accountID, id string) (Rule, error)
	CreateRule(ctx context.Context, r Rule) error
	// UpdateRule replaces every column but the key, System and CreatedAt.
	// ErrConflict when the stored UpdatedAt is no longer was (zero: do not check).
	UpdateRule(ctx context.Context, r Rule, was time.Time) error
	// DeleteRule deletes a rule that is not System; a system rule is ErrConflict.
	DeleteRule(ctx context.Context, accountID, id string) error
}

// CatalogueStore reads the catalogue, and writes rows whatever was there before, as the
// seed does. ModelStore and ProviderStore are for those who must not overwrite each other.
type CatalogueStore interface {
	// ListModels returns all models, by account, then id.
	ListModels(ctx context.Context) ([]Model, error)
	// ListProviders returns all providers, by account, then id.
	ListProviders(ctx context.Context) ([]Provider, error)
	// ListPrices returns all prices, by account, provider, upstream id, From, AbovePrompt.
	ListPrices(ctx context.Context) ([]Price, error)
	// PutModel inserts or replaces the row with that key, but keeps its CreatedAt.
	PutModel(ctx context.Context, m Model) error
	// PutProvider does the same. Provider.Credentials are not part of the row.
	PutProvider(ctx context.Context, p Provider) error
	// PutPrice inserts or replaces the row with that key.
	PutPrice(ctx context.Context, p Price) error
}

// ModelStore changes models one by one.
type ModelStore interface {
	// CreateModel stores a new row and inserts or replaces its prices, in one transaction.
	CreateModel(ctx context.Context, m Model, prices []Price) error
	// UpdateModel replaces every column but the key and CreatedAt, and inserts or replaces
	// the prices. ErrConflict when the stored UpdatedAt is no longer was (zero: do not check).
	UpdateModel(ctx context.Context, m Model, prices []Price, was time.Time) error
	// DeleteModel leaves the prices, which belong to the upstream id.
	DeleteModel(ctx context.Context, accountID, id string) error
}

// PriceStore changes versions of prices: the rows that share account, provider, upstream id
// and From.
type PriceStore interface {
	// ReplacePrices makes these rows, at least one, all of their one version.
	ReplacePrices(ctx context.Context, version []Price) error
	// DeletePrices deletes a version; ErrNotFound when there is none.
	DeletePrices(ctx context.Context, accountID, providerID, upstreamID string, from time.Time) error
}

// ProviderStore changes providers one by one.
type ProviderStore interface {
	CreateProvider(ctx context.Context, p Provider) error
	// UpdateProvider replaces every column but the key and CreatedAt.
	// ErrConflict when the stored UpdatedAt is no longer was (zero: do not check).
	UpdateProvider(ctx context.Context, p Provider, was time.Time) error
	// DeleteProvider deletes the row with its credentials and its account's prices for it.
	// ErrConflict while it serves a model: one of its account, or for a global row one of any
	// account that has no provider of that id itself.
	DeleteProvider(ctx context.Context, accountID, id string) error
}

// CredentialStore keeps the keys of providers, sealed.
type CredentialStore interface {
	// ListCredentials returns all of them, by account, provider, creation, id.
	ListCredentials(ctx context.Context) ([]StoredCredential, error)
	// CreateCredential stores a new row; ErrNotFound when its provider is not there.
	CreateCredential(ctx context.Context, c StoredCredential) error
	// UpdateCredential replaces every column but the key and CreatedAt.
	// ErrConflict when the stored UpdatedAt is no longer was (zero: do not check).
	UpdateCredential(ctx context.Context, c StoredCredential, was time.Time) error
	DeleteCredential(ctx context.Context, accountID, providerID, id string) error
}

// TenantStore keeps accounts and users.
type TenantStore interface {
	GetAccount(ctx context.Context, id string) (Account, error)
	CreateAccount(ctx context.Context, a Account) error
	// ListUsers returns all users, by account, then id.
	ListUsers(ctx context.Context) ([]User, error)
	// GetUser returns a user, also a deleted one.
	GetUser(ctx context.Context, accountID, id string) (User, error)
	CreateUser(ctx context.Context, u User) error
}

// KeyStore keeps API keys, as digests.
type KeyStore interface {
	// ListKeys returns all keys, also expired and revoked ones, by account, then creation, then id.
	ListKeys(ctx context.Context) ([]Key, error)
	// GetKey returns a key, also an expired or revoked one.
	GetKey(ctx context.Context, accountID, id string) (Key, error)
	// CreateKey stores a key; a digest that exists in any account is ErrConflict.
	CreateKey(ctx context.Context, k Key) error
	// RevokeKey sets RevokedAt, once: a key revoked before keeps its first time.
	RevokeKey(ctx context.Context, accountID, id string, at time.Time) error
}

// PluginStore keeps plugin versions.
type PluginStore interface {
	// ListPlugins returns all versions without their modules, by account, name, creation.
	ListPlugins(ctx context.Context) ([]PluginVersion, error)
	// GetPlugin returns one version with its module.
	GetPlugin(ctx context.Context, accountID, name, version string) (PluginVersion, error)
	// CreatePlugin stores a version; an existing one is ErrConflict. When Active is set,
	// the versions of that name that were active cease to be, in the same transaction.
	CreatePlugin(ctx context.Context, p PluginVersion) error
	// ActivatePlugin makes that version the only active one of its name.
	ActivatePlugin(ctx context.Context, accountID, name, version string) error
	DeletePlugin(ctx context.Context, accountID, name, version string) error
}

// UsageStore keeps the settled rows of attempts. It does not raise the revision.
type UsageStore interface {
	// AddUsage stores rows, without Decision, and adds them to the rollups, in one transaction;
	// a row that is stored already (same account, id and StartedAt) or comes twice is left as it
	// is and adds nothing. Text that no database keeps is cleaned.
	AddUsage(ctx context.Context, rows []Usage) error
	// ListUsage returns the account's newest rows, newest first (StartedAt, then id), at most
	// limit (1–1,000). An empty requestID means all requests.
	ListUsage(ctx context.Context, accountID, requestID string, limit int) ([]Usage, error)
}

// SettingStore keeps small named values of the installation, as the seed's version.
// It does not raise the revision.
type SettingStore interface {
	// GetSetting returns the value, or ErrNotFound.
	GetSetting(ctx context.Context, name string) (string, error)
	// PutSetting inserts or replaces it.
	PutSetting(ctx context.Context, name, value string) error
}

// RevisionUnknown is no revision: what is stored may be of another history than before, even under
// the same number, and only Changes can tell.
const RevisionUnknown int64 = -1

// ChangeFeed tells of configuration writes.
type ChangeFeed interface {
	// Revision returns the current revision, which rises with every configuration write.
	Revision(ctx context.Context) (int64, error)
	// Changes returns what was written since a mark of this method, and the mark of now. A zero
	// mark has none: nothing is known then, nor after too many writes, nor when one of them was made
	// by something that does not say what it changes. Rows are to be read after it returned.
	Changes(ctx context.Context, since Mark) (Changes, error)
	// Watch calls notify whenever the revision may have risen, also by another
	// process, until ctx ends; it returns ctx's error then, and no other: a lost
	// connection is made again, and after it notify is called, first with RevisionUnknown. On Postgres it
	// listens and polls every 5 s; on SQLite, which one process owns, it polls.
	// Each poll that is answered calls notify, also with the revision of before.
	// notify is called from one goroutine and must not block for long.
	Watch(ctx context.Context, notify func(revision int64)) error
}

// Confirmer is a ChangeFeed on a server that others share. Confirm is Revision for who asks again
// and again whether what is in force is stored: it waits for the answer as long as ctx allows, on
// a connection of its own, whatever holds or breaks those of everybody else. Safe for concurrent use,
// one question at a time.
type Confirmer interface {
	Confirm(ctx context.Context) (int64, error)
}
