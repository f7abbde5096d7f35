package httpapi

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// HealthService knows how providers, models and credentials are. Errors of its methods:
// *engine.Error.
type HealthService interface {
	ListHealth(ctx context.Context, p engine.Principal, f engine.HealthFilter) ([]engine.HealthReport, engine.HealthSummary, error)
	ListTransitions(ctx context.Context, p engine.Principal, accountID, providerID string, limit int) ([]engine.HealthTransition, error)
	// SwitchHealth drains, disables or switches on a subject, whose UpstreamID may be a catalogue id.
	SwitchHealth(ctx context.Context, p engine.Principal, s engine.HealthSubject, to engine.HealthSwitch, note string) (engine.HealthReport, error)
	SetPaidProbe(ctx context.Context, p engine.Principal, s engine.HealthSubject, paid engine.HealthPaidProbe) (engine.HealthReport, error)
	// ProbeHealth probes a provider now; paid: also by calls that cost money, as configured.
	ProbeHealth(ctx context.Context, p engine.Principal, s engine.HealthSubject, paid bool) ([]engine.HealthProbe, error)
}

// subjectHealth is a subject as the API shows it.
type subjectHealth struct {
	Kind       string   `json:"kind" enum:"provider,model,credential"`
	Provider   string   `json:"provider" example:"openai"`
	AccountID  string   `json:"account_id,omitempty" doc:"Left out for a global provider."`
	UpstreamID string   `json:"upstream_id,omitempty" doc:"Of a model: what the provider calls it."`
	Models     []string `json:"models,omitempty" doc:"Of a model: its ids in the catalogue."`
	Credential string   `json:"credential,omitempty" doc:"Id of the credential."`

	Status string     `json:"status" enum:"healthy,degraded,down"`
	Switch string     `json:"switch,omitempty" enum:"drained,disabled" doc:"What an administrator decided, whatever is measured. drained: not asked, still probed. disabled: neither."`
	Reason string     `json:"reason,omitempty" doc:"Of the last change: consecutive_failures, error_share, slow, refused, probe_failed, probe_succeeded, trial_failed, recovered or switched."`
	Why    string     `json:"why,omitempty" doc:"The same for people."`
	Since  *time.Time `json:"since,omitempty" doc:"Of the status. Left out: as long as anybody remembers."`

	Out           bool       `json:"out" doc:"Not asked while there is anything else to ask."`
	RetryAt       *time.Time `json:"retry_at,omitempty" doc:"When requests try it again, unless a probe succeeds before."`
	Ejections     int        `json:"ejections" doc:"The n in: out for n times as long. It falls with every minute of health."`
	CooldownUntil *time.Time `json:"cooldown_until,omitempty" doc:"Until then the provider asked to be left alone."`

	Attempts      *int64        `json:"attempts,omitempty" doc:"Of the last minute, at the replica that answers. Left out where others' traffic is nobody's business."`
	ErrorRate     float64       `json:"error_rate" doc:"Share of the last minute's attempts that failed, 0 to 1, at the replica that answers. The cells are of all replicas."`
	FallbackShare float64       `json:"fallback_share" doc:"Share of the last minutes' attempts that stood in for another target, 0 to 1, of all replicas: each adds its own once a minute."`
	Latency       healthLatency `json:"latency" doc:"Of five minutes, at the replica that answers, or where it asked nobody, at the one that asked last. 0: not measured."`

	LastError   string     `json:"last_error,omitempty" doc:"Redacted."`
	LastErrorAt *time.Time `json:"last_error_at,omitempty"`
	LastAttempt *time.Time `json:"last_attempt_at,omitempty"`
	Check       *check     `json:"check,omitempty" doc:"The last probe."`
	NextCheckAt *time.Time `json:"next_check_at,omitempty"`

	PaidProbe *paidProbe   `json:"paid_probe,omitempty" doc:"Left out: nobody configured any."`
	Note      string       `json:"note,omitempty" doc:"Why it was switched."`
	Cells     []healthCell `json:"cells,omitempty" doc:"The last 24 hours by five minutes, oldest first; without those in which nothing happened."`
}

type healthLatency struct {
	P50MS          int64 `json:"p50_ms" doc:"Of answers that do not stream."`
	P95MS          int64 `json:"p95_ms"`
	FirstByteP50MS int64 `json:"first_byte_p50_ms" doc:"Of streams, until their first content."`
	FirstByteP95MS int64 `json:"first_byte_p95_ms"`
}

type check struct {
	At      time.Time `json:"at"`
	OK      bool      `json:"ok"`
	Error   string    `json:"error,omitempty" doc:"Redacted."`
	Warning string    `json:"warning,omitempty" doc:"What it found that does not make the subject ill, as a list that lacks a model."`
	Paid    bool      `json:"paid,omitempty"`
}

type paidProbe struct {
	Enabled      bool  `json:"enabled"`
	DailyCap     int64 `json:"daily_cap_nano_usd" doc:"Nano-USD: 10⁻⁹ dollars."`
	EverySeconds int64 `json:"every_seconds" doc:"0: every five minutes."`
	SpentToday   int64 `json:"spent_today_nano_usd" doc:"By day, UTC."`
}

type healthCell struct {
	At            time.Time `json:"at" doc:"Its begin."`
	Status        string    `json:"status,omitempty" enum:"healthy,degraded,down" doc:"The worst in it."`
	Attempts      *int64    `json:"attempts,omitempty"`
	Failures      *int64    `json:"failures,omitempty"`
	ErrorRate     float64   `json:"error_rate"`
	FallbackShare float64   `json:"fallback_share"`
	P95MS         int64     `json:"p95_ms,omitempty"`
}

type (
	healthQuery struct {
		AccountID string `query:"account_id" maxLength:"128" doc:"Only providers of that account."`
		Provider  string `query:"provider" maxLength:"64" doc:"Only that provider, its models and credentials."`
		Status    string `query:"status" enum:"healthy,degraded,down"`
		Kind      string `query:"kind" enum:"provider,model,credential"`
		Cells     bool   `query:"cells" default:"true" doc:"false: without the cells."`
	}
	healthOutput struct {
		Body struct {
			At    time.Time       `json:"at"`
			Stale bool            `json:"stale,omitempty" doc:"What other replicas know could not be read."`
			Data  []subjectHealth `json:"data" doc:"By account and provider: the provider, then its models, then its credentials."`
		}
	}
)

func (s *Server) registerHealth() {
	tag, path := []string{"health"}, "/api/v1/health"
	operation(s, huma.Operation{OperationID: "list-health", Method: http.MethodGet, Path: path, Summary: "See how providers, models and credentials are", Tags: tag,
		Description: "A super admin sees everything, an account's admin all of the account's own providers. Of global providers, and to its other users of its own, a tenant is shown the status, without counts, credentials and what the provider said."}, s.listHealth)
	s.registerHealthSwitches(tag, path+"/{id}")
}

func (s *Server) listHealth(ctx context.Context, in *healthQuery) (*healthOutput, error) {
	list, summary, err := s.cfg.Health.ListHealth(ctx, principalOf(ctx), engine.HealthFilter{
		AccountID: in.AccountID, ProviderID: in.Provider, Status: engine.HealthStatus(in.Status), Kind: engine.HealthKind(in.Kind),
	})
	if err != nil {
		return nil, err
	}
	out := &healthOutput{}
	out.Body.At, out.Body.Stale = summary.At, summary.Stale
	out.Body.Data = make([]subjectHealth, 0, len(list))
	for i := range list {
		if !in.Cells {
			list[i].Cells = nil
		}
		out.Body.Data = append(out.Body.Data, shownHealth(&list[i]))
	}
	return out, nil
}

func shownHealth(r *engine.HealthReport) subjectHealth {
	subject := r.Subject
	out := subjectHealth{
		Kind: string(subject.Kind()), Provider: subject.ProviderID, AccountID: subject.AccountID, UpstreamID: subject.UpstreamID, Models: r.Models, Credential: subject.Credential,
		Status: string(r.Status), Switch: string(r.Switch), Reason: string(r.Reason), Why: r.Why, Since: optionalTime(r.Since),
		Out: r.Out, RetryAt: optionalTime(r.Until), Ejections: r.Ejections, ErrorRate: share(r.ErrorRate()), FallbackShare: share(r.FallbackShare()),
		Latency:   healthLatency{r.LatencyP50MS, r.LatencyP95MS, r.FirstByteP50MS, r.FirstByteP95MS},
		LastError: r.LastError, LastErrorAt: optionalTime(r.LastErrorAt), LastAttempt: optionalTime(r.LastAttempt),
		CooldownUntil: optionalTime(r.Cooldown), NextCheckAt: optionalTime(r.Check.NextAt), Note: r.Control.Note, Check: shownCheck(r.Check),
	}
	if r.Managed {
		out.Attempts = &r.Attempts
	}
	if c := r.Control; c.PaidProbe || c.DailyCapNanoUSD > 0 {
		out.PaidProbe = &paidProbe{Enabled: c.PaidProbe, DailyCap: c.DailyCapNanoUSD, EverySeconds: int64(c.Every / time.Second), SpentToday: c.SpentNanoUSD}
	}
	for _, c := range r.Cells {
		cell := healthCell{At: c.At.UTC(), Status: string(c.Worst), P95MS: c.P95MS}
		if c.Attempts > 0 {
			cell.ErrorRate, cell.FallbackShare = share(float64(c.Failures)/float64(c.Attempts)), share(float64(c.Fallbacks)/float64(c.Attempts))
		}
		if r.Managed {
			attempts, failures := c.Attempts, c.Failures
			cell.Attempts, cell.Failures = &attempts, &failures
		}
		out.Cells = append(out.Cells, cell)
	}
	return out
}

func shownCheck(c engine.HealthCheck) *check {
	if c.At.IsZero() {
		return nil
	}
	return &check{At: c.At.UTC(), OK: c.OK, Error: c.Detail, Warning: c.Warning, Paid: c.Paid}
}

// share is a share within 0 to 1, to four places.
func share(f float64) float64 { return math.Round(min(max(f, 0), 1)*1e4) / 1e4 }

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
