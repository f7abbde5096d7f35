package engine

import (
	"context"
	"errors"
	"time"
)

// Limiter says what the limits allow. Safe for concurrent use.
type Limiter interface {
	// Reserve takes one request, q.Tokens tokens and one place of concurrency from every
	// bucket that applies, or nothing. It waits for a store only where several replicas
	// share the limits and this one holds no part of a bucket yet, or its part is used up and
	// more may be had; never when the store has said that there is none.
	//
	// Errors: *LimitRefusal, or the context's. The caller must settle or cancel the
	// reservation; doing so again does nothing.
	Reserve(ctx context.Context, q *LimitRequest) (LimitReservation, error)
	// Peek says what is left, and takes nothing.
	Peek(q *LimitRequest) LimitState
	// Observe notes what a provider said about its own limits: Reserve honours them for
	// requests with that credential and upstream model.
	Observe(o LimitObservation)
}

// LimitPart says which limits a reservation is about. A pipeline reserves those of the
// caller once for the request, where a refusal is final, and those of the target for each
// attempt, where another target may be free.
type LimitPart uint8

// Parts of the limits that apply.
const (
	LimitOfAll    LimitPart = iota
	LimitOfCaller           // limits that neither name nor are split by a provider or a model
	LimitOfTarget           // the others, and what providers announced
)

// LimitRequest is what a reservation is for. The limiter keeps nothing of it.
type LimitRequest struct {
	Part      LimitPart
	AccountID string
	TeamID    string // may be empty: no limit that names a team or is split by it applies
	UserID    string
	KeyID     string
	// The target; empty for LimitOfCaller. The owners are the rows' accounts, "" for global
	// ones: two accounts' models of one name never share a bucket.
	ProviderOwner string
	ProviderID    string
	ModelOwner    string
	ModelID       string
	UpstreamID    string // upstream model, for what providers announce
	Credential    string // id of the provider's key
	Tokens        int64  // the estimate, prompt and most output; at least 1
	// Now is the time on the limiter's monotonic clock (see Monotonic); 0: it reads it itself.
	Now time.Duration
}

var monotonicOrigin = time.Now()

// Monotonic is the time since the process began, from 1 ns on. No step of the wall clock
// changes it.
func Monotonic() time.Duration { return max(time.Since(monotonicOrigin), 1) }

// LimitReservation is capacity held for a request: a value to be settled or cancelled,
// once, by whoever is first. The zero value holds nothing.
type LimitReservation struct {
	holder LimitHolder
	ticket uint64
}

// LimitHolder is a limiter's side of a reservation. Calls with a ticket that is no
// longer valid do nothing.
type LimitHolder interface {
	SettleLimits(ticket uint64, tokens int64)
	CancelLimits(ticket uint64)
	LimitsLeft(ticket uint64) LimitState
}

// NewLimitReservation is for limiters.
func NewLimitReservation(h LimitHolder, ticket uint64) LimitReservation {
	return LimitReservation{h, ticket}
}

// Settle ends the reservation: of the tokens that were reserved it returns what was not
// used, or takes what was used beyond. The request stays counted; its place in flight is
// free. tokens is what was used, at least 0.
func (r LimitReservation) Settle(tokens int64) {
	if r.holder != nil {
		r.holder.SettleLimits(r.ticket, tokens)
	}
}

// Cancel ends the reservation and returns all of it: the request was not sent.
func (r LimitReservation) Cancel() {
	if r.holder != nil {
		r.holder.CancelLimits(r.ticket)
	}
}

// Left says what is left of the limits that were reserved from; zero after the end.
func (r LimitReservation) Left() LimitState {
	if r.holder == nil {
		return LimitState{}
	}
	return r.holder.LimitsLeft(r.ticket)
}

// LimitState is what is left, of each kind where it is tightest: what the headers
// x-ratelimit-{limit,remaining,reset}-{requests,tokens} say.
type LimitState struct {
	Requests    LimitLeft
	Tokens      LimitLeft
	Concurrency LimitLeft
}

// LimitLeft is what is left of one limit. The zero value: there is none.
type LimitLeft struct {
	Set       bool
	AccountID string // whose limit it is
	LimitID   string
	Limit     int64         // its Amount
	Remaining int64         // 0 or more
	Reset     time.Duration // until all of it is there again
}

// LimitRefusal is why a request may not go out now.
type LimitRefusal struct {
	AccountID string // whose limit it is; "": a global one, or a provider's
	LimitID   string // "": the provider announced it
	Kind      LimitKind
	Amount    int64
	Window    time.Duration
	Remaining int64
	// After is when the same request would be admitted if no other came: 0 where that cannot
	// be known, as for requests in flight.
	After time.Duration
	// TooLarge: it is more than the limit ever holds, so that no waiting helps.
	TooLarge bool
	// Provider is the id of the provider that announced the limit; else empty.
	Provider string
	// Unavailable: the store of the limits cannot be reached, and the configuration says to refuse.
	Unavailable bool
}

// Error says what to do. It is safe to show.
func (r *LimitRefusal) Error() string {
	of := " " + string(r.Kind)
	switch r.Window {
	case time.Second:
		of += " per second"
	case time.Minute:
		of += " per minute"
	case time.Hour:
		of += " per hour"
	case 24 * time.Hour:
		of += " per day"
	}
	if r.Kind == LimitConcurrency {
		of = " requests in flight"
	}
	switch {
	case r.Unavailable:
		return "The rate limits cannot be checked now."
	case r.Provider != "":
		return "Provider " + r.Provider + " announced that its limit of" + of + " is reached."
	case r.TooLarge:
		return "The request is larger than the limit '" + r.LimitID + "' of " + itoa(r.Amount) + of + " ever admits: waiting does not help."
	}
	return "Limit '" + r.LimitID + "' of " + itoa(r.Amount) + of + " is reached."
}

// AsError is the refusal as an answer: 429, or 503 when it is Unavailable.
func (r *LimitRefusal) AsError() *Error {
	e := &Error{Code: CodeRateLimited, Message: r.Error(), After: r.After, Err: r}
	if r.Unavailable {
		e.Status = 503
	}
	return e
}

// AsLimitRefusal returns the refusal in err's chain, nil when there is none.
func AsLimitRefusal(err error) *LimitRefusal {
	var r *LimitRefusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// LimitObservation is what a provider's answer said of the provider's own limits.
type LimitObservation struct {
	ProviderOwner string
	ProviderID    string
	Credential    string
	UpstreamID    string        // the model that it holds for; "": all of that credential
	Requests      AnnouncedLeft // x-ratelimit-*-requests
	Tokens        AnnouncedLeft // x-ratelimit-*-tokens
	RetryAfter    time.Duration // 0: unsaid
	Now           time.Duration // as in LimitRequest
}

// AnnouncedLeft is one announced limit. The zero value: none was announced.
type AnnouncedLeft struct {
	Set       bool
	Limit     int64 // 0: unsaid
	Remaining int64
	Reset     time.Duration // until Limit is there again
}
