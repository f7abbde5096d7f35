package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// classOf tells what kind of failure it is: by the error's own code and type, and
// only then by the HTTP status, which says 400 for an unknown model on the Responses
// wire, 429 for a bill that was not paid, and 200 for an error inside a stream.
func classOf(status int, e sdk.Node) abi.Class {
	if class := byCode(e.Get("code").Text(), e); class != abi.ClassNone {
		return class
	}
	if class := byType(e.Get("type").Text(), status); class != abi.ClassNone {
		return class
	}
	if number := e.Get("code").Int(); status < 400 && number >= 400 && number < 600 {
		status = int(number) // vLLM puts the HTTP status there
	}
	if !e.Exists() {
		return chat.ClassOfPage(status)
	}
	class := chat.ClassOfStatus(status)
	if class == abi.ClassInvalid && saysTooLong(e) {
		return abi.ClassContextLength
	}
	return class
}

func byCode(code string, e sdk.Node) abi.Class {
	switch code {
	case "insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "billing_not_active":
		return abi.ClassQuota
	case "context_length_exceeded":
		return abi.ClassContextLength
	case "content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation":
		return abi.ClassContentFilter
	case "invalid_api_key", "account_deactivated", "unsupported_country_region_territory":
		return abi.ClassAuth
	case "model_not_found", "deployment_not_found":
		return abi.ClassNotFound
	case "server_is_overloaded":
		return abi.ClassOverloaded
	case "slow_down", "rate_limit_exceeded":
		// The same code for a request that can never fit the limit; another
		// model may take it, waiting will not help.
		if messageOf(e).Find("Request too large") >= 0 {
			return abi.ClassContextLength
		}
		return abi.ClassRateLimited
	case "server_error":
		// A failed response repeats an overload with this code and the text only.
		if messageOf(e).Mentions("overloaded") {
			return abi.ClassOverloaded
		}
		return abi.ClassServer
	}
	return abi.ClassNone
}

func byType(kind string, status int) abi.Class {
	switch kind {
	case "insufficient_quota":
		return abi.ClassQuota
	case "authentication_error", "permission_error":
		return abi.ClassAuth
	case "not_found_error":
		return abi.ClassNotFound
	case "service_unavailable_error", "overloaded_error":
		return abi.ClassOverloaded
	case "rate_limit_error", "tokens", "requests":
		return abi.ClassRateLimited
	case "server_error", "api_error":
		if status < 400 {
			return abi.ClassServer
		}
	case "invalid_request_error":
		if status < 400 {
			return abi.ClassInvalid
		}
	}
	return abi.ClassNone
}

// saysTooLong knows the wording of compatible servers that have no code for it.
func saysTooLong(e sdk.Node) bool {
	text := messageOf(e)
	return text.Find("maximum context length") >= 0 || text.Find("exceeds the context window") >= 0 ||
		text.Find("exceed context limit") >= 0
}

// typeOf is the error type, as JSON, of a provider that named none.
func typeOf(class abi.Class) string {
	switch class {
	case abi.ClassInvalid, abi.ClassNotFound, abi.ClassContextLength, abi.ClassContentFilter:
		return `"invalid_request_error"`
	case abi.ClassAuth:
		return `"authentication_error"`
	case abi.ClassRateLimited:
		return `"rate_limit_error"`
	case abi.ClassQuota:
		return `"insufficient_quota"`
	case abi.ClassOverloaded:
		return `"service_unavailable_error"`
	}
	return `"server_error"`
}
