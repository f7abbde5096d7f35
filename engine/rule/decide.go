package rule

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/rs/zerolog"
)

// judge decides by the lists of a table. It is immutable.
type judge struct {
	guests engine.RuleGuests
	work   int
	// counts: failures count towards suspensions.
	counts    bool
	onSuspend func(accountID, ruleID string)
}

// Decide implements engine.Decider. A request for which every rule is an
// expression allocates nothing, unless a rule looks at metadata or needs expr's machine,
// or the decision is recorded.
// Models of the decision is shared: it must not be changed, and may be appended to.
//
// A rule with FailureRefuse that is suspended refuses the request too: it guards
// something, and must not be switched off by making it fail.
func (r *Router) Decide(ctx context.Context, req *engine.Request) (engine.Decision, error) {
	a := r.table.Load().of(req.Principal.AccountID)
	if a.rollouts != nil {
		if v := a.rollout(req); v != nil {
			return v.decide(ctx, req, a)
		}
	}
	return r.judge.decide(ctx, req, a)
}

// decide is the decision by an account's rules.
func (j *judge) decide(ctx context.Context, req *engine.Request, a *accountLists) (engine.Decision, error) {
	l := a.list(req.Policy.RulesOwnOnly())
	d := engine.Decision{Source: engine.SourceDefault, Rules: a.versions}
	if len(l.entries) == 0 {
		d.Searched = req.Record
		return d, nil
	}
	s := newScratch(req, l)
	defer s.release()
	err := j.search(ctx, s, &d)
	if req.Record {
		s.record(&d)
	}
	return d, err
}

// search tries the rules in order and fills d with what the first match says.
func (j *judge) search(ctx context.Context, s *scratch, d *engine.Decision) error {
	l, quick := s.list, !s.kept.again
	text := len(s.env.Request.Text)
	for i := range l.quick {
		if q := &l.quick[i]; q.base >= 0 && quick {
			if work := s.work + nodeCost + int(q.perText)*text; work <= j.work {
				s.work = work
				if !l.flows.run(s, int(q.base), q.start) {
					continue
				}
				d.Source, d.Models, d.Only, d.Continue = l.entries[i].id, l.entries[i].models, l.entries[i].only, l.entries[i].continues
				if s.request.Trace != nil {
					s.request.Trace.Rule(d.Source, engine.RuleMatched)
				}
				return nil
			}
		}
		if outcome, err := j.consider(ctx, s, &l.entries[i], d); outcome == engine.RuleMatched || err != nil {
			return err
		}
	}
	return nil
}

// consider tries a rule that may fail, and fills d. It returns what became of the rule; the
// search is over when it matched, and when there is an error.
func (j *judge) consider(ctx context.Context, s *scratch, e *entry, d *engine.Decision) (engine.RuleOutcome, error) {
	req := s.request
	if e.team != "" && e.team != req.Principal.TeamID {
		return engine.RuleOtherTeam, nil
	}
	if skip := s.kept.skip(e.id); skip != nil {
		return e.passOver(d, *skip)
	}
	admission := j.admit(s, e)
	if admission == suspended {
		return e.passOver(d, engine.Skip{What: e.id, Reason: engine.SkipRuleSuspended})
	}
	outcome, err := j.try(ctx, s, e, d)
	end := ending(err)
	if req.Trace != nil && !s.dry && outcome != engine.RuleNoMatch {
		req.Trace.Rule(e.id, outcome)
	}
	switch {
	case err == nil || end != nil:
		if admission == onTrial && ctx.Err() == nil {
			e.breaker.recover(req.Principal.AccountID)
		}
		if end != nil {
			return outcome, end
		}
		return outcome, nil
	case errors.As(err, new(*recalled)):
		return outcome, err
	case errors.Is(err, errUnkept), errors.Is(err, engine.ErrUndecided):
		return engine.RuleUndecided, undecided(e)
	}
	zerolog.Ctx(ctx).Debug().Str("request_id", req.ID).Str("rule_id", e.id).Err(err).Msg("rule failed")
	if j.counts && !s.dry {
		j.failed(e, req, err)
	}
	return e.passOver(d, engine.Skip{What: e.id, Reason: engine.SkipRuleFailed, Detail: detail(err)})
}

// admit says whether the rule may run. A dry run is nobody's trial.
func (j *judge) admit(s *scratch, e *entry) admission {
	account, now := s.request.Principal.AccountID, s.request.Received.UnixMilli()
	switch {
	case !j.counts || s.kept.again:
		return admitted
	case s.dry:
		return e.breaker.peek(account, now)
	}
	return e.breaker.admit(account, now)
}

// passOver is what becomes of a rule that failed or is suspended.
func (e *entry) passOver(d *engine.Decision, skip engine.Skip) (engine.RuleOutcome, error) {
	outcome, after := engine.RuleFailedStep, time.Duration(0)
	if skip.Reason == engine.SkipRuleSuspended {
		outcome, after = engine.RuleSuspended, suspension
	}
	d.Skipped = append(d.Skipped, skip)
	if e.refuse {
		return outcome, refused(d, e, after)
	}
	return outcome, nil
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

// try runs one rule and fills d when it matches. Errors: ended; errUnkept and
// engine.ErrUndecided; any other is the rule's failure.
func (j *judge) try(ctx context.Context, s *scratch, e *entry, d *engine.Decision) (engine.RuleOutcome, error) {
	if e.program == nil {
		return j.ask(ctx, s, e, d)
	}
	var matched bool
	var err error
	if s.kept.again {
		matched, err = s.again(e, j.work)
	} else {
		matched, err = s.evaluate(e, j.work)
	}
	if !matched || err != nil {
		return engine.RuleNoMatch, err
	}
	d.Source, d.Models, d.Only, d.Continue = e.id, e.models, e.only, e.continues
	return engine.RuleMatched, nil
}

// ask calls a rule's plugin.
func (j *judge) ask(ctx context.Context, s *scratch, e *entry, d *engine.Decision) (engine.RuleOutcome, error) {
	if j.guests == nil {
		return engine.RuleFailedStep, errNoPlugin
	}
	if then := engine.CallOf(s.kept.plugins, e.id); then != nil {
		return j.askAgain(ctx, s, e, d, then)
	}
	// A global rule's plugin is the global one, whatever the caller's account calls its own.
	guest, err := j.guests.RuleGuest(e.account, e.plugin)
	if err != nil {
		if errors.Is(err, engine.ErrNotFound) {
			err = errNoPlugin
		}
		return engine.RuleFailedStep, err
	}
	outcome, err := j.call(ctx, s, e, d, guest)
	if s.request.Record {
		digest := guest.Digest()
		d.Plugins = append(d.Plugins, engine.PluginCall{
			RuleID: e.id, Plugin: guest.Ref(), Digest: digest[:min(len(digest), engine.ShortDigest)],
			Outcome: outcome, Fuel: s.answer.Fuel, TookNS: s.spent,
		})
	}
	return outcome, err
}

// call asks that plugin and fills d with what it says.
func (j *judge) call(ctx context.Context, s *scratch, e *entry, d *engine.Decision, guest engine.RuleGuest) (engine.RuleOutcome, error) {
	req := s.request
	s.call = engine.RuleCall{
		AccountID: req.Principal.AccountID, RequestID: req.ID, NowMS: req.Received.UnixMilli(),
		Request: req.Doc.Root(), Config: e.config,
		Dry: s.dry || !j.counts, Unkept: s.unkept(),
	}
	if s.call.Unkept == (engine.Unkept{}) {
		s.call.Rest = req
		s.call.Context, s.call.Text = req.BriefContext()
	} else {
		s.call.Context = req.Context()
	}
	s.guest, s.answer.Fuel = guest, 0
	var err error
	if s.dry || req.Record || req.Trace != nil {
		began := time.Now()
		err = guest.Decide(ctx, &s.call, &s.answer)
		took := time.Since(began)
		s.spent = took.Nanoseconds()
		if req.Trace != nil {
			req.Trace.Plugin(guest.Ref(), "decide", took, s.answer.Fuel, err)
		}
	} else {
		err = guest.Decide(ctx, &s.call, &s.answer)
	}
	d.Fuel += s.answer.Fuel
	log(ctx, e, guest, s.answer.Logs)
	if err != nil {
		if ctx.Err() != nil {
			err = ended{&engine.Error{Code: engine.CodeCanceled, Message: "The request was cancelled.", Err: ctx.Err()}}
		}
		return engine.RuleFailedStep, err
	}
	a := &s.answer
	switch a.Verdict {
	case engine.VerdictAbstain:
		return engine.RuleAbstained, nil
	case engine.VerdictReject:
		d.Source = e.id
		return engine.RuleRejected, ended{rejected(e, a)}
	case engine.VerdictDecided:
		d.Source, d.Models, d.Only, d.Continue = e.id, rankedBy(a.Targets, e.models), e.only, e.continues
		d.Reason, d.Tags, d.Params = clip(a.Reason, maxReason), slices.Clone(a.Tags), slices.Clone(a.Params)
		return engine.RuleMatched, nil
	}
	return engine.RuleFailedStep, errVerdict
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

// rankedBy puts the models that a plugin named before the rule's own, which are what
// remains when none of the plugin's can be used. See RATIONALE.md, "What does a
// plugin's ranking replace?".
func rankedBy(targets, own []string) []string {
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
func (j *judge) failed(e *entry, req *engine.Request, err error) {
	account := req.Principal.AccountID
	if errors.Is(err, errWork) || !e.breaker.fail(account, req.Received.UnixMilli()) {
		return
	}
	if j.onSuspend != nil {
		j.onSuspend(account, e.id)
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
