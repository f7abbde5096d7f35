package rule

import (
	"context"
	"slices"

	"github.com/pointsman/pointsman/engine"
)

// WholeShare is the share of all requests, in basis points.
const WholeShare = engine.WholeShare

// Rollout is a draft that decides for a share of the live requests.
type Rollout struct {
	ID        string // Decision.Variant of its decisions; also what its share is drawn by
	AccountID string // whose requests; "": every account's
	Share     int    // basis points, 0–WholeShare. A larger share has all of a smaller one's requests
	Draft     DraftOptions
}

// rollout is a Rollout in force.
type rollout struct {
	Rollout
	draft *Draft
}

// LoadRollouts replaces the drafts that decide for a share of the requests, at once for every
// Decide that begins afterwards. They stay, over the rules of the day, when rules are loaded
// again. An account's own come before those for every account. A rollout with problems decides
// like any table does, without the rules that are left out. rollouts is kept: it must not be changed.
func (r *Router) LoadRollouts(rollouts []Rollout) []Problem {
	r.loading.Lock()
	defer r.loading.Unlock()
	if len(rollouts) == 0 && len(r.rollouts) == 0 {
		return nil
	}
	r.rollouts = rollouts
	previous := r.table.Load()
	sets, versions := previous.sets()
	t := tableOf(sets, versions, previous)
	problems := t.rollOut(r, previous)
	t.ready()
	r.table.Store(t)
	return problems
}

// rollOut adds the router's rollouts to a new table.
func (t *table) rollOut(r *Router, previous *table) (problems []Problem) {
	for _, one := range r.rollouts {
		var before *table
		if i := slices.IndexFunc(previous.rollouts, func(v *rollout) bool { return v.ID == one.ID }); i >= 0 {
			before = previous.rollouts[i].draft.table
		}
		draft, found := r.draft(one.Draft, t, before)
		problems = append(problems, found...)
		// Now, so that no request has to wait for its lists.
		if one.AccountID == "" {
			draft.table.ready()
		} else {
			draft.table.of(one.AccountID).all()
		}
		t.rollouts = append(t.rollouts, &rollout{Rollout: one, draft: draft})
	}
	for _, v := range t.rollouts {
		if v.AccountID != "" && t.lists(v.AccountID) == nil {
			t.accounts = t.accounts.With(v.AccountID, &accountLists{all: t.global.all, own: noList, versions: t.global.versions})
		}
	}
	for account, a := range t.accounts.All() {
		a.rollouts = t.rolledOut(account)
	}
	t.global.rollouts = t.rolledOut("")
	return problems
}

// rolledOut are the rollouts that an account's requests may fall into, its own first.
func (t *table) rolledOut(account string) (all []*rollout) {
	for _, v := range t.rollouts {
		if v.AccountID == account {
			all = append(all, v)
		}
	}
	if account == "" {
		return all
	}
	for _, v := range t.rollouts {
		if v.AccountID == "" {
			all = append(all, v)
		}
	}
	return all
}

// rollout is the one that decides on the request; nil: the rules in force do, as always on what
// is made again.
func (a *accountLists) rollout(req *engine.Request) *rollout {
	if req.Recorded != nil {
		return nil
	}
	for _, v := range a.rollouts {
		if Bucket(v.ID, req) < v.Share {
			return v
		}
	}
	return nil
}

// Bucket is where a request falls among WholeShare of them, from 0: those of one session always at
// the same place, any other by itself. Another salt deals them anew.
func Bucket(salt string, req *engine.Request) int {
	p := &req.Principal
	if session := req.Hints.SessionID; session != "" {
		return engine.DrawShare(salt, p.AccountID, "session", p.UserID, session)
	}
	return engine.DrawShare(salt, p.AccountID, "request", req.ID)
}

// decide is the draft's decision; a holds the rules in force.
func (v *rollout) decide(ctx context.Context, req *engine.Request, a *accountLists) (engine.Decision, error) {
	d, err := v.draft.Decide(ctx, req)
	v.mark(req, a, &d)
	return d, err
}

func (v *rollout) explain(ctx context.Context, req *engine.Request, a *accountLists) (engine.Decision, []engine.RuleStep, error) {
	d, steps, err := v.draft.Explain(ctx, req)
	v.mark(req, a, &d)
	return d, steps, err
}

// mark says whose decision it is. A record of it has the phrases of the rules in force as well,
// so that it can be made again by both.
func (v *rollout) mark(req *engine.Request, a *accountLists, d *engine.Decision) {
	d.Variant = v.ID
	if l := a.list(req.Policy.RulesOwnOnly()); req.Record && len(l.phrases) > 0 {
		s := newScratch(req, l)
		defer s.release()
		s.record(d)
	}
}
