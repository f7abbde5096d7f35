package engine

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// trial is one test under way.
type trial struct {
	*TrialService
	TrialRequest
	catalogue *Catalogue
	provider  *Provider
	now       time.Time
	source    string // of the call's row; "": SourceTrial
}

// exchange is how the provider is asked, with that credential.
func (x *trial) exchange(credential string) exchange {
	return exchange{adapters: x.cfg.Adapters, upstream: x.cfg.Upstream, provider: x.provider, credential: credential, now: x.now, total: x.cfg.Total}
}

// hinted is a failure with where a key goes that a keyless server wants.
func (x *trial) hinted(f *TrialFailure) *TrialFailure {
	if f != nil && f.Class == abi.ClassAuth.Name() && len(x.provider.Credentials) == 0 {
		f.Hint = "This server wants a key: POST one to /api/v1/providers/" + x.provider.ID + "/credentials."
	}
	return f
}

// begin finds the credential to use.
func (s *TrialService) begin(c *Catalogue, r TrialRequest, p *Provider) (*trial, *TrialFailure, error) {
	if r.Credential != "" {
		copied := *p
		copied.Credentials = nil
		for _, k := range p.Credentials {
			// Those of a global provider are the operator's to choose from.
			if k.ID == r.Credential && mayWrite(r.Principal, p.AccountID) {
				k.Enabled = true
				copied.Credentials = []Credential{k}
			}
		}
		if copied.Credentials == nil {
			return nil, nil, Errorf(CodeNotFound, "Provider '%s' has no usable credential '%s'.", p.ID, clipText(r.Credential, 64))
		}
		p = &copied
	}
	if !s.cfg.Upstream.HasCredential(p) {
		return nil, &TrialFailure{Class: "no_credential", Message: "Provider '" + p.ID + "' has no credential that is enabled.",
			Hint: "POST one to /api/v1/providers/" + p.ID + "/credentials, or set 'keyless' for a server that needs none."}, nil
	}
	return &trial{TrialService: s, TrialRequest: r, catalogue: c, provider: p, now: s.cfg.Now().UTC()}, nil, nil
}

// cheapest is the enabled model on this provider that costs least; one for embeddings only
// when there is no other, as it says less of the provider.
func (x *trial) cheapest() (best Model, found bool) {
	least, chats := int64(0), false
	for _, m := range x.catalogue.Models(x.AccountID) {
		if m.ProviderID != x.provider.ID || !m.Enabled {
			continue
		}
		served, _, ok := m.At(x.now)
		if !ok {
			continue
		}
		price, ok := x.catalogue.AccountPrice(x.AccountID, m.ProviderID, served.UpstreamID, x.now, 0)
		cost, chat := saturatingAdd(price.Input, price.Output), !m.Has(CapEmbeddings)
		if ok && (!found || chat && !chats || chat == chats && cost < least) {
			best, least, chats, found = m, cost, chat, true
		}
	}
	return best, found
}

// list asks for the ids of the provider's models.
func (x *trial) list(ctx context.Context) ([]string, *TrialFailure) {
	got := x.exchange(x.Credential).do(ctx, &Request{ID: x.RequestID, Operation: abi.OperationList, Received: x.now}, Target{Model: &Model{}})
	if got.failure != nil {
		return nil, x.hinted(got.failure)
	}
	if got.reply.Get("data").Kind() != abi.KindArray {
		return nil, &TrialFailure{Class: abi.ClassServer.Name(), Status: http.StatusOK, Message: "The provider answered with something else than a list of models.",
			Hint: "Check 'base_url' and 'adapter'."}
	}
	return listed(got.reply, trialModels, clean), nil
}

// call makes the one short call and settles it. The row is zero when nothing was tried.
func (x *trial) call(ctx context.Context, m Model) (out *TrialCall, got exchanged, row Usage) {
	began := time.Now()
	out = &TrialCall{Model: m.ID}
	served, substituted, ok := m.At(x.now)
	if !ok {
		out.Failure = &TrialFailure{Class: "retired", Message: "The vendor has retired '" + m.UpstreamID + "'.", Hint: "Set 'replacement', or another 'upstream_id'."}
		return out, got, row
	}
	operation, body := abi.OperationChat, `,"messages":[{"role":"user","content":"Say OK."}],"max_tokens":`+itoa(trialTokens)+`}`
	if served.Has(CapEmbeddings) {
		operation, body = abi.OperationEmbeddings, `,"input":"OK"}`
	}
	text := append(document.AppendString([]byte(`{"model":`), served.UpstreamID), body...)
	doc, err := document.Parse(text, document.Limits{})
	if err != nil {
		panic("engine: trial document: " + err.Error()) // our own syntax around an escaped string
	}
	source := cmp.Or(x.source, SourceTrial)
	row = Usage{
		AccountID: x.Principal.AccountID, ID: newID(), RequestID: x.RequestID, Attempt: 1,
		TeamID: x.Principal.TeamID, UserID: x.Principal.UserID, KeyID: x.Principal.KeyID,
		ModelID: served.ID, ProviderID: x.provider.ID, UpstreamID: served.UpstreamID, Substituted: substituted,
		Source: source, Simulated: x.cfg.Upstream.Simulated(x.provider), StartedAt: x.now, Outcome: OutcomeFailed,
	}
	used := meter{completion: operation == abi.OperationEmbeddings}
	r := &Request{ID: x.RequestID, Principal: x.Principal, Operation: operation, Doc: doc, Received: x.now}
	got = x.exchange(x.Credential).do(ctx, r, Target{Model: &served, Provider: x.provider, Substituted: substituted})
	failure := x.hinted(got.failure)
	row.Status, row.Code = got.status, got.code
	if failure == nil && got.reply.Get("choices").Len() == 0 && got.reply.Get("data").Len() == 0 {
		failure = &TrialFailure{Class: abi.ClassServer.Name(), Status: row.Status, Message: "The provider answered with something else than a completion.",
			Hint: "Check 'base_url', 'adapter' and the model's 'api'."}
		row.Code = CodeUpstreamFailed
	}
	out.OK, out.Failure, out.LatencyMS = failure == nil, failure, time.Since(began).Milliseconds()
	row.LatencyMS, row.FirstByteMS = out.LatencyMS, out.LatencyMS
	x.settle(ctx, &row, &used, got, failure, served)
	return out, got, row
}

// settle completes and records the row of a call. One that was sent and never answered is
// billed its prompt, as elsewhere.
func (x *trial) settle(ctx context.Context, row *Usage, used *meter, got exchanged, failure *TrialFailure, m Model) {
	reply := got.reply
	for _, choice := range reply.Get("choices").Elements() {
		used.output += outputBytes(choice.Get("message"))
	}
	used.read(reply.Get("usage"))
	switch {
	case failure == nil:
		row.Outcome, row.Code, row.PremiumUse = OutcomeOK, "", m.PremiumCenti
		row.Tokens, row.Estimated = used.total(trialPrompt)
	case used.prompt:
		row.Tokens, row.Estimated = used.total(trialPrompt)
	case got.sent && (failure.Class == "timeout" || errors.Is(ctx.Err(), context.Canceled)):
		row.Tokens, row.Estimated = Tokens{Prompt: trialPrompt}, true
	}
	if row.Tokens != (Tokens{}) || failure == nil {
		price, ok := x.catalogue.Charge(x.AccountID, x.provider.ID, row.UpstreamID, x.now, row.Tokens.Prompt)
		row.charge(&price, ok, 0)
	}
	x.cfg.Ledger.Record(*row)
}
