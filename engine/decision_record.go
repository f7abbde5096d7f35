package engine

import (
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine/document"
)

// DecisionDetail is how much is kept of a decision.
type DecisionDetail uint8

// Details.
const (
	DecisionUnrecorded DecisionDetail = iota // nothing
	DecisionRecorded                         // everything but what people wrote
	DecisionWithText                         // that as well: the text that rules see, metadata, the body
)

// Bounds of a recorded decision.
const (
	MaxRecordedText     = MaxRuleText // bytes of Text
	MaxRecordedBody     = 64 << 10    // bytes of Body: a longer one is left out
	MaxRecordedMetadata = 4 << 10     // bytes of Metadata, likewise
	MaxRecordedStates   = 128
)

// RuleSetRef names the rules that decided: the versions of the global rules and of the
// account's own. 0: not known, or the account has none.
type RuleSetRef struct {
	Global  int64
	Account int64
}

// DecisionInputs are everything that the rules' decision is a function of, besides the rules
// themselves and the models of the catalogue. From them it can be made again: see Replay.
type DecisionInputs struct {
	RequestID string    // also what plugins' random numbers follow from
	At        time.Time // the request's one clock reading
	Principal Principal
	Operation string
	Wire      API
	Stream    bool
	Model     string // as asked for
	Hints     Hints
	// Features without Text and Metadata, which are below where they are kept.
	Features Features
	Prefer   Prefer
	OwnOnly  bool // the caller's policy leaves the global rules out
	Budget   BudgetLeft
	Session  Session
	// States are those of the models that the caller could use, in their order, as rules and
	// plugins read them. Nil when none looked.
	States []RecordedState
	// Found has the PhraseHash of each phrase of the rule set that is in the text, sorted.
	// Searched says that all of its phrases were looked for.
	Found    []uint32
	Searched bool
	// What people wrote; kept with DecisionWithText only.
	Text     string
	Metadata []byte // JSON object; {} when there was none, whatever is kept; nil: not kept
	Body     []byte // canonical
}

// RecordedState is what was known of one model.
type RecordedState struct {
	Model string // catalogue id
	ModelState
}

// DecisionRecord is one request's decision and what came of it.
type DecisionRecord struct {
	Detail DecisionDetail
	Inputs DecisionInputs
	Rules  RuleSetRef
	// Variant is the id of the rollout whose draft decided; "": the live rules.
	Variant  string
	Decision Decision // Found and Rules are in the members above
	// Targets are the models of the plan, best first; Skips what was passed over and why, also on the way.
	Targets []string
	Skips   []Skip
	// Considered are the states of Targets and Skips' models when the plan was made, as far as they
	// are not in Inputs.States.
	Considered []RecordedState
	// What came of it. Usage has a row for each attempt, under the request's id.
	Served      string // catalogue id; "": none
	Provider    string
	Attempts    int
	Code        Code // "": answered
	CostNanoUSD int64
	PremiumUse  int64 // hundredths
	Tokens      Tokens
	DecideUS    int64 // microseconds that decision and envelope took
	LatencyMS   int64 // of the request
}

// DecisionLog keeps decisions. Safe for concurrent use.
type DecisionLog interface {
	// Detail says what is to be recorded of a request; asked once, before the decision. It allocates nothing.
	Detail(p *Principal, requestID string) DecisionDetail
	// Record takes a finished request's record. It copies what it keeps before it returns, and
	// does not block: what it has no room for is dropped and counted.
	Record(r *DecisionRecord)
}

// PhraseHash names a phrase of a mentions call in a record (FNV-1a, 32 bits).
func PhraseHash(phrase string) uint32 {
	h := uint32(2166136261)
	for i := range len(phrase) {
		h = (h ^ uint32(phrase[i])) * 16777619
	}
	return h
}

// RecordedText stands for the text of a request that is made again from its record: what was
// looked for in a text that was not kept.
type RecordedText struct {
	Found []uint32 // sorted
	// Known reports whether the phrase was looked for when the record was made. Nil: none was.
	Known func(phrase string) bool
	// Whole: the text itself was kept, and is in Features.Text; nothing above is needed.
	Whole bool
	// Body: so was the body, and plugins may read it.
	Body bool
	// Metadata: what Features.Metadata holds is all there was.
	Metadata bool
	// Models: somebody looked at the states of the models, and all of them are recorded.
	Models bool
	// Skipped are rules that failed or were suspended then (Decision.Skipped): each of them does so
	// again. Nil: every rule runs.
	Skipped []Skip
	// Plugins are the calls of then (Decision.Plugins): each rule asks the version that it asked
	// then. Where that is no longer stored, or looks at what was not kept, what it answered then counts. Nil: the
	// versions that are active now are asked.
	Plugins []PluginCall
}

// Replay returns the request as it was when the decision was made, for a Decider or an
// Explainer; models are the catalogue's for the account (Catalogue.Models). known is for
// RecordedText. It is of no use for anything but deciding. Errors: *Error with CodeInternal when
// what was recorded does not parse.
func (in *DecisionInputs) Replay(models []Model, known func(phrase string) bool) (*Request, error) {
	doc := noBody()
	if in.Body != nil {
		var err error
		if doc, err = document.Parse(in.Body, document.Limits{}); err != nil {
			return nil, &Error{Code: CodeInternal, Message: "The recorded request cannot be read.", Err: err}
		}
	}
	r := &Request{
		ID: in.RequestID, Principal: in.Principal, Operation: in.Operation, Wire: in.Wire, Stream: in.Stream, Doc: doc,
		Model: in.Model, Hints: in.Hints, Received: in.At, Features: in.Features, Budget: in.Budget, Session: in.Session,
		Policy:   &Policy{PreferVision: in.Prefer.Vision, PreferSpeed: in.Prefer.Speed, PreferCost: in.Prefer.Cost, CustomRulesOnly: in.OwnOnly, StoreText: true},
		Recorded: &RecordedText{Found: in.Found, Whole: in.Text != "", Body: in.Body != nil, Metadata: in.Metadata != nil, Models: in.States != nil},
	}
	if in.Searched {
		r.Recorded.Known = known
	}
	r.Features.Text = in.Text
	if in.Metadata != nil {
		metadata, err := document.Parse(in.Metadata, document.Limits{})
		if err != nil {
			return nil, &Error{Code: CodeInternal, Message: "The recorded metadata cannot be read.", Err: err}
		}
		r.Features.Metadata = metadata.Root()
	}
	r.Models, r.states = in.recorded(models)
	return r, nil
}

// Forget gives the memory of a request of Replay back. It is optional, and the last use of it.
func (in *DecisionInputs) Forget(r *Request) {
	r.ReleaseContext()
	if in.Body != nil {
		r.Doc.Release()
	}
}

// noBody stands for a body that was not kept. It is shared, and never released.
var noBody = sync.OnceValue(func() *document.Doc {
	doc, err := document.Parse([]byte(`{"model":"auto","messages":[]}`), document.Limits{})
	if err != nil {
		panic("engine: empty body: " + err.Error())
	}
	return doc
})

// recorded are the models that the caller could use then, and their states.
func (in *DecisionInputs) recorded(models []Model) ([]Model, modelStates) {
	if in.States == nil {
		return models, nil
	}
	states := make(recordedStates, len(in.States))
	kept := make([]Model, 0, len(in.States))
	for i := range in.States {
		s := &in.States[i]
		states[s.Model] = s.ModelState
		for j := range models {
			if models[j].ID == s.Model {
				kept = append(kept, models[j])
				break
			}
		}
	}
	return kept, states
}

type recordedStates map[string]ModelState

func (s recordedStates) modelState(m *Model) ModelState {
	if state, ok := s[m.ID]; ok {
		return state
	}
	return unmeasured
}

func (recordedStates) health(*Model, *Provider) HealthState { return HealthState{} }
