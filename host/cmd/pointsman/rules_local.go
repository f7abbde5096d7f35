package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/graph"
	"github.com/pointsman/pointsman/engine/rule"
	"github.com/pointsman/pointsman/host/store"
)

// localAccount is whose rules a file's are.
const localAccount = "local"

// bench decides in this process, as a server with the shipped catalogue would: every provider has
// a credential and is well. It has no plugins.
type bench struct {
	rules     []engine.Rule // the file's and the shipped ones
	catalogue *engine.Catalogue
	router    *rule.Router
	pipeline  *engine.Pipeline
	ownOnly   bool
}

// newBench checks the rules and puts them in force. ownOnly leaves out the shipped ones.
func newBench(own []engine.Rule, ownOnly bool) (*bench, error) {
	now := time.Now().UTC()
	seed, err := store.LoadCatalogue(now)
	if err != nil {
		return nil, err
	}
	for i := range seed.Providers {
		seed.Providers[i].Credential = "local"
	}
	b := &bench{catalogue: engine.NewCatalogue(seed.Models, seed.Providers, seed.Prices), ownOnly: ownOnly, rules: slices.Clone(own)}
	if !ownOnly {
		b.rules = append(b.rules, seed.Rules...)
	}
	b.router = rule.New(nil, rule.Config{})
	if problems := b.router.Load(b.rules); len(problems) > 0 {
		return nil, fmt.Errorf("rule %s: %w", problems[0].RuleID, explained(problems[0].Err))
	}
	b.pipeline, err = engine.NewPipeline(engine.PipelineConfig{
		Decider: b.router, Adapters: offline{}, Upstream: offline{}, Ledger: offline{}, Catalogue: func() *engine.Catalogue { return b.catalogue },
	})
	return b, err
}

// unknowns are what the rules name and this process has not: it decides without.
func (b *bench) unknowns() (list []string) {
	for _, r := range b.rules {
		if r.Plugin != "" && r.Enabled {
			list = append(list, fmt.Sprintf("rule %s is decided by plugin %s, which only a server has: it is passed over here (--server asks one)", r.ID, r.Plugin))
		}
		for _, id := range append([]string{r.Target}, r.Fallbacks...) {
			if _, ok := b.catalogue.Model(localAccount, id); !ok {
				list = append(list, fmt.Sprintf("rule %s names the model %s, which the shipped catalogue has not: it is passed over here", r.ID, id))
			}
		}
	}
	return list
}

func (b *bench) run(ctx context.Context, cases []engine.RuleCase) ([]engine.CaseResult, error) {
	return engine.RunCases(ctx, localAccount, cases, time.Now(), nil, b.pipeline.Explain)
}

func (b *bench) graph() graph.Graph {
	return graph.New(graph.Input{
		AccountID: localAccount, OwnOnly: b.ownOnly, Rules: b.rules, Default: []string{"gpt-4o", "gpt-5-mini"},
		Models: func(id string) (engine.Model, bool) { return b.catalogue.Model(localAccount, id) },
	})
}

// offline is every provider there is, none of which is ever asked.
type offline struct{}

func (offline) Do(context.Context, *engine.UpstreamRequest) (*engine.UpstreamResponse, error) {
	return nil, engine.Errorf(engine.CodeInternal, "A dry run asks nobody.")
}
func (offline) HasCredential(*engine.Provider) bool { return true }
func (offline) Simulated(*engine.Provider) bool     { return false }
func (offline) Record(engine.Usage)                 {}
func (offline) OpenAdapter(string, string, engine.AdapterAttempt) (engine.Adapter, error) {
	return nil, engine.ErrNotFound
}
func (offline) AdapterManifest(string, string) (engine.Manifest, error) {
	return engine.Manifest{}, engine.ErrNotFound
}

// ruleDoc is a rule as the API has it and as files write it.
type ruleDoc struct {
	ID               string     `json:"id,omitempty" yaml:"id,omitempty"`
	Name             string     `json:"name" yaml:"name,omitempty"`
	Description      string     `json:"description,omitempty" yaml:"description,omitempty"`
	Priority         *int       `json:"priority,omitempty" yaml:"priority,omitempty"`
	When             string     `json:"when,omitempty" yaml:"when,omitempty"`
	Plugin           string     `json:"plugin,omitempty" yaml:"plugin,omitempty"`
	Config           any        `json:"config,omitempty" yaml:"config,omitempty"`
	Target           string     `json:"target,omitempty" yaml:"target,omitempty"`
	Fallbacks        []string   `json:"fallbacks,omitempty" yaml:"fallbacks,omitempty"`
	Only             bool       `json:"only,omitempty" yaml:"only,omitempty"`
	OnFailure        string     `json:"on_failure,omitempty" yaml:"on_failure,omitempty"`
	ContinueAfterCut bool       `json:"continue_after_cut,omitempty" yaml:"continue_after_cut,omitempty"`
	Enabled          *bool      `json:"enabled,omitempty" yaml:"enabled,omitempty"`
	TeamID           string     `json:"team_id,omitempty" yaml:"team_id,omitempty"`
	AccountID        string     `json:"account_id,omitempty" yaml:"account_id,omitempty"`
	System           bool       `json:"system,omitempty" yaml:"system,omitempty"`
	Band             string     `json:"band,omitempty" yaml:"band,omitempty"`
	CreatedAt        *time.Time `json:"created_at,omitempty" yaml:"created_at,omitempty"`
	UpdatedAt        *time.Time `json:"updated_at,omitempty" yaml:"updated_at,omitempty"`
}

// rule is the rule as the engine has it; n is its place in the file.
func (d ruleDoc) rule(n int) (engine.Rule, error) {
	r := engine.Rule{
		AccountID: localAccount, ID: d.ID, Name: d.Name, Description: d.Description, Priority: engine.DefaultPriority, When: d.When, Plugin: d.Plugin,
		Target: d.Target, Fallbacks: d.Fallbacks, Only: d.Only, OnFailure: engine.FailurePolicy(d.OnFailure), ContinueAfterCut: d.ContinueAfterCut,
		Enabled: true, TeamID: d.TeamID,
		CreatedAt: time.Unix(int64(n), 0).UTC(), // of equal priorities the first in the file comes first
	}
	if r.ID == "" {
		r.ID = caseID(d.Name, n)
	}
	if d.Priority != nil {
		r.Priority = *d.Priority
	}
	if d.Enabled != nil {
		r.Enabled = *d.Enabled
	}
	if d.Config != nil {
		text, err := json.Marshal(d.Config)
		if err != nil {
			return r, fmt.Errorf("rule %s: config: %w", r.ID, err)
		}
		r.Config = text
	}
	return r, nil
}
