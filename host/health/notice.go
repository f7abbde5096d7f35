package health

import (
	"encoding/json"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// detail is a transition as programs read it in an event.
type detail struct {
	Kind       engine.HealthKind   `json:"kind"`
	UpstreamID string              `json:"upstream_id,omitempty"`
	Credential string              `json:"credential,omitempty"`
	From       engine.HealthStatus `json:"from"`
	To         engine.HealthStatus `json:"to"`
	Switch     engine.HealthSwitch `json:"switch,omitempty"`
	Reason     engine.HealthReason `json:"reason"`
	Evidence   evidence            `json:"evidence"`
	Until      *time.Time          `json:"until,omitempty"`
}

type evidence struct {
	Attempts      int64  `json:"attempts,omitempty"`
	Failures      int64  `json:"failures,omitempty"`
	Consecutive   int    `json:"consecutive,omitempty"`
	WithinSeconds int64  `json:"within_seconds,omitempty"`
	LatencyMS     int64  `json:"latency_ms,omitempty"`
	UsualMS       int64  `json:"usual_ms,omitempty"`
	Error         string `json:"error,omitempty"`
}

// publish tells people of a transition that changed a status or a switch. Every process shows
// it in its events; the one that made it sends it to webhooks.
func (m *Monitor) publish(t *engine.HealthTransition, made bool) {
	n, ok := noticeOf(t)
	if !ok {
		return
	}
	n.NoWebhook = !made
	m.cfg.Notices.Publish(n)
}

// noticeOf is what people are told of a transition; no: nothing, it is about trials.
func noticeOf(t *engine.HealthTransition) (n engine.Notice, ok bool) {
	if t.From == t.To && t.Reason != engine.HealthSwitched {
		return n, false
	}
	s := t.Subject
	n = engine.Notice{
		At: t.At, Kind: engine.NoticeStatusChange, AccountID: s.AccountID, ProviderID: s.ProviderID, Subject: s.ProviderID,
		Message: "Provider " + s.ProviderID,
	}
	switch s.Kind() {
	case engine.HealthOfModel:
		n.Subject, n.Message = s.UpstreamID, "Model "+s.UpstreamID+" at provider "+s.ProviderID
	case engine.HealthOfCredential:
		n.Subject, n.Message = s.Credential, "Credential "+s.Credential+" of provider "+s.ProviderID
	default:
		switch {
		case t.From != engine.HealthDown && t.To == engine.HealthDown:
			n.Kind = engine.NoticeProviderDown
		case t.From == engine.HealthDown && t.To != engine.HealthDown:
			n.Kind = engine.NoticeProviderRecovered
		}
	}
	switch {
	case t.Reason == engine.HealthSwitched:
		n.Message += " was switched: " + t.Text() + "."
	case t.Reason == engine.HealthRecovered:
		n.Message += " is " + string(t.To) + " again, it was " + string(t.From) + "."
	default:
		n.Message += " is " + string(t.To) + ", it was " + string(t.From) + ": " + t.Text() + "."
	}
	d := detail{
		Kind: s.Kind(), UpstreamID: s.UpstreamID, Credential: s.Credential, From: t.From, To: t.To, Switch: t.Switch, Reason: t.Reason,
		Evidence: evidence{
			Attempts: t.Evidence.Attempts, Failures: t.Evidence.Failures, Consecutive: t.Evidence.Consecutive,
			WithinSeconds: int64(t.Evidence.Within / time.Second), LatencyMS: t.Evidence.LatencyMS, UsualMS: t.Evidence.UsualMS, Error: t.Evidence.Detail,
		},
	}
	if !t.Until.IsZero() {
		until := t.Until.UTC()
		d.Until = &until
	}
	text, err := json.Marshal(d)
	if err == nil { // a time of this century is all that could fail
		n.Detail = string(text)
	}
	return n, true
}
