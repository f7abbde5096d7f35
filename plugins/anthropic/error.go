package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Error implements sdk.Adapter.
func (Adapter) Error() sdk.Result {
	if err := sdk.Response().Get("error"); err.Kind() == abi.KindObject {
		f := failure(err, sdk.Status())
		f.RetryAfterMS = chat.RetryAfterMS()
		return f.Emit()
	}
	class := chat.ClassOfPage(sdk.Status())
	return chat.Failure{Class: class, RetryAfterMS: chat.RetryAfterMS()}.Emit()
}

// failure classes an error object. Its type comes first: it arrives under other
// statuses than its own, and inside streams under 200.
func failure(err sdk.Node, status int) chat.Failure {
	message := err.Get("message")
	class := classOf(string(chat.Word(err.Get("type"))), status)
	if class == abi.ClassInvalid {
		switch {
		case message.Find("prompt is too long") >= 0, message.Find("exceed context limit") >= 0:
			class = abi.ClassContextLength
		case message.Find("credit balance") >= 0:
			class = abi.ClassQuota
		case message.Find("content filtering policy") >= 0:
			class = abi.ClassContentFilter
		}
	}
	return chat.Failure{Class: class, Message: message}
}

func classOf(kind string, status int) abi.Class {
	switch kind {
	case "invalid_request_error":
		return abi.ClassInvalid
	case "authentication_error", "permission_error":
		return abi.ClassAuth
	case "billing_error":
		return abi.ClassQuota
	case "not_found_error":
		return abi.ClassNotFound
	case "request_too_large":
		return abi.ClassContextLength
	case "rate_limit_error":
		return abi.ClassRateLimited
	case "overloaded_error":
		return abi.ClassOverloaded
	case "api_error", "timeout_error":
		return abi.ClassServer
	}
	return chat.ClassOfStatus(status)
}
