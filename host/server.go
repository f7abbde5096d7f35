package host

import (
	"crypto/tls"
	"errors"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/cost"
	"github.com/pointsman/pointsman/host/dashboard"
	"github.com/pointsman/pointsman/host/httpapi"
	"github.com/pointsman/pointsman/host/rollout"
	"github.com/pointsman/pointsman/host/session"
	"github.com/pointsman/pointsman/host/tenancy"
	"github.com/pointsman/pointsman/host/upstream"
	"github.com/pointsman/pointsman/host/webhook"
)

var errNotReady = errors.New("starting, or draining")

// openServer gives the API its services.
func (h *Host) openServer() error {
	models, providers := engine.NewCatalogueServices(engine.CatalogueConfig{
		Store: h.store, Catalogue: h.catalogue.Load, Adapters: h.library, Seal: h.seal,
		PublicHost: upstream.PublicHost, Reload: h.reload, Now: h.opts.Now,
	})
	preferences, assignments := tenancy.NewSettings(tenancy.SettingConfig{
		Keys: h.keys, Store: h.store, Catalogue: h.catalogue.Load, Policies: h.policies.Load,
		Conditions: h.router, Reload: h.reload, Now: h.opts.Now,
	})
	reports := cost.NewReports(cost.ReportConfig{
		Store: h.store, Directory: tenancy.NewUsers(h.keys), Catalogue: h.catalogue.Load, Policies: h.policies.Load,
		DefaultModel: h.cfg.DefaultModel, Now: h.opts.Now, Post: h.posting().AddUsage,
	})
	rules := engine.NewRuleService(h.store, h.router, h.catalogue.Load, h.reload, h.opts.Now)
	ruleSets := engine.NewRuleSetService(engine.RuleSetServiceConfig{
		Store: h.store, Rules: rules, Drafter: h.drafter(), Findings: h.drafter().findings, Catalogue: h.catalogue.Load, Explain: h.pipeline.Explain,
		Reload: h.reload, Now: h.opts.Now,
	})
	plugins := engine.NewPluginService(h.store, gate{h.library, h.firstParty}, h.reload, h.opts.Now)
	past := h.newPast()
	ui, err := dashboard.New()
	if err != nil {
		return err
	}
	logins, err := h.openLogins()
	if err != nil {
		return err
	}
	proxies, err := h.cfg.trustedProxies()
	if err != nil {
		return err
	}
	origins, err := httpapi.ParseOrigins(h.cfg.CORSOrigins)
	if err != nil {
		return err
	}
	var secure *tls.Config
	if h.certificate != nil {
		secure = h.certificate.config()
	}
	keys, err := h.openIdempotency()
	if err != nil {
		return err
	}
	h.server, err = httpapi.New(httpapi.Config{
		Completer:  h.pipeline,
		Keys:       h.keys,
		Accounts:   tenancy.NewAccounts(h.keys),
		Teams:      tenancy.NewTeams(h.keys),
		Users:      tenancy.NewUsers(h.keys),
		CursorKey:  h.cursorKey,
		Rules:      rules,
		RuleSets:   ruleSets,
		Explainer:  past,
		Drafter:    h.drafter(),
		Backtests:  past,
		Rollouts:   rollout.NewService(h.rollouts, publisher{ruleSets, plugins}),
		RuleGraph:  h.ruleGraph(rules),
		Plugins:    plugins,
		Models:     models,
		Prices:     models.Prices(rating{h.store, h.posting()}),
		Calculator: h.pipeline,
		Providers:  providers,
		Trials: engine.NewTrialService(engine.TrialConfig{
			Catalogue: h.catalogue.Load, Adapters: h.library, Upstream: h.upstream, Ledger: h.ledger, Now: h.opts.Now,
		}),
		Usage:       reports,
		Costs:       reports,
		Decisions:   h.decisionService(reports, past.replayer),
		Live:        h.live,
		Overhead:    h.telling.metrics.Overhead,
		Sessions:    session.NewService(h.sessions.Current(h.store), tenancy.NewUsers(h.keys), h.opts.Now),
		Audit:       tenancy.NewAuditLog(h.store),
		Webhooks:    webhook.NewService(h.store, h.webhooks),
		Idempotency: keys,
		Notices:     h.notices,
		Health:      h.healthService,
		Metrics:     h.telling.metrics,
		Preferences: preferences,
		Assignments: assignments,
		Budgets: tenancy.NewBudgets(tenancy.BudgetConfig{
			Keys: h.keys, Store: h.store, States: h.budgets.States, Catalogue: h.catalogue.Load, Reload: h.reload, Now: h.opts.Now,
		}),
		Policies: h.policies.Load,
		Limits: tenancy.NewLimits(tenancy.LimitConfig{
			Keys: h.keys, Store: h.store, Gauge: h.limits, Catalogue: h.catalogue.Load, Reload: h.reload, Now: h.opts.Now,
		}),
		Dashboard:      ui,
		Logins:         logins,
		Build:          revision(),
		TrustedProxies: proxies,
		Origins:        origins,
		TLS:            secure,
		MaxInFlight:    h.cfg.MaxInFlight,
		UnknownKeys:    h.cfg.UnknownKeys,
		MemoryLimit:    memoryLimit(),
		Catalogue:      func() httpapi.CatalogueService { return h.catalogue.Load() },
		Ready: func() error {
			if !h.ready.Load() {
				return errNotReady
			}
			return nil
		},
		Logger: h.opts.Log,
		Now:    h.opts.Now,
	})
	return err
}
