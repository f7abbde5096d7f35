package host

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/rule"
	"github.com/pointsman/pointsman/host/backtest"
	"github.com/pointsman/pointsman/host/rollout"
)

// newRollouts makes what counts the decisions of rollouts, in front of what keeps decisions.
func (h *Host) newRollouts() *rollout.Watch {
	return rollout.NewWatch(rollout.Config{
		Store: h.store, Decisions: h.decisions, Drafter: h.drafter(), Planner: func() rollout.Planner { return h.pipeline },
		Catalogue: h.catalogue.Load, Notices: h.notices, Drop: h.dropCanary, Version: h.ruleSetVersion,
		Reload: h.reload, Restore: h.restoreRollouts, Now: h.opts.Now, Log: h.opts.Log,
	})
}

// restoreRollouts puts the rollouts in force that run, also when nothing was written since they were read.
func (h *Host) restoreRollouts(ctx context.Context) error {
	select {
	case h.reloading <- struct{}{}:
		defer func() { <-h.reloading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return h.reloadRollouts(ctx)
}

// ruleSetVersion is the newest version of an account's rules; 0: there is none.
func (h *Host) ruleSetVersion(ctx context.Context, accountID string) (int64, error) {
	list, err := h.store.ListRuleSets(ctx, accountID, 0, 1)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].Version, nil
}

// reloadRollouts puts the rollouts in force that run.
func (h *Host) reloadRollouts(ctx context.Context) error {
	list, err := h.store.ListRollouts(ctx)
	if err != nil {
		return fmt.Errorf("reload rollouts: %w", err)
	}
	for _, problem := range h.rollouts.Load(list) {
		h.opts.Log.Warn().Err(problem).Msg("rollout left out")
	}
	var canaries []rule.Rollout
	for _, r := range list {
		if r.Kind == engine.RolloutCanary {
			options := draftOptions(r.AccountID, r.Draft)
			options.Counts = true
			canaries = append(canaries, rule.Rollout{ID: r.ID, AccountID: r.AccountID, Share: r.Share, Draft: options})
		}
	}
	h.canaries.Store(&canaries)
	h.router.LoadRollouts(canaries)
	return nil
}

// dropCanary keeps this process from deciding by a canary, until the next reload has it or not.
func (h *Host) dropCanary(_, id string) {
	left := slices.DeleteFunc(slices.Clone(*h.canaries.Load()), func(r rule.Rollout) bool { return r.ID == id })
	h.canaries.Store(&left)
	h.router.LoadRollouts(left)
}

// drafter compiles drafts over the live rules.
func (h *Host) drafter() drafter {
	return drafter{h.router, h.library, h.catalogue.Load}
}

func draftOptions(accountID string, d engine.RuleDraft) rule.DraftOptions {
	if d.Plugin != "" {
		return rule.DraftOptions{Plugins: map[string]string{d.Plugin: d.Plugin + "@" + d.Version}}
	}
	return rule.DraftOptions{Sets: map[string][]engine.Rule{accountID: d.Rules}}
}

// Draft implements engine.Drafter.
func (d drafter) Draft(accountID string, r engine.RuleDraft) (engine.DraftRules, error) {
	if r.Plugin != "" {
		if _, err := d.guests.RuleGuest(accountID, r.Plugin+"@"+r.Version); errors.Is(err, engine.ErrNotFound) {
			return nil, engine.Errorf(engine.CodeNotFound, "There is no rule plugin '%.64s@%.64s'. GET /api/v1/plugins lists them.", r.Plugin, r.Version)
		} else if err != nil {
			return nil, err
		}
	}
	draft, problems := d.router.Draft(draftOptions(accountID, r))
	if len(problems) > 0 && !r.LeaveOut {
		return nil, problems[0].Err
	}
	return draft, nil
}

// publisher makes the drafts of rollouts live.
type publisher struct {
	sets    *engine.RuleSetService
	plugins *engine.PluginService
}

// PublishRules implements rollout.Publisher.
func (p publisher) PublishRules(ctx context.Context, by engine.Principal, accountID string, rules []engine.Rule, note string, was int64) error {
	_, err := p.sets.PublishRules(ctx, by, engine.Publication{AccountID: accountID, Rules: rules, Note: note, Was: was})
	return err
}

// ActivatePlugin implements rollout.Publisher.
func (p publisher) ActivatePlugin(ctx context.Context, by engine.Principal, accountID, name, version string) error {
	return p.plugins.ActivatePlugin(ctx, by, accountID, name, version)
}

// past decides again on what is recorded: it explains it, and backtests others' rules on it.
type past struct {
	*engine.Pipeline
	replayer  *replayer
	backtests *backtest.Service
}

func (h *Host) newPast() past {
	p := past{Pipeline: h.pipeline, replayer: h.newReplayer()}
	p.backtests = backtest.New(backtest.Config{
		Records: h.store, Drafter: h.drafter(), Planner: h.pipeline, Vocabulary: p.replayer, Catalogue: h.catalogue.Load, Busy: h.pipeline.Busy,
	})
	return p
}

// ExplainRecorded implements httpapi.RouteExplainer.
func (p past) ExplainRecorded(ctx context.Context, d *engine.DecisionRecord, w engine.WhatIf) (engine.Explanation, error) {
	known, err := p.replayer.Known(ctx, d.Inputs.Principal.AccountID, d.Rules, d.Inputs.OwnOnly)
	if err != nil {
		return engine.Explanation{}, err
	}
	r, err := d.Inputs.Replay(p.replayer.catalogue().Models(d.Inputs.Principal.AccountID), known)
	if err != nil {
		return engine.Explanation{}, err
	}
	defer d.Inputs.Forget(r)
	for _, s := range d.Skips { // what was down then is so again, unless it is assumed to be well
		if s.Reason == engine.SkipDown && !slices.Contains(w.Up, s.What) {
			w.Down = append(slices.Clip(w.Down), s.What)
		}
	}
	return p.Explain(ctx, r, w)
}

// RunBacktest implements httpapi.BacktestService.
func (p past) RunBacktest(ctx context.Context, q engine.BacktestQuery, progress func(scanned int64)) (engine.Backtest, error) {
	out, err := p.backtests.Run(ctx, q, progress)
	if errors.Is(err, backtest.ErrBusy) {
		return out, engine.Errorf(engine.CodeConflict, "Another backtest runs on this replica. Try again when it has ended.")
	}
	return out, err
}

// Known implements backtest.Vocabulary.
func (r *replayer) Known(ctx context.Context, accountID string, ref engine.RuleSetRef, ownOnly bool) (func(phrase string) bool, error) {
	found, err := r.past(ctx, draftOf{account: accountID, set: ref, only: ownOnly})
	if engine.CodeOf(err) == engine.CodeNotFound {
		return nil, nil // they are no longer known: what was not kept is undecided
	}
	return found.known, err
}
