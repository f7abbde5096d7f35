package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/graph"
)

// KeyService knows API keys.
type KeyService interface {
	// Authenticate returns whose key it is, CodeUnauthorized for every kind of wrong
	// key, CodeForbidden for a right one of a suspended tenant. It is called for every
	// request and must not wait for anything.
	Authenticate(presented string, now time.Time) (engine.Principal, error)
	// ListKeys returns a page and the place of the next one, "" after the last; so do the
	// lists of the services below.
	ListKeys(ctx context.Context, p engine.Principal, f engine.TenantFilter, page engine.Page) ([]engine.Key, string, error)
	// GetKey finds the id in any visible account when accountID is empty; so do the others.
	GetKey(ctx context.Context, p engine.Principal, accountID, id string) (engine.Key, error)
	// CreateKey returns the stored key and its text, which is never shown again.
	CreateKey(ctx context.Context, p engine.Principal, k engine.Key) (engine.Key, string, error)
	ChangeKey(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Key)) (engine.Key, error)
	RotateKey(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, r engine.KeyRotation) (engine.Key, string, error)
	RevokeKey(ctx context.Context, p engine.Principal, accountID, id string) error
}

// AccountService manages accounts. Errors of its methods, and of the two after it:
// *engine.Error. edit and was are as in ModelService; of a row only what the principal may
// change is kept, and another change is CodeForbidden.
type AccountService interface {
	ListAccounts(ctx context.Context, p engine.Principal, f engine.TenantFilter, page engine.Page) ([]engine.Account, string, error)
	GetAccount(ctx context.Context, p engine.Principal, id string) (engine.Account, error)
	CreateAccount(ctx context.Context, p engine.Principal, a engine.Account) (engine.Account, error)
	ChangeAccount(ctx context.Context, p engine.Principal, id string, was time.Time, edit func(*engine.Account)) (engine.Account, error)
	DeleteAccount(ctx context.Context, p engine.Principal, id string, was time.Time) error
}

// TeamService manages teams.
type TeamService interface {
	ListTeams(ctx context.Context, p engine.Principal, f engine.TenantFilter, page engine.Page) ([]engine.Team, string, error)
	GetTeam(ctx context.Context, p engine.Principal, accountID, id string) (engine.Team, error)
	CreateTeam(ctx context.Context, p engine.Principal, t engine.Team) (engine.Team, error)
	ChangeTeam(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Team)) (engine.Team, error)
	DeleteTeam(ctx context.Context, p engine.Principal, accountID, id string, was time.Time) error
}

// UserService manages users.
type UserService interface {
	ListUsers(ctx context.Context, p engine.Principal, f engine.TenantFilter, page engine.Page) ([]engine.User, string, error)
	GetUser(ctx context.Context, p engine.Principal, accountID, id string) (engine.User, error)
	CreateUser(ctx context.Context, p engine.Principal, u engine.User) (engine.User, error)
	ChangeUser(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.User)) (engine.User, error)
	DeleteUser(ctx context.Context, p engine.Principal, accountID, id string, was time.Time) error
}

// RuleService manages routing rules. Errors of its methods: *engine.SourceError for a
// text that does not compile, *engine.FailedCases from writes that fail stored cases, *engine.Error otherwise.
type RuleService interface {
	ListRules(ctx context.Context, p engine.Principal) ([]engine.Rule, error)
	GetRule(ctx context.Context, p engine.Principal, accountID, id string) (engine.Rule, error)
	CreateRule(ctx context.Context, p engine.Principal, w engine.RuleWrite) (engine.WrittenRule, error)
	// UpdateRule refuses with CodeConflict when the rule's UpdatedAt is no longer Was (zero: unchecked).
	UpdateRule(ctx context.Context, p engine.Principal, w engine.RuleWrite) (engine.WrittenRule, error)
	DeleteRule(ctx context.Context, p engine.Principal, w engine.RuleWrite) error
	CheckRule(ctx context.Context, p engine.Principal, r engine.Rule) error
}

// PluginService manages plugin versions. Errors of its methods: *engine.Error.
type PluginService interface {
	ListPlugins(ctx context.Context, p engine.Principal) ([]engine.PluginVersion, error)
	// UploadPlugin keeps the module. created is false when these very bytes were there already.
	UploadPlugin(ctx context.Context, p engine.Principal, u engine.PluginUpload) (v engine.PluginVersion, created bool, err error)
	ActivatePlugin(ctx context.Context, p engine.Principal, accountID, name, version string) error
	RollbackPlugin(ctx context.Context, p engine.Principal, accountID, name string) (engine.PluginVersion, error)
	DeletePlugin(ctx context.Context, p engine.Principal, accountID, name, version string) error
	// PluginStats and PluginLogs are of this process.
	PluginStats(ctx context.Context, p engine.Principal, accountID, name, version string) (engine.PluginStats, error)
	PluginLogs(ctx context.Context, p engine.Principal, accountID, name, version string) (lines []engine.PluginLog, dropped int64, err error)
}

// ModelService changes models. Errors of its methods: *engine.Error.
type ModelService interface {
	// GetModel returns a stored row.
	GetModel(ctx context.Context, p engine.Principal, accountID, id string) (engine.Model, error)
	// CreateModel stores a new row; price is what it costs from now on, nil: a known price holds.
	CreateModel(ctx context.Context, p engine.Principal, m engine.Model, price *engine.Price) (engine.Model, error)
	// ChangeModel applies edit, maybe more than once, to the row as it is stored. It refuses
	// with CodeConflict when the row's UpdatedAt is no longer was (zero: unchecked).
	ChangeModel(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, price *engine.Price, edit func(*engine.Model)) (engine.Model, error)
	DeleteModel(ctx context.Context, p engine.Principal, accountID, id string) error
}

// ProviderService manages providers and their credentials, whose texts only go in.
// Errors of its methods: *engine.Error. edit and was are as in ModelService.
type ProviderService interface {
	ListProviders(ctx context.Context, p engine.Principal) ([]engine.Provider, error)
	GetProvider(ctx context.Context, p engine.Principal, accountID, id string) (engine.Provider, error)
	CreateProvider(ctx context.Context, p engine.Principal, row engine.Provider) (engine.Provider, error)
	ChangeProvider(ctx context.Context, p engine.Principal, accountID, id string, was time.Time, edit func(*engine.Provider)) (engine.Provider, error)
	DeleteProvider(ctx context.Context, p engine.Principal, accountID, id string) error
	ListCredentials(ctx context.Context, p engine.Principal, accountID, providerID string) ([]engine.StoredCredential, error)
	GetCredential(ctx context.Context, p engine.Principal, accountID, providerID, id string) (engine.StoredCredential, error)
	CreateCredential(ctx context.Context, p engine.Principal, c engine.StoredCredential, secret string) (engine.StoredCredential, error)
	// ChangeCredential also replaces the text, unless secret is nil.
	ChangeCredential(ctx context.Context, p engine.Principal, accountID, providerID, id string, was time.Time, secret *string, edit func(*engine.StoredCredential)) (engine.StoredCredential, error)
	DeleteCredential(ctx context.Context, p engine.Principal, accountID, providerID, id string) error
}

// TrialService tests providers and models. What a provider refuses is a result.
type TrialService interface {
	TryProvider(ctx context.Context, r engine.TrialRequest) (engine.Trial, error)
	TryModel(ctx context.Context, r engine.TrialRequest) (engine.Trial, error)
}

// CatalogueService is a snapshot of models and providers; *engine.Catalogue is one.
// What it returns is shared and read only.
type CatalogueService interface {
	Models(accountID string) []engine.Model
	Model(accountID, id string) (engine.Model, bool)
	Nearest(accountID, id string, n int) []string
	Providers(accountID string) []engine.Provider
	Provider(accountID, id string) (*engine.Provider, bool)
	AccountPrice(accountID, providerID, upstreamID string, at time.Time, promptTokens int64) (engine.Price, bool)
}

// SessionService shows conversations, their notes and handoffs. In a SessionKey an empty
// AccountID is the caller's own and an empty UserID the caller itself; the UserID "*" lists
// every user's sessions. Errors of its methods: *engine.Error.
type SessionService interface {
	ListSessions(ctx context.Context, p engine.Principal, k engine.SessionKey, page engine.Page) ([]engine.Session, string, error)
	GetSession(ctx context.Context, p engine.Principal, k engine.SessionKey) (engine.Session, error)
	ListNotes(ctx context.Context, p engine.Principal, k engine.SessionKey, limit int) ([]engine.Note, error)
	// AddNote returns the note as it is kept.
	AddNote(ctx context.Context, p engine.Principal, n engine.Note) (engine.Note, error)
	DeleteNote(ctx context.Context, p engine.Principal, k engine.SessionKey, id string) error
	ListHandoffs(ctx context.Context, p engine.Principal, k engine.SessionKey, limit int) ([]engine.Handoff, error)
}

// Config is what a Server is made of. The first group is required; the zero value of
// everything else works.
type Config struct {
	Completer engine.Completer
	Keys      KeyService
	Accounts  AccountService
	Teams     TeamService
	Users     UserService
	Rules     RuleService
	RuleSets  RuleSetService // versions and cases of rules; nil: there are none
	// RuleGraph lays out what an account's requests are tried against. Nil: nothing.
	RuleGraph func(ctx context.Context, p engine.Principal, accountID string) (graph.Graph, error)
	Plugins   PluginService
	Models    ModelService
	Providers ProviderService
	Trials    TrialService
	Usage     UsageService
	Costs     CostService
	Sessions  SessionService
	Decisions DecisionService
	Catalogue func() CatalogueService // the snapshot in force; called once a request
	// Prices are what models cost. Nil: none can be seen or set.
	Prices PriceService
	// Calculator is what requests would cost. Nil: no model is known.
	Calculator Calculator
	// Explainer, Drafter, Backtests and Rollouts tell of decisions and try other rules. Nil: there
	// are no rules.
	Explainer RouteExplainer
	Drafter   engine.Drafter
	Backtests BacktestService
	Rollouts  RolloutService
	// Preferences and Assignments are what tenants set.
	Preferences PreferenceService
	Assignments AssignmentService
	// Budgets are the bounds on what is spent. Nil: there are none.
	Budgets BudgetService

	// Policies is what holds for callers; called once a request. Nil: nothing is set.
	Policies func() *engine.Policies
	// Audit is what GET /api/v1/audit shows. Nil: there are no entries.
	Audit AuditService
	// Limits are the rate limits. Nil: there are none.
	Limits LimitService
	// Webhooks are where notices go too. Nil: nowhere.
	Webhooks WebhookService
	// Metrics are the process's. Nil: there are none.
	Metrics MetricsService
	// Health is how providers, models and credentials are. Nil: nobody knows.
	Health HealthService
	// Idempotency keeps answers of requests with an Idempotency-Key. Nil: they are refused.
	Idempotency IdempotencyService
	// Notices are what GET /api/v1/events shows. Nil: there are none.
	Notices NoticeService
	// Live is what its streams have of today's usage. Nil: nothing.
	Live LiveService
	// Overhead tells what the gateway took itself for 95 of 100 requests of the last minutes, and of
	// how many. Nil: it is not known.
	Overhead func() (p95 time.Duration, n int64)
	// Dashboard is what is served under /ui/. Nil: nothing.
	Dashboard DashboardFiles
	// Logins are its sessions. Nil: nobody can log in.
	Logins LoginService
	// TrustedProxies are whose X-Forwarded-For is believed where callers' addresses count, and
	// whose X-Forwarded-Proto at a login.
	TrustedProxies []netip.Prefix
	Build          string // revision of the source, which the dashboard shows; may be empty
	// Ready reports why the process should get no traffic, nil when it should. Its text
	// is shown by /readyz. Nil: always ready. While draining the server is never ready.
	Ready   func() error
	Logger  zerolog.Logger   // default: nothing
	Now     func() time.Time // default time.Now; the one clock reading of a request
	Version string           // default "dev"
	// CursorKey is the secret of the texts that say where a list goes on; the processes
	// that share a database share it. Empty: one is made up.
	CursorKey []byte

	// MaxInFlight bounds the requests under /v1 that are served at one moment, streams included;
	// default 16,384. MaxManagement bounds those under /api/v1; default 256. Nobody waits: what
	// is beyond is answered 503.
	MaxInFlight   int
	MaxManagement int
	// UnknownKeys is how many different unknown keys an address may try in a minute; what is beyond
	// is answered 429. Default 60; negative: as many as it likes.
	UnknownKeys int
	// Origins are the pages that may call from a browser; none by default.
	Origins Origins
	// TLS is what Serve wraps its listener in; nil: nothing.
	TLS *tls.Config

	// MemoryLimit is how many bytes of live memory the process should stay under: near it
	// fewer requests are let in. 0: memory is not looked at.
	MemoryLimit int64

	BodyLimit       int           // of /v1 bodies, bytes; default 32 MiB
	BodiesInFlight  int64         // bytes of all /v1 bodies over 64 KiB, and of plugin uploads, being served; default 512 MiB
	MaxConnections  int           // default 32,768
	ReadTimeout     time.Duration // for the headers, and on top for each 256 KiB of body 1 s; default 10 s
	WriteTimeout    time.Duration // for a whole answer that is not streamed; default 60 s
	IdleTimeout     time.Duration // of a kept-alive connection; default 75 s
	EventTimeout    time.Duration // for writing one stream event; default 30 s
	Heartbeat       time.Duration // between comments while a stream is silent; default 1 s
	ShutdownGrace   time.Duration // for streams to say goodbye after Shutdown's deadline; default 3 s
	LingerTimeout   time.Duration // for reading on after an early refusal; default 2 s
	MaxModuleUpload int           // of a plugin module, bytes; default 8 MiB
}

const (
	defaultBodyLimit = 32 << 20
	defaultModule    = 8 << 20
	adminBodyLimit   = 1 << 20
	uploadOverhead   = 64 << 10 // multipart framing and fields beside the module
	smallBody        = 64 << 10 // read without asking who sends it
	readBufferSize   = 16 << 10 // also the most that all headers may take
)

func (c Config) withDefaults() (Config, error) {
	if c.Completer == nil || c.Keys == nil || c.Accounts == nil || c.Teams == nil || c.Users == nil || c.Rules == nil || c.Plugins == nil ||
		c.Models == nil || c.Providers == nil || c.Trials == nil || c.Usage == nil || c.Costs == nil || c.Sessions == nil || c.Catalogue == nil || c.Preferences == nil || c.Assignments == nil {
		return c, errors.New("httpapi: completer, keys, accounts, teams, users, rules, plugins, models, providers, trials, usage, costs, sessions, catalogue, preferences and assignments are required")
	}
	if c.Policies == nil {
		c.Policies = func() *engine.Policies { return nil }
	}
	if c.Prices == nil {
		c.Prices = noPrices{}
	}
	if c.RuleSets == nil {
		c.RuleSets = noRuleSets{}
	}
	if c.RuleGraph == nil {
		c.RuleGraph = noRuleGraph
	}
	if c.Calculator == nil {
		c.Calculator = noCalculator{}
	}
	if c.Explainer == nil {
		c.Explainer = noExplainer{}
	}
	if c.Drafter == nil {
		c.Drafter = noDrafter{}
	}
	if c.Backtests == nil {
		c.Backtests = noBacktests{}
	}
	if c.Rollouts == nil {
		c.Rollouts = noRollouts{}
	}
	if c.Audit == nil {
		c.Audit = noAudit{}
	}
	if c.Limits == nil {
		c.Limits = noLimits{}
	}
	if c.Decisions == nil {
		c.Decisions = noDecisions{}
	}
	if c.Overhead == nil {
		c.Overhead = func() (time.Duration, int64) { return 0, 0 }
	}
	if c.Live == nil {
		c.Live = noLive{}
	}
	if c.Webhooks == nil {
		c.Webhooks = noWebhooks{}
	}
	if c.Metrics == nil {
		c.Metrics = noMetrics{}
	}
	if c.Health == nil {
		c.Health = noHealth{}
	}
	if c.Logins == nil {
		c.Logins = noLogins{}
	}
	if c.Dashboard == nil {
		c.Dashboard = noDashboard{}
	}
	if c.Idempotency == nil {
		c.Idempotency = noIdempotency{}
	}
	if c.Notices == nil {
		c.Notices = engine.NewNoticeFeed(zerolog.Nop())
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	orDefault(&c.MaxInFlight, 16<<10)
	orDefault(&c.MaxManagement, 256)
	if c.UnknownKeys == 0 {
		c.UnknownKeys = 60
	}
	orDefault(&c.BodyLimit, defaultBodyLimit)
	orDefault(&c.BodiesInFlight, 512<<20)
	orDefault(&c.MaxConnections, 32<<10)
	orDefault(&c.ReadTimeout, 10*time.Second)
	orDefault(&c.WriteTimeout, time.Minute)
	orDefault(&c.IdleTimeout, 75*time.Second)
	orDefault(&c.EventTimeout, 30*time.Second)
	orDefault(&c.Heartbeat, time.Second)
	orDefault(&c.ShutdownGrace, 3*time.Second)
	orDefault(&c.LingerTimeout, 2*time.Second)
	orDefault(&c.MaxModuleUpload, defaultModule)
	return c, nil
}

func orDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}
