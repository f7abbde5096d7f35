package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// RatingStore is where past rows are read, and what corrects them is written.
type RatingStore interface {
	// AddUsage also counts the rows against the budgets in force.
	AddUsage(ctx context.Context, rows []Usage) error
	PageUsage(ctx context.Context, q UsageQuery) (rows []Usage, next string, err error)
	ListAccounts(ctx context.Context) ([]Account, error)
	AppendAudit(ctx context.Context) error
}

// How much of the ledger one call rates again, and how much is read and written at a time.
const (
	MaxRerated  = 100_000
	reratePage  = 1_000
	rerateBatch = 500
)

// auditTimeout bounds what is written of an act that is done.
const auditTimeout = 5 * time.Second

// Rerating says which rows of a model are rated again.
type Rerating struct {
	From, To time.Time // From ≤ t < To, by when the attempt began
	DryRun   bool      // nothing is written
	After    RatingPlace
	MaxRows  int // of the ledger that are read, of whatever model; default and at most MaxRerated
}

// RatingPlace is where a rating goes on. The zero value is the beginning.
type RatingPlace struct {
	AccountID string // whose rows come next
	RowID     string // after this one; "": its newest
}

// Rerated is what came of it.
type Rerated struct {
	Rows              int64 // attempts of the model that were looked at
	Changed           int64 // of them, whose cost is corrected
	Unpriced          int64 // of them, of whose time no price is known: they stay as they are
	Skipped           int64 // of them, that cannot be rated again: they were billed by image, before rows had the number of images
	DifferenceNanoUSD int64 // of all corrections; may be negative
	More              bool  // there is more to do, from Next on
	Next              RatingPlace
}

// Rerate rates past attempts of a model at the prices that are known now for the time when
// each began, and writes the difference as a correction: rows themselves are never changed. A
// correction is of its row's time, so that it belongs to the same day, budget and report.
// What is right already, with the corrections made before, is left alone: doing it twice
// changes nothing, also when two do it at once.
//
// accountID says whose rows: "" those of every account, for a super admin.
// Errors: CodeNotFound, CodeForbidden, CodeInvalid.
func (s *PriceService) Rerate(ctx context.Context, p Principal, accountID, modelID string, r Rerating) (done Rerated, err error) {
	m, err := s.model(p, accountID, modelID)
	if err != nil {
		return done, err
	}
	if !mayWrite(p, accountID) {
		return done, Errorf(CodeForbidden, "Only a super admin may rate every account's rows again, and only an admin those of an account.")
	}
	if !r.From.Before(r.To) {
		return done, invalidMember("to", "'to' must be after 'from'.")
	}
	if r.MaxRows <= 0 || r.MaxRows > MaxRerated {
		r.MaxRows = MaxRerated
	}
	prices, err := s.Store.ListPrices(ctx)
	if err != nil {
		return done, err
	}
	accounts := []string{accountID}
	if accountID == "" {
		all, err := s.ledger.ListAccounts(ctx)
		if err != nil {
			return done, err
		}
		accounts = accounts[:0]
		for _, a := range all { // by id
			accounts = append(accounts, a.ID)
		}
	}
	run := rating{s: s, r: r, model: m.ID, prices: NewCatalogue(nil, nil, prices), left: r.MaxRows}
	for _, account := range accounts {
		if account < r.After.AccountID {
			continue
		}
		after := ""
		if account == r.After.AccountID {
			after = r.After.RowID
		}
		if err = run.account(ctx, account, after); err != nil || run.done.More {
			break
		}
	}
	if r.DryRun || err != nil && run.done.Changed == 0 {
		return run.done, err
	}
	// Also of a rating that failed, or whose caller is gone: what it wrote is written.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTimeout)
	defer cancel()
	detail := struct {
		From       time.Time `json:"from"`
		To         time.Time `json:"to"`
		Changed    int64     `json:"changed"`
		Difference int64     `json:"difference_nano_usd"`
	}{r.From.UTC(), r.To.UTC(), run.done.Changed, run.done.DifferenceNanoUSD}
	return run.done, errors.Join(err, s.ledger.AppendAudit(Audited(ctx, s.Now(), accountID, "price.rerate", "price/"+m.ID, detail)))
}

// rating is one call of Rerate.
type rating struct {
	s      *PriceService
	r      Rerating
	model  string
	prices *Catalogue
	left   int // rows that may still be read
	done   Rerated

	moment  []Usage // rows that began at one instant: a row and its corrections do
	pending []Usage // corrections that are not written yet
}

// account rates the rows of one account, the newest first.
func (x *rating) account(ctx context.Context, account, after string) error {
	last := after // of the moments that are done
	x.moment = x.moment[:0]
	for {
		rows, _, err := x.s.ledger.PageUsage(ctx, UsageQuery{AccountID: account, From: x.r.From, To: x.r.To, After: after, Limit: reratePage})
		if err != nil {
			return err
		}
		for _, u := range rows {
			if len(x.moment) > 0 && !u.StartedAt.Equal(x.moment[0].StartedAt) {
				last = x.moment[len(x.moment)-1].ID
				x.rate()
				if x.left <= 0 {
					x.done.More, x.done.Next = true, RatingPlace{account, last}
					return x.write(ctx, 0)
				}
			}
			x.moment = append(x.moment, u)
			x.left--
			after = u.ID
		}
		if err := x.write(ctx, rerateBatch); err != nil {
			return err
		}
		if len(rows) < reratePage {
			x.rate()
			return x.write(ctx, 0)
		}
	}
}

// rate compares each attempt of a moment with what it costs by today's knowledge.
func (x *rating) rate() {
	for i := range x.moment {
		u := &x.moment[i]
		if u.Kind != UsageAttempt || u.ModelID != x.model || u.Tokens == (Tokens{}) {
			continue // without tokens nothing was billed
		}
		x.done.Rows++
		total, corrections := u.CostNanoUSD, 0
		for j := range x.moment {
			if c := &x.moment[j]; c.Kind == UsageCorrection && c.Corrects == u.ID {
				total = saturatingSum(total, c.CostNanoUSD)
				corrections++
			}
		}
		price, known := x.prices.AccountPrice(u.AccountID, u.ProviderID, u.UpstreamID, u.StartedAt, u.Tokens.Prompt)
		switch {
		case !known:
			x.done.Unpriced++
			continue
		case u.Images == 0 && x.hadImages(u):
			x.done.Skipped++
			continue
		}
		difference := saturatingSum(saturatingAdd(price.Cost(u.Tokens), price.Images(u.Images)), -total)
		if difference == 0 {
			continue
		}
		x.done.Changed++
		x.done.DifferenceNanoUSD = saturatingSum(x.done.DifferenceNanoUSD, difference)
		x.pending = append(x.pending, u.correction(corrections, difference, price))
	}
	x.moment = x.moment[:0]
}

// hadImages reports whether the row was billed at more than its tokens cost at the version that
// it was billed at, which had a price for images.
func (x *rating) hadImages(u *Usage) bool {
	for _, p := range x.prices.prices[priceKey{u.PriceOf, u.ProviderID, u.UpstreamID}] { // the highest tier first
		if p.From.Equal(u.PriceFrom) && (p.AbovePrompt == 0 || u.Tokens.Prompt > p.AbovePrompt) {
			return p.PerImage > 0 && u.CostNanoUSD > p.Cost(u.Tokens)
		}
	}
	return false
}

// write stores corrections, if there are more than so many.
func (x *rating) write(ctx context.Context, beyond int) error {
	if len(x.pending) <= beyond {
		return nil
	}
	if !x.r.DryRun {
		for from := 0; from < len(x.pending); from += rerateBatch {
			if err := x.s.ledger.AddUsage(ctx, x.pending[from:min(from+rerateBatch, len(x.pending))]); err != nil {
				return err
			}
		}
	}
	x.pending = x.pending[:0]
	return nil
}

// correction is the row that corrects u, after so many before it. Its id follows from both,
// so that the ledger keeps one of two that were made at once.
func (u *Usage) correction(before int, nanoUSD int64, at Price) Usage {
	sum := sha256.Sum256([]byte("correction\x00" + u.AccountID + "\x00" + u.ID + "\x00" + strconv.Itoa(before)))
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // a UUID of version 8: of our own making (RFC 9562)
	return Usage{
		AccountID: u.AccountID, ID: id.String(), Kind: UsageCorrection, Corrects: u.ID, RequestID: u.RequestID, Attempt: u.Attempt,
		TeamID: u.TeamID, UserID: u.UserID, KeyID: u.KeyID, SessionID: u.SessionID, TaskType: u.TaskType,
		ModelID: u.ModelID, ProviderID: u.ProviderID, UpstreamID: u.UpstreamID, Substituted: u.Substituted, Source: u.Source,
		CostNanoUSD: nanoUSD, PriceFrom: at.From, PriceOf: at.AccountID, Outcome: u.Outcome, Simulated: u.Simulated, StartedAt: u.StartedAt,
	}
}
