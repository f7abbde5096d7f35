package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Error implements sdk.Adapter.
func (Adapter) Error() sdk.Result {
	if err := errorOf(sdk.Response()); err != 0 {
		return failure(err, sdk.Status()).Emit()
	}
	class := chat.ClassOfPage(sdk.Status())
	return chat.Failure{Class: class, RetryAfterMS: chat.RetryAfterMS()}.Emit()
}

// errorOf returns the error object of a body, 0 when it holds none. Some paths of
// the API wrap the body in an array.
func errorOf(body sdk.Node) sdk.Node {
	if body.Kind() == abi.KindArray {
		body = body.At(0)
	}
	if err := body.Get("error"); err.Kind() == abi.KindObject {
		return err
	}
	return 0
}

// failure classes an error object (google.rpc.Status with its details). The HTTP
// status says little: a bad key is a 400, an error in a stream comes under 200.
func failure(err sdk.Node, status int) chat.Failure {
	f := chat.Failure{Message: err.Get("message")}
	if code := err.Get("code").Int(); code >= 400 && code <= 599 {
		status = int(code)
	}
	d := readDetails(err.Get("details"))
	says := func(words string) bool { return f.Message.Find(words) >= 0 }
	f.Class = classOf(string(chat.Word(err.Get("status"))), status)
	switch f.Class {
	case abi.ClassInvalid:
		switch {
		case d.badKey, says("API key not valid"), says("API key expired"):
			f.Class = abi.ClassAuth
		case says("exceeds the maximum number of tokens"), says("payload size exceeds"):
			f.Class = abi.ClassContextLength
		}
	case abi.ClassAuth:
		switch {
		case d.unpaid, says("billing"):
			f.Class = abi.ClassQuota
		case d.badKey, says("API key"), err.Get("status").Equal("UNAUTHENTICATED"):
		case says("the File "), says("The File "), says("CachedContent"), namesStored():
			f.Class = abi.ClassInvalid
		}
	case abi.ClassRateLimited:
		if d.used {
			// The delay that comes with it is that of the minute; it does not help.
			f.Class = abi.ClassQuota
			return f
		}
	}
	if f.Class == abi.ClassRateLimited || f.Class == abi.ClassOverloaded || f.Class == abi.ClassServer {
		if f.RetryAfterMS = d.retryAfterMS; f.RetryAfterMS == 0 && sdk.Status() >= 400 {
			f.RetryAfterMS = chat.RetryAfterMS()
		}
	}
	return f
}

// details is what an error's details say that its status does not.
type details struct {
	badKey       bool
	unpaid       bool // the key's project has no billing
	used         bool // a quota of the day is used up, or one that is 0, not one of the minute
	retryAfterMS int64
}

// readDetails goes by the members of each detail: their types have no other
// member of these names.
func readDetails(list sdk.Node) (d details) {
	for i := range min(list.Len(), 32) {
		detail := list.At(i)
		switch reason := detail.Get("reason"); {
		case reason.Equal("API_KEY_INVALID"), reason.Equal("API_KEY_EXPIRED"), reason.Equal("API_KEY_SERVICE_BLOCKED"):
			d.badKey = true
		case reason.Equal("BILLING_DISABLED"):
			d.unpaid = true
		}
		if delay := detail.Get("retryDelay"); chat.IsText(delay) {
			d.retryAfterMS, _ = chat.Seconds(delay.Slice(0, 32).Text())
		}
		violations := detail.Get("violations")
		for j := range min(violations.Len(), 32) {
			v := violations.At(j)
			if v.Get("quotaId").Find("PerDay") >= 0 || v.Get("quotaValue").Equal("0") {
				d.used = true
			}
		}
	}
	return d
}

// classOf goes by the canonical status of Google's APIs, else by the HTTP status.
// FAILED_PRECONDITION is a key that may not be used from here.
func classOf(name string, status int) abi.Class {
	switch name {
	case "INVALID_ARGUMENT", "OUT_OF_RANGE":
		return abi.ClassInvalid
	case "UNAUTHENTICATED", "PERMISSION_DENIED", "FAILED_PRECONDITION":
		return abi.ClassAuth
	case "NOT_FOUND":
		return abi.ClassNotFound
	case "RESOURCE_EXHAUSTED":
		return abi.ClassRateLimited
	case "UNAVAILABLE":
		return abi.ClassOverloaded
	case "INTERNAL", "UNKNOWN", "CANCELLED", "DEADLINE_EXCEEDED", "ABORTED":
		return abi.ClassServer
	}
	return chat.ClassOfStatus(status)
}
