package httpapi

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/pointsman/pointsman/engine"
)

// Whether to send a request again that failed with a code.
const (
	retryNever = "no"          // the same request fails again
	retryLater = "yes, later"  // after retry-after where it is given, else with growing pauses
	retryReset = "after reset" // when retry-after says, which may be hours off
	retryMaybe = "perhaps"     // the cause may pass, and may not
)

// meaning is what a code says to whoever wrote the client.
type meaning struct {
	code   string
	status int // 0: that of answers
	what   string
	retry  string
	next   string
}

// meanings has every code that the server answers with; a test holds it against engine's list
// and against what this package makes up. The page at /docs and ERRORS.md are made from it.
var meanings = []meaning{
	{string(engine.CodeInvalid), 0, "A member of the body, a parameter or a header is not what the route takes; `param`, or `errors`, names it. A body that does not fit its schema is 422 on the admin API. A provider's own refusal has this code too.", retryNever, "Change what is named and send it again."},
	{string(engine.CodeInvalidJSON), 0, "The body is no JSON, or is nested too deeply.", retryNever, "Send one JSON object."},
	{codeMalformedRequest, http.StatusBadRequest, "The request is not well-formed HTTP, or could be read in two ways (two lengths, folded header lines).", retryNever, "Look at what stands between the client and the server: a proxy may have changed it."},
	{codeRuleCompile, http.StatusBadRequest, "The text of a rule does not compile; `line`, `column` and `caret` say where.", retryNever, "Correct the text at the place. POST /api/v1/rules/check tries it without saving."},
	{string(engine.CodeContextLength), 0, "The request is longer than the context window of every model it may go to.", retryNever, "Shorten or compact the conversation, or name a model with a larger window."},
	{string(engine.CodeContentFilter), 0, "The provider's content filter refused the request.", retryNever, "Change the prompt, or send it to another provider's model."},
	{string(engine.CodeRuleRejected), 0, "A routing rule or its plugin refused the request. The message is its author's, and the status too: 400 to 451.", retryNever, "Do what the message says, or ask who wrote the rule: `x-pointsman-rule` names it."},
	{string(engine.CodeUnauthorized), 0, "There is no key, it is not one of this server, or it was revoked or has expired; or there are two.", retryNever, "Send one key, as `Authorization: Bearer pm_…` or `x-api-key: pm_…`."},
	{string(engine.CodeForbidden), 0, "The key's role does not reach this, or its account or user is suspended.", retryNever, "Use a key of a user with the role that the message names."},
	{scopeCode("inference"), http.StatusForbidden, "The key lacks the scope `inference`.", retryNever, "Use, or make, a key with that scope."},
	{scopeCode("read"), http.StatusForbidden, "The key lacks the scope `read`.", retryNever, "Use, or make, a key with that scope."},
	{scopeCode("manage"), http.StatusForbidden, "The key lacks the scope `manage`.", retryNever, "Use, or make, a key with that scope."},
	{codeCSRF, http.StatusForbidden, "A change in a browser's session came without the session's token.", retryNever, "Send `x-csrf-token` with what GET /ui/session says."},
	{codeCrossOrigin, http.StatusForbidden, "A session's cookie was sent by a page of another origin.", retryNever, "Use a key outside of the dashboard. A proxy in between must pass Host on."},
	{string(engine.CodeModelNotAllowed), 0, "The model exists and the caller's preferences, or those above them, forbid it.", retryNever, "GET /api/v1/preferences/effective says by whom; `auto` lets the gateway choose."},
	{string(engine.CodeNotFound), 0, "There is no such thing, or it is another account's.", retryNever, "Look the id up in its list."},
	{string(engine.CodeModelNotFound), 0, "The catalogue has no such model, or the caller may not know of it.", retryNever, "GET /v1/models lists what the key may use; the message has the nearest names."},
	{codeMethodNotAllowed, http.StatusMethodNotAllowed, "The path is served, with other methods.", retryNever, "The `Allow` header has the methods."},
	{codeRequestTimeout, http.StatusRequestTimeout, "The request did not arrive in time.", retryLater, "Send it again; a large body needs a faster connection."},
	{string(engine.CodeConflict), 0, "It exists already, was changed meanwhile, or something still uses it.", retryNever, "Read it again, then decide."},
	{string(engine.CodeIdempotencyInProgress), 0, "A request with this `Idempotency-Key` is under way.", retryLater, "Send the same request again after `retry-after`: it gets the first one's answer."},
	{string(engine.CodeIdempotencyLost), 0, "The first request with this key was paid for, and its answer cannot be given again: over 1 MiB, or cut off.", retryNever, "A new key makes, and pays for, a new request."},
	{codePrecondition, http.StatusPreconditionFailed, "The row was changed since it had the ETag in `If-Match`.", retryNever, "GET it, apply the change to what it is now, and send that with the new ETag."},
	{string(engine.CodeTooLarge), 0, "The body is larger than the route takes: 32 MiB for completions, 1 MiB for most of the admin API.", retryNever, "Send less."},
	{string(engine.CodeUnsupportedMedia), 0, "The body is not application/json, or it is compressed.", retryNever, "Send plain JSON with `Content-Type: application/json`."},
	{codeRuleCases, http.StatusUnprocessableEntity, "Stored cases would fail with the rules that were sent, so nothing was changed; `cases` has them.", retryNever, "Correct the rules, or the cases if they are no longer right."},
	{string(engine.CodeIdempotencyReused), 0, "The key was used for another request: another route, user or body.", retryNever, "Make a new key for each request."},
	{string(engine.CodeRateLimited), 0, "A rate limit is used up, ours or the provider's, too many requests are in flight, or too many unknown keys came from the caller's address.", retryLater, "Wait as long as `retry-after` says. `x-should-retry: false` means that the request is larger than the limit ever allows."},
	{string(engine.CodeBudgetExceeded), 0, "What the request may cost does not fit into what is left of a hard budget.", retryReset, "Wait for the budget's next period, raise it, or ask for a cheaper model or a smaller `max_tokens`."},
	{string(engine.CodeIdempotencyFull), 0, "The account has more keys in store than it may.", retryLater, "Keys are kept for 24 hours. Send requests without one until some are gone."},
	{codeHeadersTooLarge, http.StatusRequestHeaderFieldsTooLarge, "The request's headers are larger than 16 KiB.", retryNever, "Send fewer or shorter headers; cookies are the usual cause."},
	{string(engine.CodeCanceled), 0, "The client closed the connection. Only logs and usage show it.", retryNever, "Nothing: nobody was there to read it."},
	{string(engine.CodeInternal), 0, "A fault of the server. Its log has the details under the request id.", retryMaybe, "Try once more; if it stays, report the `x-request-id`."},
	{string(engine.CodePluginFailed), 0, "A plugin crashed, ran out of its budget of time or memory, or broke the boundary's rules.", retryMaybe, "`pointsman plugin` and GET /api/v1/plugins/{name}/{version}/logs say why; another model's adapter may work."},
	{string(engine.CodeUpstreamFailed), 0, "The provider could not be reached, or answered with an error or with something unreadable, and no other target was left.", retryMaybe, "Try again, add fallbacks to the rule, or look at GET /api/v1/health."},
	{string(engine.CodeUpstreamTruncated), 0, "The provider ended a stream before its answer was complete. It comes as an error event within the stream.", retryMaybe, "What arrived is not the whole answer: ask again."},
	{string(engine.CodeRuleFailed), 0, "A rule whose `on_failure` is `refuse` failed, or is suspended after failures.", retryLater, "Correct the rule, or let it be skipped (`on_failure: skip`)."},
	{string(engine.CodeUpstreamOverloaded), 0, "The provider is overloaded, or its quota is used up, and no other target was left. 529 on /v1/messages.", retryLater, "Try again after `retry-after`, or add fallbacks of another provider."},
	{string(engine.CodeNoTarget), 0, "No model can serve the request now: down, drained, without a key, or without what the request needs. Or the server cannot write down what it would cost.", retryLater, "The message has the first reason; POST /api/v1/route/explain has all of them."},
	{string(engine.CodeDatabaseUnavailable), 0, "The database does not answer, or every connection to it is in use. Nothing was changed, or a change is not known to have been made. Under /v1: the key cannot be looked up, or its last look-up is too old.", retryLater, "Wait as long as `retry-after` says. Look whether a change was made before you make it again."},
	{string(engine.CodeIdempotencyUnavailable), 0, "The store of idempotency keys does not answer, or too many claims are under way. Nothing was sent.", retryLater, "Send it again, or without the key where paying twice does not matter."},
	{codeOverloaded, http.StatusServiceUnavailable, "The server, or the account's share of it, is full. Nothing was sent. 529 on /v1/messages.", retryLater, "Wait as long as `retry-after` says, with growing pauses."},
	{codeShuttingDown, http.StatusServiceUnavailable, "The server stops. A stream that was open ends with this as an error event.", retryLater, "Send it again: another replica, or the next start, answers."},
	{string(engine.CodeUpstreamTimeout), 0, "The provider did not answer in time.", retryMaybe, "What it had done may be paid for. Try again, or raise the timeouts of `upstream`."},
}

// reference is one row of the table of codes.
type reference struct {
	Code, Meaning, Retry, Next string
	Status                     int
	Type                       string // OpenAI's
	ClaudeStatus               int    // on /v1/messages
	ClaudeType                 string
}

// references returns every code, by status, then code.
func references() []reference {
	list := make([]reference, 0, len(meanings))
	for _, m := range meanings {
		f := failed(m.status, m.code, "")
		if a, ok := answers[engine.Code(m.code)]; ok && m.status == 0 {
			f = &failure{status: a.status, kind: a.kind, code: m.code}
		}
		r := reference{Code: m.code, Meaning: m.what, Retry: m.retry, Next: m.next, Status: f.status, Type: f.kind}
		r.ClaudeStatus, r.ClaudeType = f.anthropic()
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b reference) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Code, b.Code))
	})
	return list
}

// ErrorReference returns the table of error codes as Markdown, which ERRORS.md keeps.
func ErrorReference() []byte {
	var b bytes.Buffer
	b.WriteString("<!-- Written by go test ./host/httpapi -run TestErrorReference -update, from the table in reference.go. DO NOT EDIT. -->\n" +
		"# Error codes\n\n" +
		"Branch on the code: the text of a message may change. `/v1` answers with OpenAI's error object, `/v1/messages` and what is\n" +
		"below it with Anthropic's, which has no member for the code: there the type, and for " + strconv.Itoa(statusOverloaded) + " the status, tell. The admin API\n" +
		"(`/api/v1`) answers with a problem (RFC 9457) that has the code in `code`. Every answer has `x-request-id`.\n\n" +
		"    {\"error\": {\"message\": \"…\", \"type\": \"rate_limit_error\", \"param\": null, \"code\": \"rate_limit_exceeded\"}}\n" +
		"    {\"type\": \"error\", \"error\": {\"type\": \"rate_limit_error\", \"message\": \"…\"}, \"request_id\": \"…\"}\n" +
		"    {\"type\": \"/docs#rate_limit_exceeded\", \"title\": \"Too Many Requests\", \"status\": 429, \"detail\": \"…\", \"code\": \"rate_limit_exceeded\", \"request_id\": \"…\"}\n\n" +
		"Send a request again where *again* says so: `retry-after` (seconds, rounded up) and `retry-after-ms` say how soon where it is\n" +
		"known; `x-should-retry: false` says that it is of no use. In a stream that has begun the same object comes as an error event.\n\n" +
		"| status | code | type, OpenAI | type, Anthropic | meaning | again? | next step |\n|---|---|---|---|---|---|---|\n")
	for _, r := range references() {
		claude := "`" + r.ClaudeType + "`"
		if r.ClaudeStatus != r.Status {
			claude = strconv.Itoa(r.ClaudeStatus) + " " + claude
		}
		fmt.Fprintf(&b, "| %d | `%s` | `%s` | %s | %s | %s | %s |\n", r.Status, r.Code, r.Type, claude, r.Meaning, r.Retry, r.Next)
	}
	return b.Bytes()
}
