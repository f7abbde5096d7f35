package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/pointsman/pointsman/engine"
)

// BacktestService decides again on past requests.
type BacktestService interface {
	// RunBacktest adds up what a draft would have changed; progress is called now and then.
	// Errors: *engine.SourceError, *engine.Error; CodeConflict while another one runs here.
	RunBacktest(ctx context.Context, q engine.BacktestQuery, progress func(scanned int64)) (engine.Backtest, error)
}

// noBacktests has no past.
type noBacktests struct{}

func (noBacktests) RunBacktest(context.Context, engine.BacktestQuery, func(int64)) (engine.Backtest, error) {
	return engine.Backtest{}, nil
}

// maxBacktestTime bounds one backtest; backtestSpan is how far it looks back when nobody says.
const (
	maxBacktestTime = 5 * time.Minute
	backtestSpan    = 24 * time.Hour
	progressEvery   = 250 * time.Millisecond
)

type (
	newBacktest struct {
		AccountID string     `json:"account_id,omitempty" maxLength:"128" doc:"Whose rules. Left out: the caller's own; for a super admin the global ones, on every account's requests."`
		Rules     []rule     `json:"rules,omitempty" maxItems:"2000" doc:"All rules of the account as they would be."`
		Version   int64      `json:"version,omitempty" minimum:"1" doc:"Or a version of them that is kept."`
		Plugin    string     `json:"plugin,omitempty" maxLength:"128" doc:"Or another version of a plugin, wherever the rules in force name it."`
		Candidate string     `json:"plugin_version,omitempty" maxLength:"64"`
		From      *time.Time `json:"from,omitempty" doc:"Default: a day before 'to'."`
		To        *time.Time `json:"to,omitempty" doc:"Default: now."`
		Limit     int        `json:"limit,omitempty" minimum:"0" maximum:"1000000" doc:"Of requests."`
	}
	backtest struct {
		Scanned   int64 `json:"scanned" doc:"Records that were looked at."`
		Decided   int64 `json:"decided" doc:"Of them, those on which the draft could decide; what follows is of these."`
		Undecided int64 `json:"undecided" doc:"The draft asks for a text that was not kept."`
		Moved     int64 `json:"moved" doc:"Would go to another model."`
		Refused   int64 `json:"refused" doc:"Of the moved: would get no model."`
		Faults    int64 `json:"faults" doc:"Rules that failed."`
		LimitHits int64 `json:"limit_hits" doc:"Would meet a rate limit that was reached."`
		BudgetHit int64 `json:"budget_hits" doc:"Would meet a budget that was used up."`
		Cut       bool  `json:"cut" doc:"There were more records than the limit."`

		CostWas    int64   `json:"cost_was_nano_usd"`
		CostNow    int64   `json:"cost_now_nano_usd" doc:"The tokens that were used, at the prices of the other models then."`
		CostDelta  string  `json:"cost_delta_usd"`
		Unpriced   int64   `json:"unpriced" doc:"Moved to a model without a price: in neither cost."`
		PremiumWas float64 `json:"premium_was"`
		PremiumNow float64 `json:"premium_now"`
		LatencyWas float64 `json:"latency_was_ms" doc:"Mean of answered requests."`
		LatencyNow float64 `json:"latency_now_ms" doc:"A moved request is taken to last as long as its new model's others did."`
		LatencyNot int64   `json:"latency_unknown" doc:"Moved to a model that served none: in neither mean."`

		Moves []backtestMove `json:"moves" doc:"Most requests first."`
		Rules []backtestRule `json:"rules" doc:"By id."`
	}
	backtestMove struct {
		From      string   `json:"from" doc:"Empty: no model."`
		To        string   `json:"to" doc:"Empty: no model."`
		Requests  int64    `json:"requests"`
		CostDelta int64    `json:"cost_delta_nano_usd"`
		Examples  []string `json:"examples" doc:"Request ids, for GET /api/v1/decisions/{request_id}."`
	}
	backtestRule struct {
		Rule string `json:"rule" doc:"Its id, or default, pinned, assignment, override."`
		Was  int64  `json:"was"`
		Now  int64  `json:"now"`
	}
	backtestProgress struct {
		Scanned int64 `json:"scanned"`
	}
)

func (s *Server) registerBacktest() {
	const path = "/api/v1/rules/backtest"
	operation(s, huma.Operation{
		OperationID: "backtest-rules", Method: http.MethodPost, Path: path, Summary: "What would other rules have made of past requests?", Tags: []string{"rules"},
		Description: "Decides again on the recorded decisions of a time, with other rules or another version of a plugin. No provider is called. With `Accept: text/event-stream` the answer is a stream of `progress` events and one `backtest`, or `error`, event; who hangs up cancels it.",
	}, s.runBacktest)
	schema := s.api.OpenAPI().Components.Schemas
	s.api.OpenAPI().Paths[path].Post.Responses["200"] = &huma.Response{
		Description: "OK",
		Content: map[string]*huma.MediaType{
			"application/json":  {Schema: huma.SchemaFromType(schema, reflect.TypeFor[backtest]())},
			"text/event-stream": {Schema: huma.SchemaFromType(schema, reflect.TypeFor[backtestProgress]())},
		},
	}
}

func (s *Server) runBacktest(ctx context.Context, in *struct {
	Accept string `header:"Accept" doc:"text/event-stream: progress as it is made."`
	Body   newBacktest
}) (*huma.StreamResponse, error) {
	rq := requestOf(ctx)
	q, err := s.backtestQuery(ctx, rq.principal, &in.Body)
	if err != nil {
		return nil, err
	}
	if strings.Contains(in.Accept, "text/event-stream") {
		return &huma.StreamResponse{Body: func(hctx huma.Context) { s.streamBacktest(humafiber.Unwrap(hctx), rq, q) }}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxBacktestTime)
	defer cancel()
	out, err := s.cfg.Backtests.RunBacktest(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(shownBacktest(out))
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", "application/json")
		_, _ = hctx.BodyWriter().Write(body)
	}}, nil
}

// backtestQuery is what a caller asks, if it may.
func (s *Server) backtestQuery(ctx context.Context, p engine.Principal, b *newBacktest) (q engine.BacktestQuery, err error) {
	q.AccountID = homeOf(p, b.AccountID)
	if accountID(q.AccountID).strange(p) {
		return q, noSuchAccount
	}
	if q.Draft, err = s.draft(ctx, p, q.AccountID, b.Rules, b.Version, b.Plugin, b.Candidate); err != nil {
		return q, err
	}
	q.To = s.cfg.Now().Add(time.Millisecond) // which is not part of the span
	if b.To != nil {
		q.To = *b.To
	}
	q.From = q.To.Add(-backtestSpan)
	if b.From != nil {
		q.From = *b.From
	}
	if !q.From.Before(q.To) {
		return q, invalid("from", "'from' must be before 'to'.")
	}
	q.Limit = b.Limit
	return q, nil
}

// draft is what a body wants tried: rules, a version of rules, or a version of a plugin.
func (s *Server) draft(ctx context.Context, p engine.Principal, account string, rules []rule, version int64, plugin, candidate string) (d engine.RuleDraft, err error) {
	given := 0
	for _, is := range [...]bool{rules != nil, version > 0, plugin != ""} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return d, invalid("rules", "One of 'rules', 'version' and 'plugin' is needed.")
	case plugin != "":
		if candidate == "" {
			return d, invalid("plugin_version", "'plugin_version' is needed beside 'plugin'.")
		}
		d.Plugin, d.Version = plugin, candidate
		return d, nil
	case version > 0:
		set, err := s.cfg.RuleSets.GetRuleSet(ctx, p, account, version)
		d.Rules = set.Rules
		return d, err
	}
	d.Rules = make([]engine.Rule, 0, len(rules))
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	for i := range rules {
		r := rules[i].stored(account)
		r.CreatedAt, r.UpdatedAt = now, now
		d.Rules = append(d.Rules, r)
	}
	return d, nil
}

// streamBacktest answers with progress, then the outcome.
func (s *Server) streamBacktest(c *fiber.Ctx, rq *request, q engine.BacktestQuery) {
	fctx := c.Context()
	h := &fctx.Response.Header
	h.SetContentType("text/event-stream; charset=utf-8")
	h.Set(fiber.HeaderCacheControl, "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx: do not collect events
	ctx, cancel := context.WithTimeout(context.Background(), maxBacktestTime)
	source := &backtestStream{cancel: cancel, scanned: make(chan int64, 1), ended: make(chan backtestEnd, 1)}
	go func() {
		defer func() {
			if v := recover(); v != nil {
				s.panicked(rq, v)
				source.ended <- backtestEnd{err: &engine.Error{Code: engine.CodeInternal, Message: "Internal error."}}
			}
		}()
		out, err := s.cfg.Backtests.RunBacktest(ctx, q, source.progress)
		source.ended <- backtestEnd{out, err}
	}()
	rq.streaming = true
	fctx.Response.SetBodyStream(s.newEventStream(rq, source, eventFraming{}, fctx.Conn(), func() {}), -1)
}

// backtestEnd is what a backtest ended with.
type backtestEnd struct {
	backtest engine.Backtest
	err      error
}

// backtestStream is a backtest's events. It implements engine.Stream.
type backtestStream struct {
	cancel  context.CancelFunc
	scanned chan int64 // the newest progress that nobody has read
	ended   chan backtestEnd
	told    time.Time // of the last progress
	over    bool
	framed  []byte
}

// progress does not wait: what is not read gives way to what is newer.
func (b *backtestStream) progress(scanned int64) {
	select {
	case <-b.scanned:
	default:
	}
	b.scanned <- scanned
}

// Next returns one event, framed.
func (b *backtestStream) Next(ctx context.Context) ([]byte, error) {
	for !b.over {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case end := <-b.ended:
			b.over = true
			if end.err != nil {
				return b.frame("error", struct {
					Message string `json:"message"`
				}{failureOf(end.err).message})
			}
			return b.frame("backtest", shownBacktest(end.backtest))
		case n := <-b.scanned:
			if time.Since(b.told) < progressEvery {
				continue
			}
			b.told = time.Now()
			return b.frame("progress", backtestProgress{n})
		}
	}
	return nil, io.EOF
}

func (b *backtestStream) frame(name string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	b.framed = append(append(append(b.framed[:0], "event: "...), name...), '\n')
	b.framed = appendEvent(b.framed, text)
	return b.framed, nil
}

// Close implements engine.Stream: it cancels what still runs.
func (b *backtestStream) Close() { b.cancel() }

func shownBacktest(b engine.Backtest) backtest {
	out := backtest{
		Scanned: b.Scanned, Decided: b.Decided, Undecided: b.Undecided, Moved: b.Moved, Refused: b.Refused, Faults: b.Faults,
		LimitHits: b.LimitHits, BudgetHit: b.BudgetHit, Cut: b.Cut,
		CostWas: b.CostWas, CostNow: b.CostNow, CostDelta: engine.FormatUSD(b.CostNow - b.CostWas), Unpriced: b.Unpriced,
		PremiumWas: float64(b.PremiumWas) / 100, PremiumNow: float64(b.PremiumNow) / 100,
		LatencyWas: b.LatencyWasMS, LatencyNow: b.LatencyNowMS, LatencyNot: b.LatencyUnknown,
		Moves: shownMoves(b.Moves), Rules: []backtestRule{},
	}
	for _, r := range b.Rules {
		out.Rules = append(out.Rules, backtestRule{r.Source, r.Was, r.Now})
	}
	return out
}

func shownMoves(moves []engine.BacktestMove) []backtestMove {
	out := []backtestMove{}
	for _, m := range moves {
		out = append(out, backtestMove{m.From, m.To, m.Requests, m.CostDelta, append([]string{}, m.Examples...)})
	}
	return out
}
