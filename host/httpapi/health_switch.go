package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

type (
	// HealthKey is what of a provider a path means. Exported because huma skips embedded structs
	// that are not.
	HealthKey struct {
		ID         string `path:"id" maxLength:"64" doc:"Provider id."`
		AccountID  string `query:"account_id" maxLength:"128" doc:"Whose provider. Left out: the caller's own before a global one, for a super admin the other way round."`
		Model      string `query:"model" maxLength:"255" doc:"Only that model there: its id in the catalogue, or the provider's."`
		Credential string `query:"credential" maxLength:"64" doc:"Only that credential."`
	}
	healthNote struct {
		Note string `json:"note,omitempty" maxLength:"500" example:"maintenance" doc:"Why, for other administrators."`
	}
	healthSwitch struct {
		HealthKey
		Body *healthNote
	}
	subjectOutput struct{ Body subjectHealth }
	paidInput     struct {
		HealthKey
		Body struct {
			Enabled      bool  `json:"enabled"`
			DailyCap     int64 `json:"daily_cap_nano_usd" required:"false" minimum:"0" maximum:"1000000000000" example:"10000000" doc:"Nano-USD (10⁻⁹ dollars) a day, UTC. A call that might go beyond it is not made. Needed when enabled."`
			EverySeconds int64 `json:"every_seconds,omitempty" minimum:"0" maximum:"86400" doc:"At least 60. Left out: 300. While what is probed is down it is 30."`
		}
	}
	probeQuery struct {
		HealthKey
		Paid bool `query:"paid" doc:"true: also by the calls that are configured, which cost money and stay under their caps."`
	}
	probeFinding struct {
		Kind       string `json:"kind" enum:"provider,model,credential"`
		Provider   string `json:"provider"`
		UpstreamID string `json:"upstream_id,omitempty"`
		Credential string `json:"credential,omitempty"`
		Cost       int64  `json:"cost_nano_usd,omitempty"`
		Check      *check `json:"check"`
	}
	probeOutput struct {
		Body struct {
			Data []probeFinding `json:"data" doc:"Empty: there is no free request to this provider."`
		}
	}
	transitionQuery struct {
		ID        string `path:"id" maxLength:"64" doc:"Provider id."`
		AccountID string `query:"account_id" maxLength:"128" doc:"As for the other operations."`
		Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}
	transition struct {
		Kind        string     `json:"kind" enum:"provider,model,credential"`
		UpstreamID  string     `json:"upstream_id,omitempty"`
		Credential  string     `json:"credential,omitempty"`
		At          time.Time  `json:"at"`
		From        string     `json:"from" enum:"healthy,degraded,down"`
		To          string     `json:"to" enum:"healthy,degraded,down"`
		Switch      string     `json:"switch,omitempty" enum:"drained,disabled"`
		Reason      string     `json:"reason"`
		Why         string     `json:"why"`
		Attempts    int64      `json:"attempts,omitempty" doc:"What it rests on: of those that were looked at."`
		Failures    int64      `json:"failures,omitempty"`
		Consecutive int        `json:"consecutive,omitempty" doc:"Failures in a row."`
		RetryAt     *time.Time `json:"retry_at,omitempty"`
		Ejections   int        `json:"ejections,omitempty"`
	}
	transitionOutput struct {
		Body struct {
			Data []transition `json:"data" doc:"Newest first; kept for 30 days."`
		}
	}
)

func (s *Server) registerHealthSwitches(tag []string, path string) {
	for _, way := range []struct {
		verb, summary, more string
		to                  engine.HealthSwitch
	}{
		{"drain", "Send no new request to a provider, model or credential", "It is still probed and judged. Requests under way end as they would.", engine.HealthDrained},
		{"disable", "Neither ask nor probe a provider, model or credential", "", engine.HealthDisabled},
		{"enable", "End drain and disable", "", engine.HealthOn},
	} {
		operation(s, huma.Operation{OperationID: way.verb + "-health", Method: http.MethodPost, Path: path + "/" + way.verb, Summary: way.summary, Description: way.more + " In force on every replica within two seconds.", Tags: tag},
			func(ctx context.Context, in *healthSwitch) (*subjectOutput, error) {
				return s.switchHealth(ctx, in, way.to)
			})
	}
	operation(s, huma.Operation{OperationID: "probe-health", Method: http.MethodPost, Path: path + "/probe", Summary: "Probe a provider now", Description: "Answers 200 whatever the provider said. It takes half a minute at most and costs nothing, unless 'paid' is true.", Tags: tag}, s.probeHealth)
	operation(s, huma.Operation{OperationID: "set-paid-probe", Method: http.MethodPut, Path: path + "/paid-probe", Summary: "Configure paid probes of a provider or a model", Description: "One short call now and then, of the model or of the provider's cheapest one, recorded in /usage as 'probe'. Without it nothing that costs money is ever sent unasked.", Tags: tag}, s.setPaidProbe)
	operation(s, huma.Operation{OperationID: "list-health-transitions", Method: http.MethodGet, Path: path + "/transitions", Summary: "List how a provider, its models and credentials changed", Tags: tag}, s.listTransitions)
}

// of is the subject, if the provider is that account's.
func (k HealthKey) of(account string) engine.HealthSubject {
	return engine.HealthSubject{AccountID: account, ProviderID: k.ID, UpstreamID: k.Model, Credential: k.Credential}
}

func (s *Server) switchHealth(ctx context.Context, in *healthSwitch, to engine.HealthSwitch) (*subjectOutput, error) {
	p, note := principalOf(ctx), ""
	if in.Body != nil {
		note = in.Body.Note
	}
	r, err := find(p, in.AccountID, func(account string) (engine.HealthReport, error) {
		return s.cfg.Health.SwitchHealth(ctx, p, in.of(account), to, note)
	})
	if err != nil {
		return nil, err
	}
	return &subjectOutput{shownHealth(&r)}, nil
}

func (s *Server) setPaidProbe(ctx context.Context, in *paidInput) (*subjectOutput, error) {
	p := principalOf(ctx)
	paid := engine.HealthPaidProbe{Enabled: in.Body.Enabled, DailyCapNanoUSD: in.Body.DailyCap, Every: time.Duration(in.Body.EverySeconds) * time.Second}
	r, err := find(p, in.AccountID, func(account string) (engine.HealthReport, error) {
		return s.cfg.Health.SetPaidProbe(ctx, p, in.of(account), paid)
	})
	if err != nil {
		return nil, err
	}
	return &subjectOutput{shownHealth(&r)}, nil
}

func (s *Server) probeHealth(ctx context.Context, in *probeQuery) (*probeOutput, error) {
	p := principalOf(ctx)
	list, err := find(p, in.AccountID, func(account string) ([]engine.HealthProbe, error) {
		return s.cfg.Health.ProbeHealth(ctx, p, in.of(account), in.Paid)
	})
	if err != nil {
		return nil, err
	}
	out := &probeOutput{}
	out.Body.Data = make([]probeFinding, 0, len(list))
	for _, f := range list {
		out.Body.Data = append(out.Body.Data, probeFinding{
			Kind: string(f.Subject.Kind()), Provider: f.Subject.ProviderID, UpstreamID: f.Subject.UpstreamID, Credential: f.Subject.Credential,
			Cost: f.CostNanoUSD, Check: shownCheck(f.Check),
		})
	}
	return out, nil
}

func (s *Server) listTransitions(ctx context.Context, in *transitionQuery) (*transitionOutput, error) {
	p := principalOf(ctx)
	list, err := find(p, in.AccountID, func(account string) ([]engine.HealthTransition, error) {
		return s.cfg.Health.ListTransitions(ctx, p, account, in.ID, in.Limit)
	})
	if err != nil {
		return nil, err
	}
	out := &transitionOutput{}
	out.Body.Data = make([]transition, 0, len(list))
	for i := range list {
		t := &list[i]
		out.Body.Data = append(out.Body.Data, transition{
			Kind: string(t.Subject.Kind()), UpstreamID: t.Subject.UpstreamID, Credential: t.Subject.Credential, At: t.At.UTC(),
			From: string(t.From), To: string(t.To), Switch: string(t.Switch), Reason: string(t.Reason), Why: t.Text(),
			Attempts: t.Evidence.Attempts, Failures: t.Evidence.Failures, Consecutive: t.Evidence.Consecutive,
			RetryAt: optionalTime(t.Until), Ejections: t.Ejections,
		})
	}
	return out, nil
}

// noHealth is the service of a gateway that measures nothing.
type noHealth struct{}

var errNoHealth = engine.Errorf(engine.CodeNotFound, "This gateway does not watch its providers.")

func (noHealth) ListHealth(context.Context, engine.Principal, engine.HealthFilter) ([]engine.HealthReport, engine.HealthSummary, error) {
	return nil, engine.HealthSummary{}, nil
}

func (noHealth) ListTransitions(context.Context, engine.Principal, string, string, int) ([]engine.HealthTransition, error) {
	return nil, errNoHealth
}

func (noHealth) SwitchHealth(context.Context, engine.Principal, engine.HealthSubject, engine.HealthSwitch, string) (engine.HealthReport, error) {
	return engine.HealthReport{}, errNoHealth
}

func (noHealth) SetPaidProbe(context.Context, engine.Principal, engine.HealthSubject, engine.HealthPaidProbe) (engine.HealthReport, error) {
	return engine.HealthReport{}, errNoHealth
}

func (noHealth) ProbeHealth(context.Context, engine.Principal, engine.HealthSubject, bool) ([]engine.HealthProbe, error) {
	return nil, errNoHealth
}
