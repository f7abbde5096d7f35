package engine

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// decisionVersion is the first byte of DecisionRow.Data. Another form, also another
// decisionWords, is another version; those that are stored must stay readable.
const decisionVersion = 2

// Version 1 had neither plugins' calls nor the states of considered models.
const decisionVersion1 = 1

// Flags of a decision.
const (
	hasStream = 1 << iota
	hasOwnOnly
	hasSearched
	hasVision
	hasSpeed
	hasCost
	hasBudget
	hasCheaper
	hasSession
	hasStates
	hasOnly
	hasContinue
	hasAssignment
	hasTimeHint
	hasStrict
	hasImage
	hasAudio
	hasTools
	hasCode
	hasTime
	hasFeatureStream
	hasOtherModel // of the features
	hasOtherTask
	hasOwnSkipped // Decision.Skipped does not begin Skips
	hasNoMetadata // and therefore all of it
	hasWritten    // what people wrote follows

	// Since version 2.
	hasPlugins
	hasConsidered
)

// Bounds of what is kept of a list and of a text in it. More than that no decision of ours has.
const (
	maxRecordedList  = 128
	maxRecordedWords = 512 // bytes
)

// EncodeDecision returns the record's row. Its Data is appended to dst and lacks what people
// wrote: AppendWritten adds that. The row's strings are the record's.
func EncodeDecision(dst []byte, r *DecisionRecord) DecisionRow {
	in := &r.Inputs
	w := decisionWriter{b: append(dst, decisionVersion)}
	w.record(r)
	return DecisionRow{
		AccountID: in.Principal.AccountID, RequestID: in.RequestID, At: in.At, TeamID: in.Principal.TeamID, UserID: in.Principal.UserID,
		KeyID: in.Principal.KeyID, SessionID: in.Hints.SessionID, Source: r.Decision.Source, Model: r.Served, Provider: r.Provider,
		Code: r.Code, Variant: r.Variant, CostNanoUSD: r.CostNanoUSD, Data: w.b,
	}
}

func (r *DecisionRecord) flags() (f uint64) {
	in, d := &r.Inputs, &r.Decision
	for _, flag := range [...]struct {
		set bool
		bit uint64
	}{
		{in.Stream, hasStream}, {in.OwnOnly, hasOwnOnly}, {in.Searched, hasSearched},
		{in.Prefer.Vision, hasVision}, {in.Prefer.Speed, hasSpeed}, {in.Prefer.Cost, hasCost},
		{in.Budget.Bounded, hasBudget}, {in.Budget.PreferCheaper, hasCheaper},
		{in.Session.Turns > 0, hasSession}, {in.States != nil, hasStates},
		{d.Only, hasOnly}, {d.Continue, hasContinue}, {d.Assignment != nil, hasAssignment},
		{in.Hints.TimeSensitive, hasTimeHint}, {in.Hints.Strict, hasStrict},
		{in.Features.HasImage, hasImage}, {in.Features.HasAudio, hasAudio}, {in.Features.HasTools, hasTools},
		{in.Features.HasCode, hasCode}, {in.Features.TimeSensitive, hasTime}, {in.Features.Stream, hasFeatureStream},
		{in.Features.Model != in.Model, hasOtherModel}, {in.Features.TaskType != in.Hints.TaskType, hasOtherTask},
		{!r.beginsSkips(), hasOwnSkipped}, {r.Detail != DecisionWithText && bytes.Equal(in.Metadata, noMetadata), hasNoMetadata}, {r.Detail == DecisionWithText, hasWritten},
		{len(d.Plugins) > 0, hasPlugins}, {len(r.Considered) > 0, hasConsidered},
	} {
		if flag.set {
			f |= flag.bit
		}
	}
	return f
}

// beginsSkips reports whether Skips begin with the decision's own.
func (r *DecisionRecord) beginsSkips() bool {
	own := r.Decision.Skipped
	if len(own) > len(r.Skips) {
		return false
	}
	for i := range own {
		if own[i] != r.Skips[i] {
			return false
		}
	}
	return true
}

// decisionWriter appends a record's members. A text that came before is named by its number.
type decisionWriter struct {
	b    []byte
	seen [48]string
	n    int
}

func (w *decisionWriter) record(r *DecisionRecord) {
	in, d, f := &r.Inputs, &r.Decision, &r.Inputs.Features
	flags := r.flags()
	w.count(flags)
	w.count(uint64(in.At.Nanosecond() % int(time.Millisecond)))
	w.text(in.Principal.KeyName)
	w.text(string(in.Principal.Role))
	w.count(uint64(in.Principal.Scopes))
	w.text(in.Operation)
	w.text(string(in.Wire))
	w.text(in.Model)
	w.text(in.Hints.TaskType)
	w.text(in.Hints.AgentID)

	if flags&hasOtherModel != 0 {
		w.text(f.Model)
	}
	if flags&hasOtherTask != 0 {
		w.text(f.TaskType)
	}
	w.number(int64(f.Chars))
	w.number(f.Tokens)
	w.number(int64(f.Messages))
	w.number(f.Images)
	w.text(f.Command)
	writeTexts(w, f.Needs)

	if flags&hasBudget != 0 {
		w.number(in.Budget.NanoUSD)
		w.b = binary.BigEndian.AppendUint64(w.b, math.Float64bits(in.Budget.Fraction))
	}
	if flags&hasSession != 0 {
		s := &in.Session
		w.number(s.Turns)
		w.text(s.Model)
		w.text(s.Agent)
		for _, t := range [...]time.Time{s.CreatedAt, s.UpdatedAt, s.ExpiresAt} {
			w.number(t.UnixMilli() - in.At.UnixMilli())
		}
	}
	if flags&hasStates != 0 {
		w.states(in.States)
	}
	found := in.Found[:min(len(in.Found), maxRecordedList)]
	w.count(uint64(len(found)))
	for _, hash := range found {
		w.b = binary.BigEndian.AppendUint32(w.b, hash)
	}

	w.number(r.Rules.Global)
	w.number(r.Rules.Account)
	writeTexts(w, d.Models)
	w.text(d.Reason)
	w.pairs(d.Tags)
	w.pairs(d.Params)
	w.number(d.Fuel)
	if flags&hasAssignment != 0 {
		w.text(d.Assignment.ID)
		writeTexts(w, d.Assignment.Allowed)
	}
	writeTexts(w, r.Targets)
	w.skips(r.Skips)
	if flags&hasOwnSkipped != 0 {
		w.skips(d.Skipped)
	} else {
		w.count(uint64(min(len(d.Skipped), maxRecordedList)))
	}
	if flags&hasPlugins != 0 {
		w.plugins(d.Plugins)
	}
	if flags&hasConsidered != 0 {
		w.states(r.Considered)
	}

	w.number(int64(r.Attempts))
	w.number(r.PremiumUse)
	t := &r.Tokens
	for _, n := range [...]int64{t.Prompt, t.Cached, t.CacheWrite, t.CacheWrite1h, t.Completion, t.Reasoning, r.DecideUS, r.LatencyMS} {
		w.number(n)
	}
}

func (w *decisionWriter) states(states []RecordedState) {
	states = states[:min(len(states), MaxRecordedStates)]
	w.count(uint64(len(states)))
	for i := range states {
		s := &states[i]
		w.text(s.Model)
		w.text(s.Health)
		w.number(s.LatencyMS)
		w.number(s.CostNanoUSD)
		w.left(s.RemainingRequests)
		w.left(s.RemainingTokens)
	}
}

func (w *decisionWriter) plugins(calls []PluginCall) {
	calls = calls[:min(len(calls), maxRecordedList)]
	w.count(uint64(len(calls)))
	for i := range calls {
		c := &calls[i]
		w.text(c.RuleID)
		w.text(c.Plugin)
		digest, err := strconv.ParseUint(c.Digest, 16, 64)
		if err != nil {
			digest = 0
		}
		w.b = binary.BigEndian.AppendUint64(w.b, digest)
		w.text(string(c.Outcome))
		w.number(c.Fuel)
		w.number(c.TookNS)
	}
}

func (w *decisionWriter) count(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *decisionWriter) number(n int64) { w.b = binary.AppendVarint(w.b, n) }

// left is a number that is mostly NoLimit.
func (w *decisionWriter) left(n int64) {
	if n == NoLimit {
		w.number(0)
	} else if n >= 0 {
		w.number(n + 1)
	} else {
		w.number(n)
	}
}

// Kinds of a text, in the low bits of what it begins with.
const (
	textItself = iota // so many bytes follow
	textKnown         // of decisionWords
	textAgain         // of the record
)

func (w *decisionWriter) text(s string) {
	s = clipText(s, maxRecordedWords)
	if s == "" {
		w.count(0)
		return
	}
	if i, ok := wordNumber(s); ok {
		w.count(uint64(i)<<2 | textKnown)
		return
	}
	for i := range w.n {
		if w.seen[i] == s {
			w.count(uint64(i)<<2 | textAgain)
			return
		}
	}
	if w.n < len(w.seen) {
		w.seen[w.n] = s
		w.n++
	}
	w.count(uint64(len(s))<<2 | textItself)
	w.b = append(w.b, s...)
}

func writeTexts[S ~string](w *decisionWriter, list []S) {
	list = list[:min(len(list), maxRecordedList)]
	w.count(uint64(len(list)))
	for _, s := range list {
		w.text(string(s))
	}
}

func (w *decisionWriter) pairs(list []Pair) {
	list = list[:min(len(list), maxRecordedList)]
	w.count(uint64(len(list)))
	for i := range list {
		w.text(list[i].Name)
		w.text(list[i].Value)
	}
}

func (w *decisionWriter) skips(list []Skip) {
	list = list[:min(len(list), maxRecordedList)]
	w.count(uint64(len(list)))
	for i := range list {
		w.text(list[i].What)
		w.text(string(list[i].Reason))
		w.text(list[i].Detail)
	}
}
