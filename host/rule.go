package host

import (
	"context"
	"maps"
	"slices"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/graph"
	"github.com/pointsman/pointsman/engine/rule"
)

// drafter compiles rules that are not in force. It implements engine.Drafter.
type drafter struct {
	router    *rule.Router
	guests    engine.RuleGuests
	catalogue func() *engine.Catalogue
}

// findings tells what looks wrong with rules. Of an account's rules only what is found about
// themselves is told: nobody can mend the global ones there.
func (d drafter) findings(accountID string, rules []engine.Rule) (found []engine.RuleFinding) {
	seen := slices.Clone(rules)
	if accountID != "" {
		seen = append(seen, d.router.GlobalRules()...)
	}
	catalogue := d.catalogue()
	tiers := map[string]bool{}
	for _, m := range catalogue.Models(accountID) {
		tiers[m.Tier] = true
	}
	for _, f := range rule.Findings(seen, rule.FindingOptions{
		Model: func(id string) bool { _, ok := catalogue.Model(accountID, id); return ok },
		Tiers: slices.Sorted(maps.Keys(tiers)),
	}) {
		if f.AccountID == accountID {
			found = append(found, engine.RuleFinding{RuleID: f.RuleID, Kind: string(f.Kind), Message: f.Message})
		}
	}
	return found
}

// ruleGraph lays out what an account's requests are tried against.
func (h *Host) ruleGraph(rules *engine.RuleService) func(context.Context, engine.Principal, string) (graph.Graph, error) {
	return func(ctx context.Context, p engine.Principal, accountID string) (graph.Graph, error) {
		visible, err := rules.ListRules(ctx, p)
		if err != nil {
			return graph.Graph{}, err
		}
		plugins, err := h.store.ListPlugins(ctx)
		if err != nil {
			return graph.Graph{}, err
		}
		active := map[[2]string]string{}
		for _, v := range plugins {
			if v.Active {
				active[[2]string{v.AccountID, v.Name}] = v.Version
			}
		}
		catalogue := h.catalogue.Load()
		policy := h.policies.Load().Of(engine.Principal{AccountID: accountID})
		first := []string{h.cfg.DefaultModel, h.cfg.DefaultBackup}
		if policy.DefaultModel != "" {
			first = append([]string{policy.DefaultModel}, first...)
		}
		return graph.New(graph.Input{
			AccountID: accountID, OwnOnly: policy.RulesOwnOnly(), Rules: visible, Default: distinct(first),
			Models: func(id string) (engine.Model, bool) { return catalogue.Model(accountID, id) },
			PluginVersion: func(r engine.Rule) string {
				if own := active[[2]string{r.AccountID, r.Plugin}]; own != "" {
					return own
				}
				return active[[2]string{"", r.Plugin}]
			},
		}), nil
	}
}

// distinct leaves out what is empty or was there before.
func distinct(list []string) []string {
	var kept []string
	seen := map[string]bool{"": true}
	for _, s := range list {
		if !seen[s] {
			kept = append(kept, s)
			seen[s] = true
		}
	}
	return kept
}
