package engine

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// SourceProbe is Usage.Source of the call that a paid probe makes.
const SourceProbe = "probe"

// Bounds of probes.
const (
	probeTimeout = 15 * time.Second
	probeModels  = 10_000 // ids read of a provider's list
	probeRequest = "probe"
)

// Prober asks providers whether they work. Nothing here waits for routing, limits or pauses.
// Make one with NewProber. Safe for concurrent use.
type Prober struct{ trials *TrialService }

// NewProber returns one over the parts of a pipeline. One that only lists needs no Ledger.
func NewProber(cfg TrialConfig) *Prober {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Total <= 0 {
		cfg.Total = probeTimeout
	}
	return &Prober{NewTrialService(cfg)}
}

// ProbeRequest says what is probed.
type ProbeRequest struct {
	Provider   *Provider // as it is in force
	Credential string    // id; "" where the provider has none
	Model      *Model    // of Call
}

// Probe is what a probe found.
type Probe struct {
	Outcome HealthOutcome // its Code is "" when the provider answered well
	// Unsupported: there is no free request to this provider, so that none was sent.
	Unsupported bool
	// Blameless: what failed is none of the provider's, as a plugin that crashed.
	Blameless bool
	// Models are the upstream ids that it lists, the first 10,000; nil when it did not answer.
	Models []string
	// CostNanoUSD is what Call was charged.
	CostNanoUSD int64
}

// List asks for the list of the provider's models, which costs nothing anywhere. A request
// that an adapter makes for it and that is no GET is not sent: it might cost. It takes 15
// seconds at most.
func (p *Prober) List(ctx context.Context, r ProbeRequest) Probe {
	ctx, cancel := context.WithTimeout(ctx, p.trials.cfg.Total)
	defer cancel()
	x := p.begin(r)
	got := x.exchange(r.Credential).do(ctx, &Request{ID: probeRequest, Operation: abi.OperationList, Received: x.now}, Target{Model: &Model{}})
	probe := Probe{Outcome: got.outcome(), Unsupported: got.unmade, Blameless: blameless(got)}
	if got.failure == nil {
		if got.reply.Get("data").Kind() != abi.KindArray {
			probe.Outcome.Code, probe.Outcome.Class, probe.Outcome.FirstByte = CodeUpstreamFailed, abi.ClassServer, 0
			probe.Outcome.Detail = "The provider answered with something else than a list of models."
			return probe
		}
		probe.Models = listed(got.reply, probeModels, func(id string) string { return id })
	}
	return probe
}

// Call makes one short call of the model, which is charged to the account that the provider
// is of and recorded in its ledger with the source "probe".
func (p *Prober) Call(ctx context.Context, r ProbeRequest) Probe {
	ctx, cancel := context.WithTimeout(ctx, p.trials.cfg.Total)
	defer cancel()
	x := p.begin(r)
	called, got, row := x.call(ctx, *r.Model)
	probe := Probe{Outcome: got.outcome(), Blameless: blameless(got), CostNanoUSD: row.CostNanoUSD}
	switch {
	case row.ID == "" || got.unmade: // it is retired, or its adapter cannot
		probe.Unsupported = true
	case called.Failure != nil && got.failure == nil:
		probe.Outcome.Code, probe.Outcome.Class, probe.Outcome.FirstByte = CodeUpstreamFailed, abi.ClassServer, 0
		probe.Outcome.Detail = called.Failure.Message
	}
	return probe
}

// begin is a trial of the gateway's own.
func (p *Prober) begin(r ProbeRequest) *trial {
	return &trial{
		TrialService: p.trials, provider: r.Provider, catalogue: p.trials.cfg.Catalogue(), now: p.trials.cfg.Now().UTC(), source: SourceProbe,
		TrialRequest: TrialRequest{RequestID: probeRequest, AccountID: r.Provider.AccountID, ID: r.Provider.ID, Credential: r.Credential, Principal: Principal{AccountID: r.Provider.AccountID}},
	}
}

// blameless reports whether a failure says nothing of the provider.
func blameless(o exchanged) bool {
	return o.code == CodePluginFailed || o.code == CodeInternal || o.code == CodeCanceled
}

// Cheapest returns the enabled model at a provider, as its account sees it, that costs least
// to call; one for embeddings only when there is no other. ok is false when none has a price.
func (p *Prober) Cheapest(provider *Provider) (m Model, ok bool) {
	return p.begin(ProbeRequest{Provider: provider}).cheapest()
}

// listed is the ids of a list of models, as keep has them; "" leaves one out.
func listed(reply document.Node, most int, keep func(string) string) []string {
	data := reply.Get("data")
	models := make([]string, 0, min(data.Len(), most))
	for _, m := range data.Elements() {
		if len(models) == most {
			break
		}
		if id := keep(m.Get("id").Text()); id != "" {
			models = append(models, id)
		}
	}
	return models
}
