package httpapi

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const headerPath = "#/components/headers/"

func header(kind, text string, example any) *huma.Param {
	return &huma.Param{Description: text, Schema: &huma.Schema{Type: kind}, Example: example}
}

// headers are those of answers, by name in lower case, as HTTP/2 writes them.
var headers = map[string]*huma.Param{
	"x-request-id":                       header("string", "The request's id: the caller's own x-request-id where it is fit (1 to 128 letters, digits, '.', '_', '-'), else a new one.", "01936f2e-7c00-7000-8000-000000000001"),
	"request-id":                         header("string", "The same, where clients of Anthropic's API look for it.", "01936f2e-7c00-7000-8000-000000000001"),
	"retry-after":                        header("integer", "Seconds to wait before the request is sent again, rounded up. Left out where none is known or none helps.", 12),
	"retry-after-ms":                     header("integer", "The same in milliseconds.", 11250),
	"x-should-retry":                     header("string", "false: the request would be refused again. SDKs of OpenAI and Anthropic heed it.", "false"),
	"www-authenticate":                   header("string", "How to show who one is.", `Bearer realm="pointsman"`),
	"etag":                               header("string", "The row's version, for If-Match.", `"1764000000000"`),
	"location":                           header("string", "Where the new row is.", "/api/v1/accounts/acme"),
	"cache-control":                      header("string", "Nobody may keep the answer.", "no-store"),
	"x-pointsman-model":                  header("string", "Catalogue id of the model that served.", "gpt-4o"),
	"x-pointsman-provider":               header("string", "Id of its provider.", "openai"),
	"x-pointsman-rule":                   header("string", "What decided: the id of a rule, or default, pinned, assignment, override.", "screenshot-analysis"),
	"x-pointsman-decision":               header("string", "The decision in one line.", "rule screenshot-analysis: gpt-4o"),
	"x-pointsman-attempts":               header("integer", "Attempts at providers that it took.", 1),
	"x-pointsman-overhead-us":            header("integer", "What the gateway itself took until the headers, in microseconds.", 210),
	"x-pointsman-substituted":            header("string", "The upstream model that serves in place of one that its vendor retired.", "gpt-5"),
	"x-pointsman-lossy":                  header("string", "Members of the request that the provider's wire has no place for.", "logit_bias"),
	"x-pointsman-estimated":              header("string", "true: the provider gave no count of tokens, and ours is an estimate.", "true"),
	"x-pointsman-simulated":              header("string", "true: the built-in simulator answered, no provider.", "true"),
	"idempotent-replayed":                header("string", "true: this is the answer of an earlier request with this Idempotency-Key.", "true"),
	"x-pointsman-replayed-request-id":    header("string", "The id of that request.", "01936f2e-7c00-7000-8000-000000000001"),
	"x-ratelimit-limit-requests":         header("integer", "The tightest limit of requests that holds for the caller.", 600),
	"x-ratelimit-remaining-requests":     header("integer", "What is left of it.", 599),
	"x-ratelimit-reset-requests":         header("string", "When it is whole again: a duration as 1s, 6m0s or 17ms.", "100ms"),
	"x-ratelimit-limit-tokens":           header("integer", "The tightest limit of tokens that holds for the caller.", 100000),
	"x-ratelimit-remaining-tokens":       header("integer", "What is left of it.", 99000),
	"x-ratelimit-reset-tokens":           header("string", "When it is whole again.", "600ms"),
	"anthropic-ratelimit-requests-limit": header("integer", "As x-ratelimit-limit-requests; -remaining and -reset (a time, RFC 3339) go with it, and the same three for tokens.", 600),
}

// completionHeaders are those of a routed answer, on every wire.
var completionHeaders = []string{
	"x-pointsman-model", "x-pointsman-provider", "x-pointsman-rule", "x-pointsman-decision", "x-pointsman-attempts", "x-pointsman-overhead-us",
	"x-pointsman-substituted", "x-pointsman-lossy", "x-pointsman-estimated", "x-pointsman-simulated", "idempotent-replayed", "x-pointsman-replayed-request-id",
	"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
	"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
}

// answerHeaders documents the headers of what goes well.
func answerHeaders(op *huma.Operation) {
	for status, r := range op.Responses {
		if status == "default" {
			delete(op.Responses, status) // every status has an answer of its own
			continue
		}
		if r.Headers == nil {
			r.Headers = map[string]*huma.Param{}
		}
		for name := range r.Headers {
			if lower := strings.ToLower(name); headers[lower] != nil {
				delete(r.Headers, name)
				r.Headers[lower] = &huma.Param{Ref: headerPath + lower}
			}
		}
		names := []string{"x-request-id"}
		if strings.HasPrefix(op.Path, "/v1/") && op.RequestBody != nil {
			names = append(names, completionHeaders...)
		}
		if strings.HasPrefix(op.Path, messagesPath) {
			names = append(names, "request-id", "anthropic-ratelimit-requests-limit")
		}
		for _, name := range names {
			r.Headers[name] = &huma.Param{Ref: headerPath + name}
		}
	}
}
