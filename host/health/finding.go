package health

import (
	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// finding is what an attempt's outcome says.
type finding uint8

const (
	silent    finding = iota // nothing: the caller left, or the gateway itself failed
	answered                 // well, or it refused what the caller sent
	failed                   // the model, or all that it stands on
	unreached                // no connection came about
	absent                   // the provider has no such model
	refused                  // the credential, or its quota is used up
	limited                  // too many requests
)

func findingOf(o *engine.HealthOutcome) finding {
	switch o.Class {
	case abi.ClassInvalid, abi.ClassContextLength, abi.ClassContentFilter:
		return answered
	case abi.ClassServer, abi.ClassOverloaded:
		return failed
	case abi.ClassNotFound:
		return absent
	case abi.ClassAuth, abi.ClassQuota:
		return refused
	case abi.ClassRateLimited:
		return limited
	}
	switch o.Code {
	case "":
		return answered
	case engine.CodeUpstreamFailed, engine.CodeUpstreamTimeout, engine.CodeUpstreamTruncated, engine.CodeUpstreamOverloaded:
		if o.Unsent {
			return unreached
		}
		return failed
	case engine.CodeRateLimited:
		if o.Status != 0 {
			return limited
		}
	case engine.CodeInvalid, engine.CodeContextLength, engine.CodeContentFilter:
		if o.Status != 0 {
			return answered
		}
	}
	return silent
}

// effect is what a finding does to one subject.
type effect uint8

const (
	ignored effect = iota // not even counted
	counted               // neither good nor bad
	good
	bad
)

// effects are, by finding, those on the provider, the model and the credential.
// See RATIONALE.md, "Who is to blame for a failure?".
var effects = [...][3]effect{
	silent:    {ignored, ignored, ignored},
	answered:  {good, good, good},
	failed:    {bad, bad, bad},
	unreached: {bad, bad, counted},
	absent:    {counted, bad, counted},
	refused:   {counted, counted, bad},
	limited:   {counted, counted, counted},
}

// Places of the subjects of a route.
const (
	atProvider = iota
	atModel
	atCredential
	placeCount
)
