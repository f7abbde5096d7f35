package rule

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/rs/zerolog"
)

// Decide implements engine.Decider. A request for which every rule is an
// expression allocates nothing, unless a rule looks at metadata or needs expr's machine.
// Models of the decision is shared: it must not be changed, and may be appended to.
//
// A rule with FailureRefuse that is suspended refuses the request too: it guards
// something, and must not be switched off by making it fail.
func (r *Router) Decide(ctx context.Context, req *engine.Request) (engine.Decision, error) {
	l := r.table.Load().list(req.Principal.AccountID, req.Policy.RulesOwnOnly())
	d := engine.Decision{Source: engine.SourceDefault}
	if len(l.entries) == 0 {
		return d, nil
	}
	s := newScratch(req, l)
	defer s.release()
	text := len(s.env.Request.Text)
	for i := range l.quick {
		if q := &l.quick[i]; q.base >= 0 {
			if work := s.work + nodeCost + int(q.perText)*text; work <= r.cfg.Work {
				s.work = work
				if !l.flows.run(s, int(q.base), q.start) {
					continue
				}
				d.Source, d.Models, d.Only, d.Continue = l.entries[i].id, l.entries[i].models, l.entries[i].only, l.entries[i].continues
				return d, nil
			}
		}
		if done, err := r.consider(ctx, s, &l.entries[i], &d); done {
			return d, err
		}
	}
	return d, nil
}

// consider tries a rule that may fail, and fills d. It reports whether the search is over.
func (r *Router) consider(ctx context.Context, s *scratch, e *entry, d *engine.Decision) (done bool, err error) {
	req := s.request
	if e.team != "" && e.team != req.Principal.TeamID {
		return false, nil
	}
	account, now := req.Principal.AccountID, req.Received.UnixMilli()
	admission := e.breaker.admit(account, now)
	if admission == suspended {
		if e.refuse {
			return true, refused(d, e, suspension)
		}
		d.Skipped = append(d.Skipped, engine.Skip{What: e.id, Reason: engine.SkipRuleSuspended})
		return false, nil
	}
	matched, err := r.try(ctx, s, e, d)
	end := ending(err)
	if err != nil && end == nil {
		r.failed(ctx, e, account, now, err)
		if e.refuse {
			return true, refused(d, e, 0)
		}
		d.Skipped = append(d.Skipped, engine.Skip{What: e.id, Reason: engine.SkipRuleFailed, Detail: detail(err)})
		return false, nil
	}
	if admission == onTrial && ctx.Err() == nil {
		e.breaker.recover(account)
	}
	if end != nil {
		return true, end
	}
	return matched, nil
}

// ended is an error that is no failure of the rule: the plugin said no, or the
// request was cancelled. Nothing else ends the search, whatever code it carries.
type ended struct{ err *engine.Error }

func (e ended) Error() string { return e.err.Error() }

// ending returns what ends the search, nil when err is nil or a failure.
func ending(err error) *engine.Error {
	if err == nil {
		return nil
	}
	var end ended
	if !errors.As(err, &end) {
		return nil
	}
	return end.err
}

// try runs one rule and fills d when it matches. Errors: ended; any other is the rule's failure.
func (r *Router) try(ctx context.Context, s *scratch, e *entry, d *engine.Decision) (matched bool, err error) {
	if e.program == nil {
		return r.ask(ctx, s, e, d)
	}
	matched, err = s.evaluate(e, r.cfg.Work)
	if matched {
		d.Source, d.Models, d.Only, d.Continue = e.id, e.models, e.only, e.continues
	}
	return matched, err
}

// ask calls a rule's plugin.
func (r *Router) ask(ctx context.Context, s *scratch, e *entry, d *engine.Decision) (matched bool, err error) {
	if r.guests == nil {
		return false, errNoPlugin
	}
	// A global rule's plugin is the global one, whatever the caller's account calls its own.
	guest, err := r.guests.RuleGuest(e.account, e.plugin)
	if err != nil {
		if errors.Is(err, engine.ErrNotFound) {
			return false, errNoPlugin
		}
		return false, err
	}
	req := s.request
	s.call = engine.RuleCall{
		AccountID: req.Principal.AccountID, RequestID: req.ID, NowMS: req.Received.UnixMilli(),
		Request: req.Doc.Root(), Context: req.Context(), Config: e.config,
	}
	s.answer.Fuel = 0
	err = guest.Decide(ctx, &s.call, &s.answer)
	d.Fuel += s.answer.Fuel
	log(ctx, e, guest, s.answer.Logs)
	if err != nil {
		if ctx.Err() != nil {
			return false, ended{&engine.Error{Code: engine.CodeCanceled, Message: "The request was cancelled.", Err: ctx.Err()}}
		}
		return false, err
	}
	a := &s.answer
	switch a.Verdict {
	case engine.VerdictAbstain:
		return false, nil
	case engine.VerdictReject:
		d.Source = e.id
		return false, ended{rejected(e, a)}
	case engine.VerdictDecided:
		d.Source, d.Models, d.Only, d.Continue = e.id, named(a.Targets, e.models), e.only, e.continues
		d.Reason, d.Tags, d.Params = clip(a.Reason, maxReason), slices.Clone(a.Tags), slices.Clone(a.Params)
		return true, nil
	}
	return false, errVerdict
}

var (
	errNoPlugin = errors.New("the plugin is not installed")
	errVerdict  = errors.New("the plugin gave no verdict")
)

const (
	maxReason  = 256
	maxMessage = 1 << 10
	maxModelID = 128
)

// named puts the models that a plugin named before the rule's own, which are what
// remains when none of the plugin's can be used. See RATIONALE.md, "What does a
// plugin's ranking replace?".
func named(targets, own []string) []string {
	if len(targets) == 0 {
		return own
	}
	all := make([]string, 0, len(targets)+len(own))
	for _, id := range targets {
		if isModelID(id) {
			all = append(all, id)
		}
	}
	return ranking(append(all, own...))
}

func rejected(e *entry, a *engine.RuleAnswer) *engine.Error {
	status, message := a.Status, clip(a.Message, maxMessage)
	if status < 400 || status > 451 {
		status = 400
	}
	if message == "" {
		message = "The routing rule '" + e.id + "' refuses this request."
	}
	return &engine.Error{Code: engine.CodeRuleRejected, Status: status, Message: message}
}

// refused is the answer of a broken rule with FailureRefuse.
func refused(d *engine.Decision, e *entry, after time.Duration) *engine.Error {
	d.Source = e.id
	return &engine.Error{
		Code: engine.CodeRuleFailed, After: after,
		Message: "The routing rule '" + e.id + "' failed, and no request may pass without it.",
	}
}

// failed counts a failure. Running out of work is not counted: it is the fault of
// all rules that ran before.
func (r *Router) failed(ctx context.Context, e *entry, account string, now int64, err error) {
	zerolog.Ctx(ctx).Debug().Str("rule_id", e.id).Err(err).Msg("rule failed")
	if errors.Is(err, errWork) || !e.breaker.fail(account, now) {
		return
	}
	if r.cfg.OnSuspend != nil {
		r.cfg.OnSuspend(account, e.id)
	}
}

// detail says why a rule failed, in words that are safe to show.
func detail(err error) string {
	var e *engine.Error
	if errors.As(err, &e) {
		return clip(e.Message, maxReason)
	}
	for _, known := range [...]error{errWork, errIndex, errMemory, errNotBool, errDivision, errOverflow, errNoPlugin, errVerdict} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return errFailed.Error()
}

// log passes on what a guest logged.
func log(ctx context.Context, e *entry, guest engine.RuleGuest, lines []engine.LogLine) {
	if len(lines) == 0 {
		return
	}
	logger := zerolog.Ctx(ctx)
	for _, line := range lines {
		logger.Debug().Str("rule_id", e.id).Str("plugin", guest.Ref()).Int32("level", line.Level).Msg(line.Text)
	}
}
