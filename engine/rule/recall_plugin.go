package rule

import (
	"context"
	"errors"
	"strings"

	"github.com/pointsman/pointsman/engine"
)

// askAgain is ask for a call that was recorded: the version of then is asked, and where that
// cannot be, its answer of then counts as far as it is known. Errors: those of call; *recalled.
func (j *judge) askAgain(ctx context.Context, s *scratch, e *entry, d *engine.Decision, then *engine.PluginCall) (engine.RuleOutcome, error) {
	s.answer.Fuel = 0
	guest, err := j.guests.RuleGuest(e.account, then.Plugin)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return s.recall(e, d, then, then.Plugin+", which was asked then, is no longer stored")
	case err != nil:
		return s.recall(e, d, then, then.Plugin+", which was asked then, cannot be loaded")
	case !strings.HasPrefix(guest.Digest(), then.Digest):
		return s.recall(e, d, then, then.Plugin+" is another module now than the one that was asked then")
	}
	outcome, err := j.call(ctx, s, e, d, guest)
	if errors.Is(err, engine.ErrUndecided) {
		return s.recall(e, d, then, then.Plugin+" looks at what was not kept of the request")
	}
	return outcome, err
}

// recall goes by what the plugin answered then.
func (s *scratch) recall(e *entry, d *engine.Decision, then *engine.PluginCall, why string) (engine.RuleOutcome, error) {
	s.guest, s.note = nil, why+": this is what it answered then"
	d.Fuel += then.Fuel - s.answer.Fuel
	if then.Outcome == engine.RuleAbstained {
		return then.Outcome, nil
	}
	d.Source = e.id
	return then.Outcome, &recalled{&engine.Error{
		Code: engine.CodeInvalid, Err: engine.ErrUndecided,
		Message: "The routing rule '" + e.id + "' is not decided again: its plugin " + why + ".",
	}}
}

// recalled is the end of a decision whose outcome is known, but not what came of it: the
// models that a plugin named, or the error that it answered with. It wraps engine.ErrUndecided.
type recalled struct{ err *engine.Error }

func (r *recalled) Error() string { return r.err.Error() }

// Unwrap returns the *engine.Error.
func (r *recalled) Unwrap() error { return r.err }
