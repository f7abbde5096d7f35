package engine

import (
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// HealthStatus is what is thought of a provider, a model at a provider, or a credential.
type HealthStatus string

// Statuses.
const (
	HealthHealthy  HealthStatus = "healthy"
	HealthDegraded HealthStatus = "degraded" // slow, or some attempts fail: asked, but later where speed counts
	HealthDown     HealthStatus = "down"     // not asked while there is anything else to ask
)

// HealthTarget names what an attempt asks. UpstreamID "" is the provider as such; with
// Credential set it is that credential there.
type HealthTarget struct {
	AccountID  string // of the provider's row; "" for a global one
	ProviderID string
	UpstreamID string // upstream model id
	Credential string // id; "" where the provider needs none
	Version    int64  // of the credential's secret
}

// HealthState is the state of a target as routing sees it: the worst of its provider's
// and its model's, of a named credential its own alone. The zero value is not measured.
type HealthState struct {
	Status HealthStatus // "" counts as healthy
	// Out: it is down and no trial is due, so that it is asked only when nothing else is left.
	Out bool
	// Off: an administrator drained or disabled it. It is not asked at all.
	Off       bool
	Reason    string    // safe to show; "" when healthy
	LatencyMS int64     // median of late; 0: not known
	RetryAt   time.Time // when Out may end; zero: not known
}

// HealthOutcome is what one attempt says of what it asked.
type HealthOutcome struct {
	Code      Code      // "": answered in full, or as far as its first content when it streams
	Class     abi.Class // of the provider's refusal; ClassNone when it made none
	Status    int       // HTTP; 0: none came
	Unsent    bool      // the provider was not reached: no byte of the request left
	Latency   time.Duration
	FirstByte time.Duration // until the first content; 0: none came
	Stream    bool          // the answer streams, so that FirstByte says how fast it is, else Latency
	// Pause is how long the provider asked to be left alone; 0: it did not.
	Pause time.Duration
	// Fallback: the attempt stood in for a target that was down, or had failed this request.
	Fallback bool
	Detail   string // one line for an administrator, without secrets; "" when answered
}

// Health judges what can be asked, from what attempts report and from probes.
// Safe for concurrent use. State, Begin and Done take no lock that all requests share, reach no
// database, and allocate nothing for a target that was seen before. None keeps the HealthTarget.
type Health interface {
	// State returns what is known of the target now.
	State(t *HealthTarget) HealthState
	// Begin asks to make an attempt at a target with its credential. ok is false when the target
	// is down, and no trial is free for this request. last says that nothing else is left to ask:
	// then it is allowed whatever its state, unless it is off. A pass that was given must be ended once.
	Begin(t *HealthTarget, last bool) (pass HealthPass, ok bool)
	// Observe counts an outcome for which there is no pass, as of a stream that broke after its
	// first content.
	Observe(t *HealthTarget, o HealthOutcome)
}

// HealthPass allows one attempt. It is to be ended once, by Done or Cancel; the zero value
// needs no end.
type HealthPass struct {
	Holder HealthHolder
	Token  uint64 // the holder's own
}

// HealthHolder is what a HealthPass is given back to.
type HealthHolder interface {
	// Done counts what became of the attempt.
	Done(token uint64, o HealthOutcome)
	// Cancel says that no attempt was made, or that it says nothing: the caller went away.
	Cancel(token uint64)
}

// Done ends the pass with an outcome.
func (p *HealthPass) Done(o HealthOutcome) {
	if h := p.Holder; h != nil {
		p.Holder = nil
		h.Done(p.Token, o)
	}
}

// Cancel ends the pass without one.
func (p *HealthPass) Cancel() {
	if h := p.Holder; h != nil {
		p.Holder = nil
		h.Cancel(p.Token)
	}
}

// healthTarget names the target with the credential that it is asked with.
func (t *Target) healthTarget() HealthTarget {
	h := HealthTarget{AccountID: t.Provider.AccountID, ProviderID: t.Provider.ID, UpstreamID: t.Model.UpstreamID, Credential: t.Credential}
	for i := range t.Provider.Credentials {
		if c := &t.Provider.Credentials[i]; c.ID == t.Credential {
			h.Version = c.Version
		}
	}
	return h
}
