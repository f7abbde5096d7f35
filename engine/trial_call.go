package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"

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
	sent      bool // the last request went out, so that its prompt may be billed
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
	reply, failure := x.exchange(ctx, &Request{ID: x.RequestID, Operation: abi.OperationList, Received: x.now}, Target{}, nil)
	if failure != nil {
		return nil, failure
	}
	data := reply.Get("data")
	if data.Kind() != abi.KindArray {
		return nil, &TrialFailure{Class: abi.ClassServer.Name(), Status: http.StatusOK, Message: "The provider answered with something else than a list of models.",
			Hint: "Check 'base_url' and 'adapter'."}
	}
	models := make([]string, 0, min(data.Len(), trialModels))
	for _, m := range data.Elements() {
		if len(models) == trialModels {
			break
		}
		if id := clean(m.Get("id").Text()); id != "" {
			models = append(models, id)
		}
	}
	return models, nil
}

// call makes the one short call and settles it.
func (x *trial) call(ctx context.Context, m Model) *TrialCall {
	began := time.Now()
	out := &TrialCall{Model: m.ID}
	served, substituted, ok := m.At(x.now)
	if !ok {
		out.Failure = &TrialFailure{Class: "retired", Message: "The vendor has retired '" + m.UpstreamID + "'.", Hint: "Set 'replacement', or another 'upstream_id'."}
		return out
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
	row := Usage{
		AccountID: x.Principal.AccountID, ID: newID(), RequestID: x.RequestID, Attempt: 1,
		TeamID: x.Principal.TeamID, UserID: x.Principal.UserID, KeyID: x.Principal.KeyID,
		ModelID: served.ID, ProviderID: x.provider.ID, UpstreamID: served.UpstreamID, Substituted: substituted,
		Source: SourceTrial, Decision: SourceTrial + "; " + served.ID + " via " + x.provider.ID,
		Simulated: x.cfg.Upstream.Simulated(x.provider), StartedAt: x.now, Outcome: OutcomeFailed,
	}
	used := meter{completion: operation == abi.OperationEmbeddings}
	r := &Request{ID: x.RequestID, Principal: x.Principal, Operation: operation, Doc: doc, Received: x.now}
	reply, failure := x.exchange(ctx, r, Target{Model: served, Provider: x.provider, Substituted: substituted}, &row)
	if failure == nil && reply.Get("choices").Len() == 0 && reply.Get("data").Len() == 0 {
		failure = &TrialFailure{Class: abi.ClassServer.Name(), Status: row.Status, Message: "The provider answered with something else than a completion.",
			Hint: "Check 'base_url', 'adapter' and the model's 'api'."}
		row.Code = CodeUpstreamFailed
	}
	out.OK, out.Failure, out.LatencyMS = failure == nil, failure, time.Since(began).Milliseconds()
	row.LatencyMS, row.FirstByteMS = out.LatencyMS, out.LatencyMS
	x.settle(ctx, &row, &used, reply, failure, served)
	return out
}

// settle completes and records the row of a call. One that was sent and never answered is
// billed its prompt, as elsewhere.
func (x *trial) settle(ctx context.Context, row *Usage, used *meter, reply document.Node, failure *TrialFailure, m Model) {
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
	case x.sent && (failure.Class == "timeout" || errors.Is(ctx.Err(), context.Canceled)):
		row.Tokens, row.Estimated = Tokens{Prompt: trialPrompt}, true
	}
	if row.Tokens != (Tokens{}) || failure == nil {
		price, ok := x.catalogue.Charge(x.AccountID, x.provider.ID, row.UpstreamID, x.now, row.Tokens.Prompt)
		row.charge(price, ok, 0)
	}
	x.cfg.Ledger.Record(*row)
}

// exchange takes one request through adapter and provider. row, if any, learns the status
// and the code of a failure. The node is absent with a failure.
func (x *trial) exchange(ctx context.Context, r *Request, t Target, row *Usage) (_ document.Node, failure *TrialFailure) {
	p := x.provider
	t.Provider, x.sent = p, false
	if row == nil {
		row = &Usage{}
	}
	defer func() {
		if v := recover(); v != nil {
			zerolog.Ctx(ctx).Error().Str("request_id", r.ID).Str("provider", p.ID).Str("panic", fmt.Sprint(v)).Bytes("stack", debug.Stack()).Msg("panic in a trial contained")
			row.Code, failure = CodeInternal, brokenAdapter(p)
		}
	}()
	row.Code = CodePluginFailed
	manifest, err := x.cfg.Adapters.AdapterManifest(p.AccountID, p.Adapter)
	if err != nil {
		return document.Node{}, brokenAdapter(p)
	}
	in := AdapterAttempt{RequestID: r.ID, Attempt: 1, NowMS: x.now.UnixMilli(), Config: p.ConfigNode(), Call: callDocument(r, t, 1).Root()}
	if r.Doc != nil {
		in.Request = r.Doc.Root()
	}
	adapter, err := x.cfg.Adapters.OpenAdapter(p.AccountID, p.Adapter, in)
	if err != nil {
		return document.Node{}, brokenAdapter(p)
	}
	defer adapter.Close()
	request, err := adapter.Request(ctx)
	switch {
	case CodeOf(err) == CodeInvalid, err == nil && r.Operation == abi.OperationList && request.Method != http.MethodGet:
		row.Code = CodeInvalid
		return document.Node{}, &TrialFailure{Class: "unsupported", Message: "The adapter '" + p.Adapter + "' cannot do this.", Hint: "Test a model of the provider instead."}
	case err != nil:
		return document.Node{}, brokenAdapter(p)
	}
	u := &UpstreamRequest{Provider: p, Auth: ManifestAuth{Scheme: "bearer"}, Request: request, Total: x.cfg.Total}
	if deadline, ok := ctx.Deadline(); ok {
		u.Total = max(time.Until(deadline), time.Millisecond)
	}
	if m := manifest.Provider; m != nil {
		u.Auth, u.Headers = m.Auth, m.Headers
	}
	if x.Credential != "" {
		u.Credential = x.Credential
	}
	reply, err := x.cfg.Upstream.Do(ctx, u)
	x.sent = !errors.Is(err, ErrUnsent)
	if err != nil {
		row.Code = asError(err).Code
		return document.Node{}, unreached(asError(err))
	}
	defer reply.Close()
	row.Status = reply.Status
	if reply.Status < 200 || reply.Status > 299 {
		row.Code = CodeUpstreamFailed
		f := refusedTrial(ctx, adapter, reply)
		if len(p.Credentials) == 0 && f.Class == abi.ClassAuth.Name() {
			f.Hint = "This server wants a key: POST one to /api/v1/providers/" + p.ID + "/credentials."
		}
		return document.Node{}, f
	}
	answer, err := adapter.Response(ctx, reply, reply.Body)
	switch {
	case err != nil:
		return document.Node{}, brokenAdapter(p)
	case answer.Failure != nil:
		row.Code = CodeUpstreamFailed
		return document.Node{}, explained(answer, reply.Status)
	case len(answer.Chunks) != 1:
		return document.Node{}, brokenAdapter(p)
	}
	return answer.Chunks[0].Root(), nil
}
