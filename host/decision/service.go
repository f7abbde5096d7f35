package decision

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Scope knows what a principal may see, as of rows of the ledger.
type Scope interface {
	// Narrow returns the filter that is left of f: of one account, a user's own or a team's where
	// the principal may see no more. Errors: CodeNotFound for what is not within it.
	Narrow(ctx context.Context, p engine.Principal, f engine.CostFilter) (engine.CostFilter, error)
}

// Replayer tells which rules had which part in a recorded decision.
type Replayer interface {
	// Explained makes the decision again with the rules of that time. Errors: CodeNotFound when they
	// are no longer known; one for which engine.IsUndecided is true, with the steps up to there.
	Explained(ctx context.Context, r *engine.DecisionRecord) (engine.RetoldDecision, error)
}

// Store is what a Service reads and writes.
type Store interface {
	engine.DecisionStore
	engine.DecisionSettingStore
	GetAccount(ctx context.Context, id string) (engine.Account, error)
	ListUsage(ctx context.Context, accountID, requestID string, limit int) ([]engine.Usage, error)
}

// ServiceConfig is what a Service is made of. Rules and Now may be nil.
type ServiceConfig struct {
	Store  Store
	Log    *Log
	Scope  Scope
	Rules  Replayer
	Reload func(ctx context.Context) error // puts a change in force
	Now    func() time.Time
}

// Service shows decisions to those who may see them, as the ledger's rows: users their own,
// team leads their team's, account admins their account's, a super admin each account's. Safe
// for concurrent use.
type Service struct{ cfg ServiceConfig }

// NewService returns the service of that store.
func NewService(cfg ServiceConfig) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg}
}

// flushWait is for how long a reader waits for decisions that are not written yet.
const flushWait = time.Second

// flush writes what waits, so that a caller finds its last request. When that fails, what is
// stored is shown.
func (s *Service) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(engine.WithActor(ctx, engine.Actor{}), flushWait)
	defer cancel()
	_ = s.cfg.Log.Flush(ctx)
}

// Page returns decisions of one account (AccountID "": the principal's own), newest first, after
// what next of the page before said, and where to go on, "" at the end. A page may be short, even
// empty, and not the last. limit is 1–1,000. Errors: CodeNotFound for what the principal may not
// see, CodeInvalid.
func (s *Service) Page(ctx context.Context, p engine.Principal, f engine.DecisionFilter, after string, limit int) (page []engine.DecisionRecord, next string, err error) {
	if f, err = s.narrow(ctx, p, f); err != nil {
		return nil, "", err
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return nil, "", invalid("from", "'from' must be before 'to'.")
	}
	mark, err := parseMark(after)
	if err != nil {
		return nil, "", err
	}
	if after == "" {
		s.flush(ctx)
	}
	rows, last, err := s.cfg.Store.PageDecisions(ctx, f, mark, limit)
	if err != nil {
		return nil, "", err
	}
	page = make([]engine.DecisionRecord, 0, len(rows))
	for i := range rows {
		r, err := rows[i].Decode()
		if err != nil {
			r = bare(&rows[i]) // of a later version: what has columns is known
		}
		page = append(page, r)
	}
	return page, formatMark(last), nil
}

func (s *Service) narrow(ctx context.Context, p engine.Principal, f engine.DecisionFilter) (engine.DecisionFilter, error) {
	n, err := s.cfg.Scope.Narrow(ctx, p, engine.CostFilter{AccountID: f.AccountID, TeamID: f.TeamID, UserID: f.UserID, KeyID: f.KeyID})
	f.AccountID, f.TeamID, f.UserID, f.KeyID = n.AccountID, n.TeamID, n.UserID, n.KeyID
	return f, err
}

// maxAttempts bounds the rows of one request: attempts and corrections of them.
const maxAttempts = 100

// Get returns the newest decision on a request that the principal may see. Errors: CodeNotFound.
func (s *Service) Get(ctx context.Context, p engine.Principal, accountID, requestID string) (engine.RecordedDecision, error) {
	row, err := s.find(ctx, p, accountID, requestID)
	if errors.Is(err, engine.ErrNotFound) {
		s.flush(ctx)
		row, err = s.find(ctx, p, accountID, requestID)
	}
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return engine.RecordedDecision{}, engine.Errorf(engine.CodeNotFound, "There is no record of a decision on that request: it may not have been recorded, or its time is over.")
	case err != nil:
		return engine.RecordedDecision{}, err
	}
	t := engine.RecordedDecision{}
	if t.DecisionRecord, err = row.Decode(); err != nil {
		return engine.RecordedDecision{}, &engine.Error{Code: engine.CodeInternal, Message: "The record cannot be read.", Err: err}
	}
	if t.Usage, err = s.usage(ctx, &t.DecisionRecord); err != nil {
		return engine.RecordedDecision{}, err
	}
	if s.cfg.Rules != nil {
		// What the rules were is the gateway's to look up, whoever asks.
		t.Retold, t.RetoldErr = s.cfg.Rules.Explained(engine.WithActor(ctx, engine.Actor{}), &t.DecisionRecord)
	}
	return t, nil
}

// find looks where the principal may: a team lead also at what it asked for in another team.
func (s *Service) find(ctx context.Context, p engine.Principal, accountID, requestID string) (engine.DecisionRow, error) {
	f, err := s.narrow(ctx, p, engine.DecisionFilter{AccountID: accountID})
	if err != nil {
		return engine.DecisionRow{}, err
	}
	row, err := s.cfg.Store.GetDecision(ctx, f, requestID)
	if errors.Is(err, engine.ErrNotFound) && f.TeamID != "" {
		f.TeamID, f.UserID = "", p.UserID
		row, err = s.cfg.Store.GetDecision(ctx, f, requestID)
	}
	return row, err
}

// usage are the rows of the decision's attempts. Callers may use an id again: others' rows, and
// those of another time, are of another request.
func (s *Service) usage(ctx context.Context, r *engine.DecisionRecord) ([]engine.Usage, error) {
	rows, err := s.cfg.Store.ListUsage(ctx, r.Inputs.Principal.AccountID, r.Inputs.RequestID, maxAttempts)
	if err != nil {
		return nil, err
	}
	from := r.Inputs.At.Add(-time.Second)
	to := r.Inputs.At.Add(time.Duration(r.LatencyMS)*time.Millisecond + time.Minute)
	var kept []engine.Usage
	for i := len(rows) - 1; i >= 0; i-- {
		u := &rows[i]
		if u.UserID == r.Inputs.Principal.UserID && u.KeyID == r.Inputs.Principal.KeyID && !u.StartedAt.Before(from) && u.StartedAt.Before(to) {
			kept = append(kept, *u)
		}
	}
	return kept, nil
}

// bare is what a row tells without its data.
func bare(row *engine.DecisionRow) (r engine.DecisionRecord) {
	r.Detail = engine.DecisionRecorded
	r.Inputs.RequestID, r.Inputs.At, r.Inputs.Hints.SessionID = row.RequestID, row.At, row.SessionID
	r.Inputs.Principal = engine.Principal{AccountID: row.AccountID, TeamID: row.TeamID, UserID: row.UserID, KeyID: row.KeyID}
	r.Decision.Source, r.Variant = row.Source, row.Variant
	r.Served, r.Provider, r.Code, r.CostNanoUSD = row.Model, row.Provider, row.Code, row.CostNanoUSD
	return r
}

func formatMark(m engine.DecisionMark) string {
	if m == (engine.DecisionMark{}) {
		return ""
	}
	return strconv.FormatInt(m.At.UnixMilli(), 10) + " " + m.RequestID
}

func parseMark(text string) (engine.DecisionMark, error) {
	if text == "" {
		return engine.DecisionMark{}, nil
	}
	at, id, ok := strings.Cut(text, " ")
	ms, err := strconv.ParseInt(at, 10, 64)
	if err != nil || !ok {
		return engine.DecisionMark{}, invalid("after", "'after' must be what 'next' said.")
	}
	return engine.DecisionMark{At: time.UnixMilli(ms).UTC(), RequestID: id}, nil
}

func invalid(param, message string) *engine.Error {
	return &engine.Error{Code: engine.CodeInvalid, Param: param, Message: message}
}
