package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// Calculator knows what requests would cost; *engine.Pipeline is one.
type Calculator interface {
	// Calculate asks nobody and spends nothing. nil: tokens are estimated from the request.
	Calculate(ctx context.Context, r *engine.Request, given *engine.Calculated) ([]engine.Calculation, error)
}

// noCalculator knows of no model.
type noCalculator struct{}

func (noCalculator) Calculate(context.Context, *engine.Request, *engine.Calculated) ([]engine.Calculation, error) {
	return nil, nil
}

type newCalculation struct {
	Wire    string            `json:"wire,omitempty" enum:"chat,messages,responses,embeddings" doc:"What 'request' is written in. Default chat."`
	Request json.RawMessage   `json:"request,omitempty" doc:"A body as it would be sent. Its prompt is counted, and models that cannot take it are marked."`
	Tokens  *calculatedTokens `json:"tokens,omitempty" doc:"The tokens, where they are known; they go before what 'request' would be estimated at."`
	Models  []string          `json:"models,omitempty" maxItems:"200" doc:"Only these."`
}

type calculatedTokens struct {
	Prompt       int64  `json:"prompt" minimum:"0" maximum:"1099511627776"`
	Cached       int64  `json:"cached,omitempty" minimum:"0" maximum:"1099511627776" doc:"Of prompt."`
	CacheWrite   int64  `json:"cache_write,omitempty" minimum:"0" maximum:"1099511627776" doc:"Of prompt."`
	CacheWrite1h int64  `json:"cache_write_1h,omitempty" minimum:"0" maximum:"1099511627776" doc:"Of prompt."`
	Completion   *int64 `json:"completion,omitempty" minimum:"0" maximum:"1099511627776" doc:"Left out: between what an answer usually has and what each model writes at most."`
	Reasoning    int64  `json:"reasoning,omitempty" minimum:"0" maximum:"1099511627776" doc:"Of completion."`
	Images       int64  `json:"images,omitempty" minimum:"0" maximum:"100000"`
}

type calculation struct {
	Model       string  `json:"model"`
	Provider    string  `json:"provider"`
	UpstreamID  string  `json:"upstream_id"`
	Substituted bool    `json:"substituted"`
	Usable      bool    `json:"usable" doc:"It could be asked now, as far as is known before asking."`
	Reason      string  `json:"reason,omitempty" doc:"Why it is not usable: capability, context, no_credential, unpriced, budget, …"`
	Detail      string  `json:"detail,omitempty"`
	Premium     float64 `json:"premium_requests"`

	Price  *calculatedPrice `json:"price" doc:"null when no price is known, which is not free."`
	Tokens *tokens          `json:"tokens,omitempty" doc:"What is assumed."`
	Images int64            `json:"images,omitempty"`

	CostNanoUSD *int64 `json:"cost_nano_usd" doc:"Billionths of a US dollar; null when no price is known."`
	CostUSD     string `json:"cost_usd,omitempty" example:"0.0125"`
	// The most that the answer may be.
	MostCompletion int64  `json:"most_completion,omitempty" doc:"The longest answer that is asked for, or that the model writes."`
	MostNanoUSD    *int64 `json:"most_nano_usd" doc:"What it costs then."`
	MostUSD        string `json:"most_usd,omitempty"`
}

type calculatedPrice struct {
	Version     string `json:"version,omitempty" doc:"Its date; left out for the ceiling."`
	Scope       string `json:"scope" enum:"global,account,ceiling" doc:"ceiling: no price of it is known, and it costs what the dearest one does."`
	AbovePrompt int64  `json:"above_prompt,omitempty" doc:"Of the tier."`
	ModelPrice
}

type calculationList struct {
	Body struct {
		Data []calculation `json:"data" doc:"The cheapest first, without a price last."`
	}
}

func (s *Server) registerCalculate() {
	operation(s, huma.Operation{
		OperationID: "calculate-cost", Method: http.MethodPost, Path: "/api/v1/costs/calculate", Summary: "What would a request cost on each model?",
		Description: "Asks no provider and spends nothing. Tokens are estimates unless they are given.", Tags: []string{"costs"},
	}, s.calculate)
}

func (s *Server) calculate(ctx context.Context, in *struct{ Body newCalculation }) (*calculationList, error) {
	rq, body := requestOf(ctx), in.Body
	if len(body.Request) == 0 && body.Tokens == nil {
		return nil, invalid("request", "One of 'request' and 'tokens' is needed.")
	}
	given, err := body.Tokens.given()
	if err != nil {
		return nil, err
	}
	if len(body.Request) == 0 {
		body.Request = emptyRequests[body.Wire]
	}
	r, release, err := s.written(rq, body.Wire, body.Request, engine.Arrival{ID: rq.id, Principal: rq.principal, Received: rq.received})
	if err != nil {
		return nil, err
	}
	defer release()
	list, err := s.cfg.Calculator.Calculate(ctx, r, given)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, id := range body.Models {
		wanted[id] = true
	}
	out := &calculationList{}
	out.Body.Data = []calculation{}
	for _, c := range list {
		if len(wanted) == 0 || wanted[c.Model.ID] {
			out.Body.Data = append(out.Body.Data, shownCalculation(c))
		}
	}
	return out, nil
}

// written is the request that a body of that wire would be; release must follow its last use.
func (s *Server) written(rq *request, wire string, body json.RawMessage, arrival engine.Arrival) (r *engine.Request, release func(), err error) {
	var d dialect
	switch wire {
	case "", "chat":
		d = chatDialect{}
	case "messages":
		d = s.messagesDialect(rq)
	case "responses":
		d = s.responsesDialect(rq)
	case "embeddings":
		d = embeddingsDialect{}
	}
	doc, err := d.parse(append([]byte(nil), body...))
	if err != nil {
		return nil, nil, inRequest(err)
	}
	d.arrived(&arrival)
	release = func() {
		arrival.Source.Release()
		doc.Release()
	}
	if r, err = engine.NewRequest(doc, arrival); err != nil {
		release()
		return nil, nil, inRequest(err)
	}
	return r, release, nil
}

// emptyRequests stand for a body where only tokens are given.
var emptyRequests = map[string]json.RawMessage{
	"":           json.RawMessage(`{"model":"auto","messages":[{"role":"user","content":"-"}]}`),
	"chat":       json.RawMessage(`{"model":"auto","messages":[{"role":"user","content":"-"}]}`),
	"messages":   json.RawMessage(`{"model":"auto","max_tokens":1,"messages":[{"role":"user","content":"-"}]}`),
	"responses":  json.RawMessage(`{"model":"auto","input":"-"}`),
	"embeddings": json.RawMessage(`{"model":"auto","input":"-"}`),
}

// given is what was said of the tokens; nil for nothing.
func (t *calculatedTokens) given() (*engine.Calculated, error) {
	if t == nil {
		return nil, nil
	}
	out := &engine.Calculated{Open: t.Completion == nil, Images: t.Images, Tokens: engine.Tokens{
		Prompt: t.Prompt, Cached: t.Cached, CacheWrite: t.CacheWrite, CacheWrite1h: t.CacheWrite1h, Reasoning: t.Reasoning,
	}}
	if t.Cached+t.CacheWrite+t.CacheWrite1h > t.Prompt {
		return nil, invalid("tokens.prompt", "'tokens.prompt' is all of the input: cached tokens and those written to a cache are part of it.")
	}
	if t.Completion != nil {
		out.Tokens.Completion = *t.Completion
		if t.Reasoning > *t.Completion {
			return nil, invalid("tokens.completion", "'tokens.completion' is all of the output: reasoning is part of it.")
		}
	}
	return out, nil
}

// inRequest says of an error of a body where that body is.
func inRequest(err error) error {
	f := failureOf(err)
	if f.status != http.StatusBadRequest {
		return err
	}
	param := "request"
	if f.param != "" {
		param += "." + strings.TrimPrefix(f.param, ".")
	}
	return invalid(param, f.message)
}

func shownCalculation(c engine.Calculation) calculation {
	out := calculation{
		Model: c.Model.ID, Provider: c.ProviderID, UpstreamID: c.Model.UpstreamID, Substituted: c.Substituted,
		Usable: c.Skip == nil, Premium: float64(c.PremiumCenti) / 100,
	}
	if c.Skip != nil {
		out.Reason, out.Detail = string(c.Skip.Reason), c.Skip.Detail
	}
	if !c.Priced {
		return out
	}
	price := &calculatedPrice{Scope: "global", AbovePrompt: c.Price.AbovePrompt, ModelPrice: *shownPrice(c.Price)}
	switch {
	case c.Price.Ceiling():
		price.Scope = "ceiling"
	case c.Price.AccountID != "":
		price.Scope = "account"
	}
	if !c.Price.Ceiling() {
		price.Version = c.Price.From.UTC().Format(time.RFC3339Nano)
	}
	assumed := tokens(c.Tokens)
	out.Price, out.Tokens, out.Images = price, &assumed, c.Images
	out.CostNanoUSD, out.CostUSD = &c.NanoUSD, engine.FormatUSD(c.NanoUSD)
	out.MostCompletion, out.MostNanoUSD, out.MostUSD = c.MostCompletion, &c.MostNanoUSD, engine.FormatUSD(c.MostNanoUSD)
	return out
}
