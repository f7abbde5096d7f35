package chat

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Request is the canonical request, read once. A node is 0 when its member is
// absent, null, or one that the target model rejects; a rejected member, and one
// that no field here stands for, has been reported as lossy when it asked for anything.
type Request struct {
	UpstreamID sdk.Node // string
	MaxOutput  int64    // tokens; 0: unknown
	Stream     bool
	MaxTokens  int64 // -1: unset; never more than MaxOutput where that is known
	Choices    int64 // n; 1 when unset

	Temperature      sdk.Node
	TopP             sdk.Node
	TopK             sdk.Node
	Stop             sdk.Node // string or array
	Seed             sdk.Node
	PresencePenalty  sdk.Node
	FrequencyPenalty sdk.Node
	EndUser          sdk.Node // safety_identifier, else user
	ServiceTier      sdk.Node
	Tools            sdk.Node // array; see Toolbox
	ToolChoice       sdk.Node
	Parallel         sdk.Node // parallel_tool_calls
	Format           sdk.Node // response_format; see Answer
	Effort           sdk.Node // reasoning_effort, a word
	KeepTools        bool     // set by an adapter whose wire can confine a required call to some of the tools
	FreeText         bool     // set by an adapter that carries tools whose input is free text
	CacheMarks       bool     // set by an adapter whose wire has cache_control

	call     sdk.Node
	messages sdk.Node
	rejected []byte // names of target.unsupported, each between newlines
	lost     []string
	left     int  // host calls that may still be spent on reading
	further  bool // the body has members that are not known here
}

// Reading stays within a part of the host calls that one entry point has, so that
// a request of nothing but tiny pieces is refused and not a broken plugin.
const (
	readBudget  = 90_000
	pieceCost   = 16 // host calls for a message or a part, reading and writing
	memberCost  = 6
	maxRejected = 64
	maxLost     = abi.MaxLossy - 1
)

// The members that are known here; those that most requests have come first.
const (
	memberModel = iota
	memberMessages
	memberStream
	memberTemperature
	memberMaxTokens
	memberMaxCompletion
	memberTools
	memberToolChoice
	memberMetadata
	memberStreamOptions
	memberTopP
	memberStop
	memberUser
	memberSafety
	memberModels
	memberN
	memberSeed
	memberPresence
	memberFrequency
	memberServiceTier
	memberTopK
	memberParallel
	memberFormat
	memberEffort
	memberCount
)

var memberNames = [memberCount]string{
	memberModel: "model", memberMessages: "messages", memberStream: "stream", memberTemperature: "temperature",
	memberMaxTokens: "max_tokens", memberMaxCompletion: "max_completion_tokens", memberMetadata: "metadata",
	memberStreamOptions: "stream_options", memberTopP: "top_p", memberStop: "stop", memberUser: "user",
	memberSafety: "safety_identifier", memberModels: "models", memberN: "n", memberSeed: "seed",
	memberPresence: "presence_penalty", memberFrequency: "frequency_penalty", memberServiceTier: "service_tier", memberTopK: "top_k",
	memberTools: "tools", memberToolChoice: "tool_choice", memberParallel: "parallel_tool_calls",
	memberFormat: "response_format", memberEffort: "reasoning_effort",
}

// request is the one Request of the call at hand, and rejected its memory: entry
// points run one at a time, and an allocation costs more than eight host calls.
var (
	request  Request
	rejected = make([]byte, 0, 1<<10)
)

// ReadRequest reads the chat body of this call. It is valid until the entry point
// returns. own names further members that the adapter takes with [Request.Own]. The call's
// operation is one that has a chat body: [abi.OperationChat] or [abi.OperationCountTokens].
func ReadRequest(own ...string) *Request {
	call := sdk.Call()
	target := call.Get("target")
	r := &request
	*r = Request{MaxTokens: -1, Choices: 1, call: call, left: readBudget}
	r.UpstreamID = target.Get("upstream_id")
	r.MaxOutput = target.Get("max_output").Int()
	r.readRejected(target.Get("unsupported"))

	body := sdk.Request()
	size := body.Len()
	var nodes [memberCount]sdk.Node
	for i := 0; i < memberCount && size > 0; i++ {
		if n := body.Get(memberNames[i]); n != 0 {
			nodes[i] = n
			size--
		}
	}
	if r.further = size > 0; r.further {
		// The rest are unknown here.
		for name, value := range r.members(body) {
			if !slices.Contains(memberNames[:], name) && !slices.Contains(own, name) {
				r.Lose(name, value)
			}
		}
	}
	r.take(&nodes)
	return r
}

// take fills the fields. Model, models, metadata and stream_options are the
// host's own: routing, hints, and what the caller sees of the usage.
func (r *Request) take(nodes *[memberCount]sdk.Node) {
	r.messages = nodes[memberMessages]
	if n := nodes[memberStream]; n != 0 {
		r.Stream = n.Bool()
	}
	for _, i := range [...]int{memberMaxCompletion, memberMaxTokens} {
		if n := nodes[i]; n != 0 && r.MaxTokens < 0 && n.Kind() == abi.KindNumber {
			r.MaxTokens = n.Int()
		}
	}
	if r.MaxOutput > 0 && r.MaxTokens > r.MaxOutput {
		r.Lossy("max_tokens")
		r.MaxTokens = r.MaxOutput
	}
	if n := nodes[memberN]; n != 0 && n.Kind() == abi.KindNumber {
		r.Choices = n.Int()
	}
	for i, n := range nodes {
		if n == 0 {
			continue
		}
		if to := r.field(i); to != nil {
			if n = r.keep(memberNames[i], n); n != 0 || i != memberSafety {
				*to = n
			}
		}
	}
}

// field is where a member's node belongs; nil for one that is read otherwise.
func (r *Request) field(member int) *sdk.Node {
	switch member {
	case memberTemperature:
		return &r.Temperature
	case memberTopP:
		return &r.TopP
	case memberTopK:
		return &r.TopK
	case memberStop:
		return &r.Stop
	case memberSeed:
		return &r.Seed
	case memberPresence:
		return &r.PresencePenalty
	case memberFrequency:
		return &r.FrequencyPenalty
	case memberUser, memberSafety: // in that order, so that the latter stays
		return &r.EndUser
	case memberServiceTier:
		return &r.ServiceTier
	case memberTools:
		return &r.Tools
	case memberToolChoice:
		return &r.ToolChoice
	case memberParallel:
		return &r.Parallel
	case memberFormat:
		return &r.Format
	case memberEffort:
		return &r.Effort
	}
	return nil
}

// Own returns a member that was named to [ReadRequest]; 0 when it is absent, null
// or rejected by the target.
func (r *Request) Own(name string) sdk.Node {
	if !r.further {
		return 0
	}
	return r.keep(name, sdk.Request().Get(name))
}

// Header returns a header of the caller that the host lets through, as
// "anthropic-beta"; absent when there is none.
func (r *Request) Header(name string) sdk.Node { return r.call.Get("headers").Get(name) }

func (r *Request) readRejected(names sdk.Node) {
	r.rejected = append(rejected[:0], '\n')
	for i := range min(names.Len(), maxRejected) {
		r.rejected = append(names.At(i).AppendText(r.rejected), '\n')
	}
}

// Rejects reports whether the target's model is listed as rejecting the member.
// Two members that it takes one by one, but not together, are listed as "a+b".
func (r *Request) Rejects(name string) bool {
	for rest := r.rejected; len(rest) > len(name); {
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		if string(line) == name {
			return true
		}
		rest = after
	}
	return false
}

// Answer reads response_format: whether the answer is to be JSON, and the schema that
// it is to have, 0 when any object will do.
func (r *Request) Answer() (schema sdk.Node, json bool) {
	if r.Format == 0 {
		return 0, false
	}
	switch kind := r.Format.Get("type"); {
	case kind.Equal("json_object"):
		return 0, true
	case kind.Equal("json_schema"):
		if schema = r.Format.Get("json_schema").Get("schema"); schema.Kind() == abi.KindObject {
			return schema, true
		}
		return 0, true
	}
	return 0, false
}

// StopSequences returns the stop texts as string nodes, in order.
func (r *Request) StopSequences() []sdk.Node {
	if r.Stop == 0 {
		return nil
	}
	switch r.Stop.Kind() {
	case abi.KindString:
		return []sdk.Node{r.Stop}
	case abi.KindArray:
		stops := make([]sdk.Node, 0, 4)
		for i := range r.Stop.Len() {
			stops = append(stops, r.Stop.At(i))
		}
		return stops
	}
	return nil
}

// keep returns the value of a member that a wire may carry, 0 when it is null or
// the target rejects it.
func (r *Request) keep(name string, value sdk.Node) sdk.Node {
	if value == 0 {
		return 0
	}
	kind := value.Kind()
	if kind == abi.KindNull {
		return 0
	}
	if r.Rejects(name) {
		// A sampling member of 1 is every model's default: leaving it out changes nothing.
		if !(kind == abi.KindNumber && value.Float() == 1 && (name == "temperature" || name == "top_p")) {
			r.Lossy(name)
		}
		return 0
	}
	return value
}

// Blank reports whether the string node holds nothing but white space. Texts of
// more than 256 bytes count as not blank.
func Blank(n sdk.Node) bool {
	size := n.ReadText(short[:])
	if size > len(short) {
		return false
	}
	for i, c := range short[:size] {
		switch {
		case c == ' ', '\t' <= c && c <= '\r':
		case c < utf8.RuneSelf:
			return false
		default:
			return len(bytes.TrimSpace(short[i:size])) == 0
		}
	}
	return true
}

// short receives a text that is looked at and not kept.
var short [256]byte
