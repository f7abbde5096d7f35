package chat

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Failure is what a provider reported instead of an answer.
type Failure struct {
	Class        abi.Class
	Message      sdk.Node // the provider's words; 0 when it said nothing that can be read
	RetryAfterMS int64    // 0: unsaid
}

// Emit answers an error call: the OpenAI error object and the class.
func (f Failure) Emit() sdk.Result {
	w := NewWriter()
	w.Emit(`{"error":{"message":`)
	if IsText(f.Message) {
		w.Node(f.Message)
	} else {
		w.String(describe(f.Class))
	}
	kind, code := openAI(f.Class)
	w.Emit(`,"type":"`)
	w.Emit(kind)
	w.Emit(`","param":null,"code":`)
	w.Emit(code)
	w.Emit(`}}`)
	w.End()
	sdk.Classify(f.Class, f.RetryAfterMS)
	return sdk.OK
}

// Fail ends a response or event call, which then has no answer.
func (f Failure) Fail() sdk.Result {
	message := describe(f.Class)
	if IsText(f.Message) {
		message = f.Message.Slice(0, abi.MaxMessage).Text()
	}
	sdk.Classify(f.Class, f.RetryAfterMS)
	return sdk.Fail(0, message)
}

// Unreadable ends a response or event call whose body is not what the wire
// promises: not JSON, as a proxy's page, or JSON of another shape.
func Unreadable(what string) sdk.Result {
	sdk.Classify(abi.ClassServer, 0)
	return sdk.Fail(0, what)
}

// ClassOfStatus is the class of an answer that says nothing but its HTTP status.
// 413 counts as a matter of length: another model may have the room.
func ClassOfStatus(status int) abi.Class {
	switch {
	case status == 401 || status == 403:
		return abi.ClassAuth
	case status == 402:
		return abi.ClassQuota
	case status == 404:
		return abi.ClassNotFound
	case status == 413:
		return abi.ClassContextLength
	case status == 429:
		return abi.ClassRateLimited
	case status == 503 || status == 529:
		return abi.ClassOverloaded
	case status >= 400 && status < 500 && status != 408 && status != 499:
		return abi.ClassInvalid
	}
	return abi.ClassServer
}

// ClassOfPage is the class of an answer that is not JSON: a page of something that
// stands before the provider. Of its statuses only those that such a machine
// gives on purpose mean what they say.
func ClassOfPage(status int) abi.Class {
	switch status {
	case 413, 429, 503, 529:
		return ClassOfStatus(status)
	}
	return abi.ClassServer
}

func describe(c abi.Class) string {
	switch c {
	case abi.ClassInvalid:
		return "the provider refused the request as invalid"
	case abi.ClassAuth:
		return "the provider refused the credential"
	case abi.ClassNotFound:
		return "the provider does not know the model"
	case abi.ClassRateLimited:
		return "the provider limits the rate of requests"
	case abi.ClassQuota:
		return "the quota at the provider is used up"
	case abi.ClassOverloaded:
		return "the provider is overloaded"
	case abi.ClassContextLength:
		return "the request is too long for the model"
	case abi.ClassContentFilter:
		return "the provider's content filter refused the request"
	}
	return "the provider failed"
}

// openAI is the error type and the code, as JSON, that OpenAI gives such a failure.
func openAI(c abi.Class) (kind, code string) {
	switch c {
	case abi.ClassInvalid:
		return "invalid_request_error", "null"
	case abi.ClassAuth:
		return "authentication_error", `"invalid_api_key"`
	case abi.ClassNotFound:
		return "invalid_request_error", `"model_not_found"`
	case abi.ClassRateLimited:
		return "rate_limit_error", `"rate_limit_exceeded"`
	case abi.ClassQuota:
		return "insufficient_quota", `"insufficient_quota"`
	case abi.ClassOverloaded:
		return "service_unavailable_error", `"server_is_overloaded"`
	case abi.ClassContextLength:
		return "invalid_request_error", `"context_length_exceeded"`
	case abi.ClassContentFilter:
		return "invalid_request_error", `"content_filter"`
	}
	return "server_error", "null"
}
