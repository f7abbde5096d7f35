package httpapi

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// unauthorized is the one answer to every wrong, missing or contradictory key.
var (
	unauthorized        = failed(http.StatusUnauthorized, string(engine.CodeUnauthorized), "Incorrect API key provided.")
	unauthorizedOpenAI  = unauthorized.openAI()
	unauthorizedProblem = unauthorized.problem("").json()
)

// authenticate returns who sends the request: whose key it has, or under /api/v1 whose
// session. key is what was presented, "" in a session and when there is none. The failure, if
// any, is unauthorized, or what a session's request lacks; admitted has the last word.
func (s *Server) authenticate(h *fasthttp.RequestHeader) (p engine.Principal, key string, f *failure) {
	if inSession(h) {
		live, f := s.session(h)
		return live.Principal, "", f
	}
	key, ok := credential(h)
	if !ok {
		return engine.Principal{}, "", unauthorized
	}
	p, err := s.cfg.Keys.Authenticate(key, s.cfg.Now())
	if err != nil {
		// A service that could not decide would be another error than a wrong key.
		if engine.CodeOf(err) != engine.CodeUnauthorized {
			return engine.Principal{}, key, failureOf(err)
		}
		return engine.Principal{}, key, unauthorized
	}
	return p, key, nil
}

// credential finds the key: "Authorization: Bearer KEY" or "x-api-key: KEY". Both may
// be there if they agree. Several of one kind, or another scheme, are no credential:
// whatever picks one of two may pick another one than the proxy before it.
func credential(h *fasthttp.RequestHeader) (string, bool) {
	authorization, authorizations := single(h, fasthttp.HeaderAuthorization)
	apiKey, apiKeys := single(h, "X-Api-Key")
	if authorizations > 1 || apiKeys > 1 || authorizations+apiKeys == 0 {
		return "", false
	}
	if authorizations == 0 {
		return apiKey, apiKey != ""
	}
	scheme, bearer, ok := strings.Cut(authorization, " ")
	bearer = strings.TrimSpace(bearer)
	if !ok || bearer == "" || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	if apiKeys == 1 && subtle.ConstantTimeCompare([]byte(bearer), []byte(apiKey)) != 1 {
		return "", false
	}
	return bearer, true
}

// single returns the header's value, copied, and how many of it there are.
func single(h *fasthttp.RequestHeader, name string) (string, int) {
	values := h.PeekAll(name)
	if len(values) == 0 {
		return "", 0
	}
	return strings.TrimSpace(string(values[0])), len(values)
}
