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
	class := classify(status, e)
	// OpenAI's own clients go by this header before anything else. What it says yes to
	// was no fault of the request, as a lock that was not had in time (409).
	if class == abi.ClassInvalid && (status == 409 || sdk.Field("x-should-retry") == "true") {
		return abi.ClassServer
	}
	return class
}

func classify(status int, e sdk.Node) abi.Class {
	if class := byCode(string(chat.Word(e.Get("code"))), e); class != abi.ClassNone {
		return class
	}
	if class := byType(string(chat.Word(e.Get("type"))), status); class != abi.ClassNone {
		return class
	}
	if number := e.Get("code").Int(); status < 400 && number >= 400 && number < 600 {
		status = int(number) // vLLM puts the HTTP status there
	}
	if !e.Exists() {
		return chat.ClassOfPage(status)
	}
	class := chat.ClassOfStatus(status)
	if class == abi.ClassInvalid {
		return byWords(e)
	}
	return class
}

func byCode(code string, e sdk.Node) abi.Class {
	switch code {
	case "insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "billing_not_active":
		return abi.ClassQuota
	case "context_length_exceeded", "string_above_max_length":
		return abi.ClassContextLength
	case "content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation",
		"image_content_policy_violation", "invalid_prompt", "bio_policy":
		return abi.ClassContentFilter
	case "invalid_api_key", "account_deactivated", "unsupported_country_region_territory":
		return abi.ClassAuth
	case "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url", "image_too_large",
		"image_too_small", "image_parse_error", "invalid_image_mode", "image_file_too_large",
		"unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found":
		return abi.ClassInvalid // of a failed response, whose status is 200
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
	case "service_unavailable_error", "overloaded_error", "unavailable_error":
		return abi.ClassOverloaded
	case "exceed_context_size_error":
		return abi.ClassContextLength // llama.cpp
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

// byWords is the class of an error that says what it means in words only.
func byWords(e sdk.Node) abi.Class {
	text := messageOf(e)
	for _, words := range tooLong {
		if text.Find(words) >= 0 {
			return abi.ClassContextLength
		}
	}
	for _, words := range otherWire {
		if text.Find(words) >= 0 {
			return abi.ClassNotFound
		}
	}
	return abi.ClassInvalid
}

// tooLong is how servers that have no code for it say that a request is longer than
// the model's context: OpenAI and vLLM, Gemini's endpoint, vLLM, SGLang, llama.cpp and LM Studio.
var tooLong = [...]string{
	"maximum context length", "exceeds the context window", "exceed context limit", "exceeds the maximum number of tokens",
	"longer than the maximum model length", "longer than the model's context length", "exceeds the available context size",
	"context the overflows", "context overflow",
}

// otherWire is how OpenAI says that a model is not there on the wire that was taken:
// to the caller it is a model that cannot be had.
var otherWire = [...]string{"only supported in v1/responses", "not a chat model"}

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
