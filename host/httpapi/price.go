package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
)

// PriceService manages what models cost. Of a price the AccountID says whose it is, "" for
// the global one. Errors of its methods: *engine.Error.
type PriceService interface {
	// ListPrices returns every version that the account sees, the newest first.
	ListPrices(ctx context.Context, p engine.Principal, accountID, modelID string) ([]engine.PriceVersion, error)
	// SetPrice stores a version; zero members of its key are filled in.
	SetPrice(ctx context.Context, p engine.Principal, modelID string, v engine.PriceVersion) (engine.PriceVersion, error)
	// DeletePrice takes back a version that does not hold yet.
	DeletePrice(ctx context.Context, p engine.Principal, accountID, modelID, upstreamID string, from time.Time) error
	// Rerate corrects past rows; the account "" means those of all.
	Rerate(ctx context.Context, p engine.Principal, accountID, modelID string, r engine.Rerating) (engine.Rerated, error)
}

// priceTier is what requests of a size cost.
type priceTier struct {
	AbovePrompt int64 `json:"above_prompt" minimum:"1" maximum:"1099511627776" doc:"Holds for the whole of a request with more prompt tokens than this."`
	ModelPrice
}

// priceVersion is a price from a date on.
type priceVersion struct {
	Version    string      `json:"version" doc:"Its date, which names it in paths."`
	Scope      string      `json:"scope" enum:"global,account" doc:"Whose it is. An account's own price goes before the global one, whatever their dates."`
	AccountID  string      `json:"account_id,omitempty"`
	Provider   string      `json:"provider"`
	UpstreamID string      `json:"upstream_id"`
	From       time.Time   `json:"from"`
	Source     string      `json:"source"`
	Status     string      `json:"status" enum:"in_force,future,past" doc:"past: another one is used in its place now."`
	ModelPrice             // of requests above no tier
	Tiers      []priceTier `json:"tiers,omitempty"`
}

type newPrice struct {
	UpstreamID string     `json:"upstream_id,omitempty" maxLength:"255" doc:"Left out: what serves the model at that date. Its replacement has prices of its own."`
	From       *time.Time `json:"from,omitempty" doc:"From when on it holds; may be to come, or past, when the price was wrong: see rerate. Left out: now."`
	Source     string     `json:"source,omitempty" maxLength:"255" doc:"Where the price is from. Default API."`
	ModelPrice
	Tiers []priceTier `json:"tiers,omitempty" maxItems:"7"`
}

type (
	// PriceKey is the model whose prices are meant. Exported because huma skips embedded
	// structs that are not.
	PriceKey struct {
		ID        string `path:"id" maxLength:"256"`
		AccountID string `query:"account_id" maxLength:"128" doc:"Whose price. Left out: the caller's own account's, for a super admin the global one."`
	}
	priceList struct {
		Body struct {
			Data []priceVersion `json:"data" doc:"The newest first, by upstream id; an account's own before a global one of the same date."`
		}
	}
	createdPrice struct {
		Location string `header:"Location"`
		Body     priceVersion
	}
	newRating struct {
		From   time.Time `json:"from" doc:"Attempts that began then or later."`
		To     time.Time `json:"to" doc:"Attempts that began before."`
		DryRun bool      `json:"dry_run,omitempty" doc:"true: nothing is written."`
		After  string    `json:"after,omitempty" maxLength:"2048" doc:"What 'next' of the answer before said."`
	}
	ratingOutput struct {
		Body struct {
			Rows              int64  `json:"rows" doc:"Attempts of the model that were looked at."`
			Changed           int64  `json:"changed" doc:"Of them, whose cost was, or would be, corrected."`
			Unpriced          int64  `json:"unpriced" doc:"Of them, of whose time no price is known: they stay as they are."`
			Skipped           int64  `json:"skipped" doc:"Of them, that are billed by image, which the ledger does not count: they stay as they are."`
			DifferenceNanoUSD int64  `json:"difference_nano_usd" doc:"Of all corrections, in billionths of a US dollar; less than 0 when too much was billed."`
			DifferenceUSD     string `json:"difference_usd" example:"-1.25"`
			DryRun            bool   `json:"dry_run"`
			Next              string `json:"next,omitempty" doc:"There is more to do: send it as 'after'."`
		}
	}
)

func (s *Server) registerPrices() {
	tag := []string{"models"}
	const path = "/api/v1/models/{id}/prices"
	operation(s, huma.Operation{OperationID: "list-prices", Method: http.MethodGet, Path: path, Summary: "List what a model cost, costs and will cost", Tags: tag}, s.listPrices)
	operation(s, huma.Operation{OperationID: "set-price", Method: http.MethodPost, Path: path, Summary: "Set what a model costs from a date on; it is in force when this returns", Description: "The version of the same date is replaced, all others stay. An account's admin sets the account's own price, which goes before the global one; for a provider of the operator's it may not be below that.", Tags: tag, DefaultStatus: http.StatusCreated}, s.setPrice)
	operation(s, huma.Operation{OperationID: "delete-price", Method: http.MethodDelete, Path: path + "/{version}", Summary: "Take back a price that does not hold yet", Tags: tag, DefaultStatus: http.StatusNoContent}, s.deletePrice)
	operation(s, huma.Operation{OperationID: "rerate", Method: http.MethodPost, Path: path + "/rerate", Summary: "Rate past attempts of a model at the prices known now", Description: "What was billed otherwise is corrected by rows of the kind correction in the ledger; doing it again changes nothing. Up to 100,000 rows of the ledger are read by one call.", Tags: tag}, s.rerate)
}

// priceHome is whose price of whose view of a model is meant.
func (s *Server) priceHome(p engine.Principal, k PriceKey) string {
	account := homeOf(p, k.AccountID)
	if account == "" {
		c := s.cfg.Catalogue()
		if _, ok := c.Model("", k.ID); !ok {
			if _, ok := c.Model(p.AccountID, k.ID); ok {
				return p.AccountID // a model that is not global
			}
		}
	}
	return account
}

func shownVersion(v engine.PriceVersion, now time.Time) priceVersion {
	out := priceVersion{
		Version: v.From.UTC().Format(time.RFC3339Nano), Scope: "global", AccountID: v.AccountID, Provider: v.ProviderID,
		UpstreamID: v.UpstreamID, From: v.From.UTC(), Source: v.Source, Status: "past",
	}
	if v.AccountID != "" {
		out.Scope = "account"
	}
	switch {
	case v.InForce:
		out.Status = "in_force"
	case v.From.After(now):
		out.Status = "future"
	}
	for _, t := range v.Tiers {
		if t.AbovePrompt == 0 {
			out.ModelPrice = *shownPrice(t)
			continue
		}
		out.Tiers = append(out.Tiers, priceTier{t.AbovePrompt, *shownPrice(t)})
	}
	return out
}

func (s *Server) listPrices(ctx context.Context, in *PriceKey) (*priceList, error) {
	rq := requestOf(ctx)
	versions, err := s.cfg.Prices.ListPrices(ctx, rq.principal, s.priceHome(rq.principal, *in), in.ID)
	if err != nil {
		return nil, err
	}
	out := &priceList{}
	out.Body.Data = make([]priceVersion, 0, len(versions))
	for _, v := range versions {
		out.Body.Data = append(out.Body.Data, shownVersion(v, rq.received))
	}
	return out, nil
}

func (s *Server) setPrice(ctx context.Context, in *struct {
	PriceKey
	Body newPrice
}) (*createdPrice, error) {
	rq := requestOf(ctx)
	v := engine.PriceVersion{AccountID: s.priceHome(rq.principal, in.PriceKey), UpstreamID: in.Body.UpstreamID, Source: in.Body.Source}
	if v.Source == "" {
		v.Source = "API"
	}
	if in.Body.From != nil {
		v.From = *in.Body.From
	}
	base, err := in.Body.ModelPrice.amounts("")
	if err != nil {
		return nil, err
	}
	v.Tiers = []engine.Price{base}
	for _, t := range in.Body.Tiers {
		tier, err := t.ModelPrice.amounts("tiers.")
		if err != nil {
			return nil, err
		}
		tier.AbovePrompt = t.AbovePrompt
		v.Tiers = append(v.Tiers, tier)
	}
	if v, err = s.cfg.Prices.SetPrice(ctx, rq.principal, in.ID, v); err != nil {
		return nil, err
	}
	// What is in force, the history says.
	list, err := s.cfg.Prices.ListPrices(ctx, rq.principal, v.AccountID, in.ID)
	if err != nil {
		return nil, err
	}
	for _, stored := range list {
		if stored.AccountID == v.AccountID && stored.UpstreamID == v.UpstreamID && stored.From.Equal(v.From) {
			v = stored
		}
	}
	shown := shownVersion(v, rq.received)
	return &createdPrice{"/api/v1/models/" + in.ID + "/prices/" + shown.Version, shown}, nil
}

func (s *Server) deletePrice(ctx context.Context, in *struct {
	PriceKey
	Version    string `path:"version" maxLength:"64" doc:"The date, as the history has it."`
	UpstreamID string `query:"upstream_id" maxLength:"255" doc:"Needed when two upstream ids of the model have a price of that date."`
}) (*nothing, error) {
	from, err := time.Parse(time.RFC3339Nano, in.Version)
	if err != nil {
		return nil, engine.Errorf(engine.CodeNotFound, "There is no such price: a version is a date, as 2027-01-01T00:00:00Z.")
	}
	p := principalOf(ctx)
	return nil, s.cfg.Prices.DeletePrice(ctx, p, s.priceHome(p, in.PriceKey), in.ID, in.UpstreamID, from)
}

func (s *Server) rerate(ctx context.Context, in *struct {
	PriceKey
	Body newRating
}) (*ratingOutput, error) {
	p := principalOf(ctx)
	account := s.priceHome(p, in.PriceKey)
	r := engine.Rerating{From: in.Body.From, To: in.Body.To, DryRun: in.Body.DryRun}
	scope := scopeOfList("rerate", p, []any{account, in.ID, r.From.UTC(), r.To.UTC()})
	place, err := s.cursors.place(scope, in.Body.After)
	if err != nil {
		return nil, err
	}
	r.After = parseRatingPlace(place)
	done, err := s.cfg.Prices.Rerate(ctx, p, account, in.ID, r)
	if err != nil {
		return nil, err
	}
	out := &ratingOutput{}
	b := &out.Body
	b.Rows, b.Changed, b.Unpriced, b.Skipped, b.DryRun = done.Rows, done.Changed, done.Unpriced, done.Skipped, r.DryRun
	b.DifferenceNanoUSD, b.DifferenceUSD = done.DifferenceNanoUSD, engine.FormatUSD(done.DifferenceNanoUSD)
	if done.More {
		b.Next = s.cursors.next(scope, formatRatingPlace(done.Next))
	}
	return out, nil
}

// noPrices is the service of a server that was given none.
type noPrices struct{}

var errNoPrices = engine.Errorf(engine.CodeNotFound, "There are no prices.")

func (noPrices) ListPrices(context.Context, engine.Principal, string, string) ([]engine.PriceVersion, error) {
	return nil, errNoPrices
}
func (noPrices) SetPrice(_ context.Context, _ engine.Principal, _ string, v engine.PriceVersion) (engine.PriceVersion, error) {
	return v, errNoPrices
}
func (noPrices) DeletePrice(context.Context, engine.Principal, string, string, string, time.Time) error {
	return errNoPrices
}
func (noPrices) Rerate(context.Context, engine.Principal, string, string, engine.Rerating) (engine.Rerated, error) {
	return engine.Rerated{}, errNoPrices
}

// A place in a rating is "account row"; the id of a row has no space.
func formatRatingPlace(p engine.RatingPlace) string { return p.AccountID + " " + p.RowID }

func parseRatingPlace(text string) (p engine.RatingPlace) {
	if at := strings.LastIndexByte(text, ' '); at >= 0 {
		p.AccountID, p.RowID = text[:at], text[at+1:]
	}
	return p
}
