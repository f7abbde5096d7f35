package upstream

import "strings"

// shownFields are the headers of an answer that an adapter may read, besides those
// with a shownPrefix: what it needs to class a failure, and the ids by which the vendors
// find a request again.
// See RATIONALE.md, "Which headers of an answer are seen?".
var shownFields = map[string]bool{
	"content-type": true, "date": true,
	"retry-after": true, "retry-after-ms": true, "x-should-retry": true,
	"request-id": true, "x-request-id": true,
	"openai-processing-ms": true, "openai-version": true, "openai-model": true,
	"x-gemini-service-tier": true, "server-timing": true,
}

var shownPrefixes = [...]string{"x-ratelimit-", "anthropic-ratelimit-"}

// shown reports whether a header of an answer may leave this package.
func shown(name string) bool {
	name = strings.ToLower(name)
	if shownFields[name] {
		return true
	}
	for _, prefix := range shownPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
