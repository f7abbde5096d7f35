package engine

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/sdk/abi"
)

// SourceTrial is Usage.Source of the call that a test of a provider or a model makes.
const SourceTrial = "trial"

// Bounds of a trial.
const (
	trialTotal  = 30 * time.Second
	trialModels = 200 // ids shown of a provider's list
	trialTokens = 16  // of the answer; OpenAI's Responses takes no fewer
	trialPrompt = 8   // tokens of the request, when the provider does not count them
)

// TrialConfig is what a TrialService is made of. All of it but Total is required.
type TrialConfig struct {
	Catalogue func() *Catalogue // the snapshot in force
	Adapters  Adapters
	Upstream  Upstream
	Ledger    Ledger
	Now       func() time.Time
	Total     time.Duration // bounds one trial; default 30 s
}

// TrialService tests providers and models as they are in force: it lists a provider's
// models, which is free, and makes one short call, which is settled like any other.
// Nothing here waits for routing, pauses or other credentials. Safe for concurrent use.
type TrialService struct{ cfg TrialConfig }

// NewTrialService returns a service over the parts of a pipeline.
func NewTrialService(cfg TrialConfig) *TrialService {
	if cfg.Total <= 0 {
		cfg.Total = trialTotal
	}
	return &TrialService{cfg}
}

// TrialRequest says what is tested.
type TrialRequest struct {
	RequestID  string
	Principal  Principal
	AccountID  string // whose row; "": a global one
	ID         string // of the provider, or the model
	Credential string // id of the credential to use, also a disabled one; empty: the first enabled
}

// Trial is what a test found. A provider that refused is a finding, not an error.
type Trial struct {
	OK        bool
	Simulated bool
	Models    []string // the first 200 ids that the provider lists; nil when it was not asked, or cannot
	ListedMS  int64
	Call      *TrialCall    // nil: none was made
	Failure   *TrialFailure // why OK is false; nil otherwise
}

// TrialCall is the one short call of a trial.
type TrialCall struct {
	Model     string // catalogue id
	OK        bool
	LatencyMS int64
	Failure   *TrialFailure
}

// TryProvider lists the provider's models and calls the cheapest enabled one that has a price.
// Errors: CodeForbidden, CodeNotFound.
func (s *TrialService) TryProvider(ctx context.Context, r TrialRequest) (Trial, error) {
	c := s.cfg.Catalogue()
	p, ok := c.Provider(r.AccountID, r.ID)
	if !mayRead(r.Principal, r.AccountID) || !ok || p.AccountID != r.AccountID {
		return Trial{}, noSuchProvider(r.ID)
	}
	if !mayWrite(r.Principal, r.AccountID) {
		return Trial{}, forbiddenProvider(r.AccountID)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Total)
	defer cancel()
	x, failure, err := s.begin(c, r, p)
	if err != nil || failure != nil {
		return Trial{Failure: failure}, err
	}
	t := Trial{Simulated: s.cfg.Upstream.Simulated(x.provider)}
	began := time.Now()
	models, listing := x.list(ctx)
	t.ListedMS = time.Since(began).Milliseconds()
	t.Models = models
	if m, ok := x.cheapest(); ok {
		t.Call, _, _ = x.call(ctx, m)
	}
	// A server that cannot list its models may serve them all the same.
	optional := listing != nil && (listing.Class == "unsupported" || listing.Class == abi.ClassNotFound.Name())
	switch {
	case listing != nil && !(optional && t.Call != nil):
		t.Failure = listing
	case t.Call != nil:
		t.Failure = t.Call.Failure
	}
	t.OK = t.Failure == nil
	return t, nil
}

// TryModel makes one short call of the model. Errors: CodeForbidden, CodeNotFound.
func (s *TrialService) TryModel(ctx context.Context, r TrialRequest) (Trial, error) {
	c := s.cfg.Catalogue()
	m, ok := c.Model(r.AccountID, r.ID)
	if !mayRead(r.Principal, r.AccountID) || !ok || m.AccountID != r.AccountID {
		return Trial{}, noSuchModel(r.ID)
	}
	if !mayWrite(r.Principal, r.AccountID) {
		return Trial{}, forbiddenModel(r.AccountID)
	}
	p, ok := c.Provider(r.AccountID, m.ProviderID)
	if !ok {
		return Trial{Failure: &TrialFailure{Class: "no_provider", Message: "There is no provider '" + m.ProviderID + "'.", Hint: "Create it, or move the model to another."}}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Total)
	defer cancel()
	x, failure, err := s.begin(c, r, p)
	if err != nil || failure != nil {
		return Trial{Failure: failure}, err
	}
	t := Trial{Simulated: s.cfg.Upstream.Simulated(x.provider)}
	t.Call, _, _ = x.call(ctx, m)
	t.OK, t.Failure = t.Call.OK, t.Call.Failure
	return t, nil
}
