package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// trial is what a test of a provider or a model found.
type trial struct {
	OK        bool          `json:"ok"`
	Simulated bool          `json:"simulated,omitempty" doc:"The in-process simulator answered."`
	Models    []string      `json:"models,omitempty" doc:"The first 200 ids that the provider lists; left out when it cannot list them."`
	ListedMS  int64         `json:"listed_ms,omitempty" doc:"How long the list took, milliseconds."`
	Call      *trialCall    `json:"call,omitempty" doc:"The one short call, recorded in /usage like any other. Left out: the provider has no enabled model with a price."`
	Error     *trialFailure `json:"error,omitempty" doc:"Why it is not ok."`
}

type trialCall struct {
	Model     string        `json:"model"`
	OK        bool          `json:"ok"`
	LatencyMS int64         `json:"latency_ms"`
	Error     *trialFailure `json:"error,omitempty"`
}

type trialFailure struct {
	Class   string `json:"class" doc:"invalid, auth, not_found, rate_limited, quota, overloaded, server, context_length, content_filter, connection, timeout, no_credential, no_provider, unsupported, retired or adapter."`
	Status  int    `json:"status,omitempty" doc:"The provider's HTTP status."`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty" doc:"What to do next."`
}

type (
	trialQuery struct {
		CatalogueKey
		Credential string `query:"credential" maxLength:"64" doc:"Id of the credential to test, also a disabled one. Left out: the first that is enabled."`
	}
	trialOutput struct{ Body trial }
)

func shownFailure(f *engine.TrialFailure) *trialFailure {
	if f == nil {
		return nil
	}
	return &trialFailure{f.Class, f.Status, f.Message, f.Hint}
}

func shownTrial(t engine.Trial) *trialOutput {
	out := &trialOutput{trial{OK: t.OK, Simulated: t.Simulated, Models: t.Models, ListedMS: t.ListedMS, Error: shownFailure(t.Failure)}}
	if c := t.Call; c != nil {
		out.Body.Call = &trialCall{c.Model, c.OK, c.LatencyMS, shownFailure(c.Failure)}
	}
	return out
}

func (s *Server) registerTrials() {
	operation(s, huma.Operation{OperationID: "test-provider", Method: http.MethodPost, Path: "/api/v1/providers/{id}/test", Summary: "Test a provider: list its models and make one short call", Description: "Answers 200 whatever the provider said; 'ok' tells. It takes 30 seconds at most. The call is made with the cheapest enabled model of the provider and is billed like any other.", Tags: []string{"providers"}}, s.testProvider)
	operation(s, huma.Operation{OperationID: "test-model", Method: http.MethodPost, Path: "/api/v1/models/{id}/test", Summary: "Test a model: make one short call", Description: "Answers 200 whatever the provider said; 'ok' tells. It takes 30 seconds at most and is billed like any other call.", Tags: []string{"models"}}, s.testModel)
}

func (s *Server) testProvider(ctx context.Context, in *trialQuery) (*trialOutput, error) {
	row, err := s.findProvider(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Trials.TryProvider(requestOf(ctx).ctx, trialOf(ctx, row.AccountID, row.ID, in.Credential))
	if err != nil {
		return nil, err
	}
	return shownTrial(t), nil
}

func (s *Server) testModel(ctx context.Context, in *trialQuery) (*trialOutput, error) {
	m, err := s.findCatalogueModel(ctx, in.CatalogueKey)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Trials.TryModel(requestOf(ctx).ctx, trialOf(ctx, m.AccountID, m.ID, in.Credential))
	if err != nil {
		return nil, err
	}
	return shownTrial(t), nil
}

func trialOf(ctx context.Context, account, id, credential string) engine.TrialRequest {
	rq := requestOf(ctx)
	return engine.TrialRequest{RequestID: rq.id, Principal: rq.principal, AccountID: account, ID: id, Credential: credential}
}
