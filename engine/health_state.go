package engine

import (
	"fmt"
	"time"
)

// HealthSubject is what has a health of its own: a provider, a model there or a credential
// there. It is comparable; the zero value names nothing.
type HealthSubject struct {
	AccountID  string // of the provider's row; "" for a global one
	ProviderID string
	UpstreamID string // set: the model of that upstream id
	Credential string // set: the credential of that id; UpstreamID is "" then
	Version    int64  // of the credential's secret: another secret is another subject
}

// HealthKind is a kind of subject.
type HealthKind string

// Kinds of subjects.
const (
	HealthOfProvider   HealthKind = "provider"
	HealthOfModel      HealthKind = "model"
	HealthOfCredential HealthKind = "credential"
)

// Kind returns what the subject is.
func (s HealthSubject) Kind() HealthKind {
	switch {
	case s.Credential != "":
		return HealthOfCredential
	case s.UpstreamID != "":
		return HealthOfModel
	}
	return HealthOfProvider
}

// Provider returns the subject's provider as a subject.
func (s HealthSubject) Provider() HealthSubject {
	return HealthSubject{AccountID: s.AccountID, ProviderID: s.ProviderID}
}

// String names the subject for logs: "openai", "openai/gpt-4o" or "openai#credential".
func (s HealthSubject) String() string {
	switch s.Kind() {
	case HealthOfCredential:
		return s.ProviderID + "#" + s.Credential
	case HealthOfModel:
		return s.ProviderID + "/" + s.UpstreamID
	}
	return s.ProviderID
}

// HealthSwitch is what an administrator decided, whatever is measured.
type HealthSwitch string

// Switches.
const (
	HealthOn       HealthSwitch = ""         // as it is measured
	HealthDrained  HealthSwitch = "drained"  // not asked; still probed and judged
	HealthDisabled HealthSwitch = "disabled" // neither asked nor probed
)

// HealthReason is why a status changed: stable text for programs.
type HealthReason string

// Reasons.
const (
	HealthConsecutive HealthReason = "consecutive_failures"
	HealthErrorShare  HealthReason = "error_share"
	HealthSlow        HealthReason = "slow"
	HealthRefused     HealthReason = "refused"         // the provider refused the credential, or its quota is used up
	HealthProbeFailed HealthReason = "probe_failed"    // and no attempt said otherwise
	HealthProbeOpened HealthReason = "probe_succeeded" // still down: trials may begin before Until
	HealthTrialFailed HealthReason = "trial_failed"    // still down, for longer
	HealthRecovered   HealthReason = "recovered"
	HealthSwitched    HealthReason = "switched" // by an administrator; the status is as it was
)

// HealthEvidence is what a judgement rests on. Zero: not measured, or it plays no part.
type HealthEvidence struct {
	Attempts    int64         // of those that were looked at
	Failures    int64         // among them
	Consecutive int           // failures in a row
	Within      time.Duration // in how long that was
	LatencyMS   int64         // what was too slow
	UsualMS     int64         // what is usual there, or the most that is allowed
	Detail      string        // the last error, redacted; one line
}

// HealthTransition is a change of a subject's state, as processes tell it each other and
// events tell it people. From and To are equal when only Until, Ejections or Switch changed.
type HealthTransition struct {
	Subject  HealthSubject
	From, To HealthStatus // never ""
	Switch   HealthSwitch // in force from now on
	Reason   HealthReason
	Evidence HealthEvidence
	At       time.Time
	// Until is when trials may begin; zero unless To is down.
	Until time.Time
	// Ejections is the n in "out for n times as long"; 0 after a while of health.
	Ejections int
}

// Text says the transition's reason and evidence in a line that is safe to show.
func (t *HealthTransition) Text() string {
	e := &t.Evidence
	switch t.Reason {
	case HealthConsecutive:
		return detailed(fmt.Sprintf("%d attempts in a row failed", e.Consecutive), e.Detail)
	case HealthErrorShare:
		return detailed(fmt.Sprintf("%d of %d attempts in %d s failed", e.Failures, e.Attempts, seconds(e.Within)), e.Detail)
	case HealthSlow:
		return fmt.Sprintf("slow: %d ms, where %d ms are usual or allowed", e.LatencyMS, e.UsualMS)
	case HealthRefused:
		return detailed("the provider refused the credential", e.Detail)
	case HealthProbeFailed:
		return detailed("a probe failed", e.Detail)
	case HealthProbeOpened:
		return "a probe succeeded; requests are tried"
	case HealthTrialFailed:
		return detailed("a trial failed", e.Detail)
	case HealthRecovered:
		return "recovered"
	case HealthSwitched:
		if t.Switch == HealthOn {
			return "switched on"
		}
		return string(t.Switch)
	}
	return string(t.Reason)
}

func detailed(text, detail string) string {
	if detail == "" {
		return text
	}
	return text + ": " + detail
}

// HealthCell is what happened in five minutes.
type HealthCell struct {
	At        time.Time // its begin, a multiple of HealthCellLength
	Attempts  int64
	Failures  int64
	Fallbacks int64        // attempts that stood in for another target
	P95MS     int64        // of the five minutes up to when it was last measured in it; 0: it was not
	Worst     HealthStatus // "" while nothing is known
}

// Lengths of what is remembered in cells.
const (
	HealthCellLength = 5 * time.Minute
	HealthCells      = 288 // 24 hours
)

// HealthSubjectState is all that is known of a subject. What latencies mean: of answers that
// stream, the time until their first content; of the others, the time until all of it.
type HealthSubjectState struct {
	Subject HealthSubject
	Status  HealthStatus // never ""
	Switch  HealthSwitch
	Reason  HealthReason // of the last transition; "" when there was none
	Why     string       // the same for people; "" when healthy and on
	Since   time.Time    // of the status; zero: since it was first seen
	Changed time.Time    // of the last transition, also one that left the status as it was; zero: none
	Seen    time.Time    // when anything was last heard of it

	Out       bool      // not asked while there is anything else
	Until     time.Time // when trials may begin; zero unless down
	Ejections int
	Cooldown  time.Time // until when the provider asked to be left alone; zero or past: it does not

	Attempts  int64 // of the last minute
	Failures  int64 // among them
	Fallbacks int64 // attempts of this cell and the last that stood in for another target
	Recent    int64 // attempts of this cell and the last: Fallbacks of so many

	// Over five minutes; 0: not measured.
	LatencyP50MS, LatencyP95MS     int64
	FirstByteP50MS, FirstByteP95MS int64
	UsualFirstByteMS               int64 // the median in the long run
	UsualLatencyMS                 int64

	LastAttempt time.Time
	LastError   string // redacted; one line
	LastErrorAt time.Time
	LastCheck   time.Time // the last probe
	CheckOK     bool      // it succeeded
	Warning     string    // of the last probe; ""
	NextCheck   time.Time // zero: none is planned

	Cells []HealthCell // those in which anything happened, oldest first; at most HealthCells
}

// ErrorRate is the share (0 to 1) of the last minute's attempts that failed.
func (s *HealthSubjectState) ErrorRate() float64 { return ratio(s.Failures, s.Attempts) }

// FallbackShare is the share (0 to 1) of recent attempts that stood in for another target.
func (s *HealthSubjectState) FallbackShare() float64 { return ratio(s.Fallbacks, s.Recent) }

func ratio(n, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return float64(n) / float64(of)
}
