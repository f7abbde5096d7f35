package anthropic

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Error implements sdk.Adapter.
func (Adapter) Error() sdk.Result {
	f := chat.Failure{Class: chat.ClassOfPage(sdk.Status())}
	if err := sdk.Response().Get("error"); err.Kind() == abi.KindObject {
		f = failure(err, sdk.Status())
	}
	f.RetryAfterMS = chat.RetryAfterMS()
	if f.RetryAfterMS == 0 && f.Class == abi.ClassRateLimited {
		f.RetryAfterMS = resetMS()
	}
	return f.Emit()
}

// resetMS is how long it is until every limit that is used up is filled again, in
// milliseconds; 0 when the answer does not say. Anthropic sends it with every answer, beside
// retry-after, which proxies drop.
func resetMS() (ms int64) {
	for _, of := range [...]string{"requests", "tokens", "input-tokens", "output-tokens"} {
		if sdk.Field("anthropic-ratelimit-"+of+"-remaining") != "0" {
			continue
		}
		if at, ok := chat.Timestamp(sdk.Field("anthropic-ratelimit-" + of + "-reset")); ok {
			ms = max(ms, chat.Until(at, sdk.NowMS()))
		}
	}
	return ms
}

// failure classes an error object. Its type comes first: it arrives under other
// statuses than its own, and inside streams under 200.
func failure(err sdk.Node, status int) chat.Failure {
	message := err.Get("message")
	class := classOf(string(chat.Word(err.Get("type"))), status)
	if class == abi.ClassInvalid {
		for _, known := range said {
			if message.Find(known.words) >= 0 {
				class = known.class
				break
			}
		}
	}
	return chat.Failure{Class: class, Message: message}
}

// said is what Anthropic says under invalid_request_error that is no mistake of the
// request (seen up to November 2026).
var said = [...]struct {
	words string
	class abi.Class
}{
	{"prompt is too long", abi.ClassContextLength},
	{"exceed context limit", abi.ClassContextLength},
	{"too many total text bytes", abi.ClassContextLength},
	{"credit balance", abi.ClassQuota},
	{"API usage limits", abi.ClassQuota},
	{"content filtering policy", abi.ClassContentFilter},
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
