package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine/document"
)

// MaxDecisionData bounds DecisionRow.Data, in bytes: what is longer is none of ours.
const MaxDecisionData = 512 << 10

var (
	errDecisionVersion = errors.New("the decision was recorded in a form that is not known here")
	errDecisionData    = errors.New("the recorded decision cannot be read")
)

// Decode returns the record. It is complete but for what was not kept; strings may share
// memory. Data may be anything: the work and the memory are bounded by its length.
// Errors: one that says that it is no record, or of a later version.
func (row *DecisionRow) Decode() (DecisionRecord, error) {
	if len(row.Data) == 0 || len(row.Data) > MaxDecisionData {
		return DecisionRecord{}, errDecisionData
	}
	if row.Data[0] != decisionVersion && row.Data[0] != decisionVersion1 {
		return DecisionRecord{}, errDecisionVersion
	}
	d := decisionReader{b: row.Data[1:], version: row.Data[0]}
	r := d.record(row)
	if d.bad {
		return DecisionRecord{}, errDecisionData
	}
	if r.Detail == DecisionWithText {
		if err := readWritten(&r.Inputs, d.b); err != nil {
			return DecisionRecord{}, err
		}
	} else if len(d.b) > 0 {
		return DecisionRecord{}, errDecisionData
	}
	return r, nil
}

// decisionReader reads what a decisionWriter wrote. After a fault every read is zero.
type decisionReader struct {
	b       []byte
	version byte
	bad     bool
	seen    [48]string
	n       int
}

func (d *decisionReader) record(row *DecisionRow) (r DecisionRecord) {
	flags := d.count()
	has := func(flag uint64) bool { return flags&flag != 0 }
	known := uint64(hasConsidered<<1 - 1)
	if d.version == decisionVersion1 {
		known = hasWritten<<1 - 1
	}
	if flags > known || has(hasWritten) && has(hasNoMetadata) {
		d.fail()
	}
	r.Detail = DecisionRecorded
	if has(hasWritten) {
		r.Detail = DecisionWithText
	}
	if has(hasNoMetadata) {
		r.Inputs.Metadata = noMetadata
	}
	in, f := &r.Inputs, &r.Inputs.Features
	in.RequestID = row.RequestID
	in.At = row.At.UTC().Truncate(time.Millisecond).Add(time.Duration(min(d.count(), uint64(time.Millisecond)-1)))
	in.Principal = Principal{AccountID: row.AccountID, TeamID: row.TeamID, UserID: row.UserID, KeyID: row.KeyID, KeyName: d.text(), Role: Role(d.text())}
	in.Principal.Scopes = Scopes(min(d.count(), math.MaxUint8))
	in.Operation = d.text()
	in.Wire = API(d.text())
	in.Stream, in.OwnOnly, in.Searched = has(hasStream), has(hasOwnOnly), has(hasSearched)
	in.Prefer = Prefer{Vision: has(hasVision), Speed: has(hasSpeed), Cost: has(hasCost)}
	in.Model = d.text()
	in.Hints = Hints{SessionID: row.SessionID, TaskType: d.text(), AgentID: d.text(), TimeSensitive: has(hasTimeHint), Strict: has(hasStrict)}

	*f = Features{
		Model: in.Model, TaskType: in.Hints.TaskType, HasImage: has(hasImage), HasAudio: has(hasAudio), HasTools: has(hasTools),
		HasCode: has(hasCode), TimeSensitive: has(hasTime), Stream: has(hasFeatureStream), Metadata: document.Node{},
	}
	if has(hasOtherModel) {
		f.Model = d.text()
	}
	if has(hasOtherTask) {
		f.TaskType = d.text()
	}
	f.Chars, f.Tokens, f.Messages, f.Images, f.Command = int(d.number()), d.number(), int(d.number()), d.number(), d.text()
	f.Needs = readTexts[Capability](d)

	in.Budget.PreferCheaper = has(hasCheaper)
	if has(hasBudget) {
		in.Budget.Bounded, in.Budget.NanoUSD, in.Budget.Fraction = true, d.number(), d.fraction()
	}
	if has(hasSession) {
		d.session(in)
	}
	if has(hasStates) {
		in.States = d.states()
	}
	if n := d.length(4, maxRecordedList); n > 0 {
		in.Found = make([]uint32, n)
		for i := range in.Found {
			in.Found[i] = binary.BigEndian.Uint32(d.take(4))
		}
	}

	r.Rules = RuleSetRef{Global: d.number(), Account: d.number()}
	r.Variant = row.Variant
	r.Decision = Decision{
		Source: row.Source, Models: readTexts[string](d), Only: has(hasOnly), Reason: d.text(), Tags: d.pairs(), Params: d.pairs(), Fuel: d.number(),
		Found: in.Found, Searched: in.Searched, Rules: r.Rules, Variant: r.Variant, Continue: has(hasContinue),
	}
	if has(hasAssignment) {
		r.Decision.Assignment = &Assignment{ID: d.text(), Allowed: readTexts[string](d)}
	}
	r.Targets = readTexts[string](d)
	r.Skips = d.skips()
	if has(hasOwnSkipped) {
		r.Decision.Skipped = d.skips()
	} else if n := d.count(); n > uint64(len(r.Skips)) {
		d.fail()
	} else if n > 0 {
		r.Decision.Skipped = r.Skips[:n:n]
	}
	if has(hasPlugins) {
		r.Decision.Plugins = d.plugins()
	}
	if has(hasConsidered) {
		if r.Considered = d.states(); len(r.Considered) == 0 {
			d.fail()
		}
	}

	r.Served, r.Provider, r.Code, r.CostNanoUSD = row.Model, row.Provider, row.Code, row.CostNanoUSD
	r.Attempts, r.PremiumUse = int(d.number()), d.number()
	r.Tokens = Tokens{Prompt: d.number(), Cached: d.number(), CacheWrite: d.number(), CacheWrite1h: d.number(), Completion: d.number(), Reasoning: d.number()}
	r.DecideUS, r.LatencyMS = d.number(), d.number()
	return r
}

func (d *decisionReader) session(in *DecisionInputs) {
	s := &in.Session
	s.SessionKey = SessionKey{AccountID: in.Principal.AccountID, UserID: in.Principal.UserID, ID: in.Hints.SessionID}
	s.Turns, s.Model, s.Agent = d.number(), d.text(), d.text()
	if s.Turns < 1 {
		d.fail()
	}
	at := in.At.UnixMilli()
	s.CreatedAt, s.UpdatedAt, s.ExpiresAt = time.UnixMilli(at+d.number()).UTC(), time.UnixMilli(at+d.number()).UTC(), time.UnixMilli(at+d.number()).UTC()
}

func (d *decisionReader) states() []RecordedState {
	states := make([]RecordedState, d.length(6, MaxRecordedStates))
	for i := range states {
		states[i] = RecordedState{Model: d.text(), ModelState: ModelState{
			Health: d.text(), LatencyMS: d.number(), CostNanoUSD: d.number(), RemainingRequests: d.left(), RemainingTokens: d.left(),
		}}
	}
	return states
}

func (d *decisionReader) plugins() []PluginCall {
	calls := make([]PluginCall, d.length(13, maxRecordedList))
	for i := range calls {
		c := &calls[i]
		c.RuleID, c.Plugin = d.text(), d.text()
		if digest := d.take(8); !bytes.Equal(digest, zeroes[:]) {
			c.Digest = hex.EncodeToString(digest)
		}
		c.Outcome, c.Fuel, c.TookNS = RuleOutcome(d.text()), d.number(), d.number()
	}
	if len(calls) == 0 {
		d.fail()
	}
	return calls
}

func (d *decisionReader) fail() {
	d.bad, d.b = true, nil
}

func (d *decisionReader) count() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decisionReader) number() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decisionReader) left() int64 {
	n := d.number()
	switch {
	case n == 0:
		return NoLimit
	case n > 0:
		return n - 1
	}
	return n
}

func (d *decisionReader) fraction() float64 {
	f := math.Float64frombits(binary.BigEndian.Uint64(d.take(8)))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		d.fail()
		return 0
	}
	return f
}

// zeroes are read after a fault.
var zeroes [8]byte

// take returns the next n bytes, at most eight zeroes after a fault.
func (d *decisionReader) take(n int) []byte {
	if n > len(d.b) {
		d.fail()
		return zeroes[:min(n, len(zeroes))]
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

// length is that of a list whose elements take so many bytes at least.
func (d *decisionReader) length(each, most int) int {
	n := d.count()
	if n > uint64(most) || int(n)*each > len(d.b) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decisionReader) text() string {
	tag := d.count()
	n := tag >> 2
	switch tag & 3 {
	case textItself:
		if n == 0 {
			return ""
		}
		if n > maxRecordedWords || n > uint64(len(d.b)) {
			d.fail()
			return ""
		}
		s := strings.ToValidUTF8(string(d.take(int(n))), "\uFFFD")
		if d.n < len(d.seen) {
			d.seen[d.n] = s
			d.n++
		}
		return s
	case textKnown:
		if n < uint64(len(decisionWords)) {
			return decisionWords[n]
		}
	case textAgain:
		if n < uint64(d.n) {
			return d.seen[n]
		}
	}
	d.fail()
	return ""
}

func readTexts[S ~string](d *decisionReader) []S {
	n := d.length(1, maxRecordedList)
	if n == 0 {
		return nil
	}
	list := make([]S, n)
	for i := range list {
		list[i] = S(d.text())
	}
	return list
}

func (d *decisionReader) pairs() []Pair {
	n := d.length(2, maxRecordedList)
	if n == 0 {
		return nil
	}
	list := make([]Pair, n)
	for i := range list {
		list[i] = Pair{d.text(), d.text()}
	}
	return list
}

func (d *decisionReader) skips() []Skip {
	n := d.length(3, maxRecordedList)
	if n == 0 {
		return nil
	}
	list := make([]Skip, n)
	for i := range list {
		list[i] = Skip{What: d.text(), Reason: SkipReason(d.text()), Detail: d.text()}
	}
	return list
}
