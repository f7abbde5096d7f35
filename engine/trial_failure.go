package engine

import (
	"context"
	"strings"

	"github.com/pointsman/pointsman/sdk/abi"
)

// TrialFailure is what went wrong, for an administrator. It holds no part of a credential.
type TrialFailure struct {
	Class   string // a word to branch on: the classes of abi, or connection, timeout, no_credential, unsupported, adapter, retired
	Status  int    // the provider's HTTP status; 0: it gave none
	Message string
	Hint    string // what to do next
}

func brokenAdapter(p *Provider) *TrialFailure {
	return &TrialFailure{Class: "adapter", Message: "The adapter '" + p.Adapter + "' failed.", Hint: "The log has the details."}
}

// unreached is a provider that gave no answer.
func unreached(e *Error) *TrialFailure {
	if e.Code == CodeUpstreamTimeout || e.Code == CodeCanceled {
		return &TrialFailure{Class: "timeout", Message: "The provider did not answer in time.", Hint: "Try again; check 'base_url' and the network."}
	}
	return &TrialFailure{Class: "connection", Message: clean(e.Message), Hint: "Check 'base_url': its name, port and certificate. A tenant's provider must be public and https."}
}

// refusedTrial is what the adapter makes of a bad status.
func refusedTrial(ctx context.Context, adapter Adapter, reply *UpstreamResponse) AdapterReply {
	answer, err := AdapterReply{}, error(nil)
	if reply.Status >= 400 {
		answer, err = adapter.Error(ctx, reply, reply.Body)
	}
	if err != nil {
		answer = AdapterReply{}
	}
	if answer.Failure == nil {
		answer.Failure = &AdapterFailure{}
	}
	return answer
}

func explained(answer AdapterReply, status int) *TrialFailure {
	class := answer.Failure.Class
	if class == abi.ClassNone {
		class = classOf(status)
	}
	f := &TrialFailure{Class: class.Name(), Status: status, Message: clean(answer.Failure.Message), Hint: trialHints[class]}
	if f.Message == "" {
		f.Message = clean(errorShown(answer).Get("message").Text())
	}
	if f.Message == "" {
		f.Message = "The provider answered with status " + itoa(int64(status)) + "."
	}
	return f
}

// maxShown bounds a text of the provider's in a finding, bytes.
const maxShown = 512

var trialHints = map[abi.Class]string{
	abi.ClassAuth:        "The key was refused: check that it is this provider's, and that 'base_url' is its API's.",
	abi.ClassNotFound:    "Check 'base_url' (of OpenAI-compatible servers it ends in /v1) and the model's 'upstream_id'.",
	abi.ClassInvalid:     "Check the model's 'api', 'unsupported' and 'rename', and the provider's 'config'.",
	abi.ClassRateLimited: "The key works, but is limited now. Try again later, or add a second credential.",
	abi.ClassQuota:       "The key works, but its quota is used up: see the provider's billing page.",
	abi.ClassOverloaded:  "The provider is overloaded. Try again later.",
	abi.ClassServer:      "The provider failed. Try again; check 'base_url' and 'adapter'.",
}

// clean is a text of the provider's, safe to show: short, without control characters, and
// without what looks like a key.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, clipText(redact(clipText(text, 8*maxShown)), maxShown))
}
