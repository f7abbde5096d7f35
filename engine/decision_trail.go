package engine

import (
	"sync"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// decisionTrail gathers what came of a request's decision. The zero value records nothing.
type decisionTrail struct {
	detail   DecisionDetail
	decideUS int64
	served   Target
	answered bool // by served
	code     Code
	cost     int64
	premium  int64
	tokens   Tokens
}

// noMetadata is what is kept of a request without any: so much may be known of every request.
var noMetadata = []byte("{}")

var decisionRecords = sync.Pool{New: func() any { return new(DecisionRecord) }}

// usualCandidates is how many models most plans look at.
const usualCandidates = 4

// records asks what is to be kept of the request. Only chats and embeddings are decided upon.
func (x *execution) records() {
	if log := x.p.cfg.Decisions; log != nil && x.r.operation() != abi.OperationCountTokens {
		x.record.detail = log.Detail(&x.r.Principal, x.r.ID)
		if x.r.Record = x.record.detail != DecisionUnrecorded; x.r.Record {
			x.seen = x.seenFirst[:0]
		}
	}
}

// counted adds a settled attempt.
func (x *execution) counted(row *Usage, t Target) {
	c := &x.record
	c.code, c.served, c.answered = row.Code, t, row.Code == ""
	c.cost = saturatingAdd(c.cost, row.CostNanoUSD)
	c.premium += row.PremiumUse
	c.tokens.add(row.Tokens)
}

// failedWith notes what the caller is answered, when that is an error.
func (x *execution) failedWith(err error) {
	if err != nil {
		x.record.code = CodeOf(err)
	}
}

// recorded hands the record over, once. It is for the end of the request.
func (x *execution) recorded() {
	c := &x.record
	if c.detail == DecisionUnrecorded {
		return
	}
	d := decisionRecords.Get().(*DecisionRecord)
	targets := d.Targets[:0]
	*d = DecisionRecord{
		Detail: c.detail, Rules: x.plan.decision.Rules, Variant: x.plan.decision.Variant, Decision: x.plan.decision,
		Targets: targets, Skips: x.plan.skips, Considered: x.seen[x.asked:],
		Attempts: x.attempts, Code: c.code, CostNanoUSD: c.cost, PremiumUse: c.premium, Tokens: c.tokens,
		DecideUS: c.decideUS, LatencyMS: x.elapsed().Milliseconds(),
	}
	x.inputs(&d.Inputs)
	for i := range x.plan.targets {
		d.Targets = append(d.Targets, x.plan.targets[i].Model.ID)
	}
	if c.answered {
		d.Served, d.Provider = c.served.Model.ID, c.served.Provider.ID
	}
	c.detail = DecisionUnrecorded
	x.p.cfg.Decisions.Record(d)
	*d = DecisionRecord{Targets: d.Targets}
	decisionRecords.Put(d)
}

// inputs fills what the decision was a function of.
func (x *execution) inputs(in *DecisionInputs) {
	r := x.r
	*in = DecisionInputs{
		RequestID: r.ID, At: r.Received, Principal: r.Principal, Operation: r.operation(), Wire: r.Wire, Stream: r.Stream,
		Model: r.Model, Hints: r.Hints, Features: r.Features, Prefer: r.Prefers(), OwnOnly: r.Policy.RulesOwnOnly(),
		Budget: r.Budget, Session: r.Session,
		Found: x.plan.decision.Found, Searched: x.plan.decision.Searched,
	}
	if x.asked > 0 {
		in.States = x.seen[:x.asked]
	}
	f := &in.Features
	if f.Metadata.Kind() != abi.KindObject {
		in.Metadata = noMetadata
	}
	if x.record.detail == DecisionWithText {
		in.Text = clipText(f.Text, MaxRecordedText)
		if raw := f.Metadata.Raw(); raw != nil && len(raw) <= MaxRecordedMetadata {
			in.Metadata = raw
		}
		if raw := r.Doc.Root().Raw(); len(raw) <= MaxRecordedBody {
			in.Body = raw
		}
	}
	f.Text, f.said, f.Metadata = "", document.Node{}, document.Node{}
}

// considered asks for a candidate's state as it is now, for the record. The models that the
// caller may use are enough: of another one nothing is looked at.
func (r *Request) considered(c *Catalogue, id string) {
	if i, ok := c.account(r.Principal.AccountID).index[id]; ok && i < len(r.Models) && r.Models[i].ID == id {
		r.ModelState(&r.Models[i])
	}
}
