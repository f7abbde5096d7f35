package sdk

import "github.com/pointsman/pointsman/sdk/abi"

// Verdict is a rule's answer.
type Verdict int32

// Verdicts. Decided without a [Target] means the rule's own target; Abstain goes on
// with the next rule. A rule rejects through [RejectWith] only.
const (
	Decided  = Verdict(abi.Decided)
	Abstain  = Verdict(abi.Abstain)
	Rejected = Verdict(abi.Reject)
)

// ServeRule registers the function that decides. Call it once, from init.
func ServeRule(decide func() Verdict) { served.decide = decide }

// RejectWith refuses the request with an HTTP status, 400 to 451, and a message
// for the caller, and returns [Rejected].
func RejectWith(status int, message string) Verdict {
	hostFail(int32(status), message)
	return Rejected
}

// Target adds a model to the end of the ranking, best first; at most
// [abi.MaxTargets]. The host drops what the caller may not use.
func Target(id string) { hostTarget(id) }

// TargetNode adds the model that a string node names, as the id of a member of the
// context's "models".
func TargetNode(n Node) { hostTargetNode(int32(n)) }

// Reason says why, for the decision record; the host cuts it at [abi.MaxReason] bytes.
func Reason(s string) { hostReason(s) }

// Tag keeps a label in the decision record; at most [abi.MaxTags].
func Tag(key, value string) { hostTag(key, value) }

// Param proposes a request parameter: "max_tokens" or "reasoning_effort". What the
// caller set wins.
func Param(key, value string) { hostParam(key, value) }
