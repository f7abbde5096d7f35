package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// Origins are the web pages that may call /v1 and /api from a browser. The zero value are none. Pages
// send keys, never cookies: a browser is told of no answer that it asked for with credentials, and
// the dashboard's session is for its own pages alone.
type Origins struct {
	any  bool
	list []string
}

// ParseOrigins reads a list that is separated by commas: origins as browsers write them
// (https://app.example.com, http://localhost:3000), or * alone for all. Errors name the one that is none.
func ParseOrigins(text string) (o Origins, err error) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
		case part == "*":
			o.any = true
		default:
			u, err := url.Parse(part)
			if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Scheme+"://"+strings.ToLower(u.Host) != part {
				return o, fmt.Errorf("%q is no origin: it is a scheme, a host in lower case and a port if it is not the usual one, as in https://app.example.com", part)
			}
			o.list = append(o.list, part)
		}
	}
	if o.any && len(o.list) > 0 {
		return o, fmt.Errorf("* is every origin: it stands alone")
	}
	return o, nil
}

// maxPreflightHeaders bounds the names of headers that a page asks for, bytes.
const maxPreflightHeaders = 4 << 10

const (
	// What pages may ask for, and for how long, in seconds, a browser remembers it.
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsMaxAge  = "600"
)

// none reports that no page may call.
func (o Origins) none() bool { return !o.any && len(o.list) == 0 }

// concern reports whether a request is for the routes that pages may call.
func (o Origins) concern(h *fasthttp.RequestHeader) bool {
	path := string(h.RequestURI())
	return strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/api/")
}

// allowed is what Access-Control-Allow-Origin says to that request, "" for nothing.
func (o Origins) allowed(h *fasthttp.RequestHeader) string {
	origin, n := single(h, fasthttp.HeaderOrigin)
	switch {
	case n != 1:
		return ""
	case o.any:
		return "*"
	case slices.Contains(o.list, origin):
		return origin
	}
	return ""
}

// preflight answers a browser that asks whether a page may send a request; false when that is none
// of it, or of a page that may not.
func (o Origins) preflight(fctx *fasthttp.RequestCtx) bool {
	h := &fctx.Request.Header
	if o.none() || !h.IsOptions() || !o.concern(h) || o.allowed(h) == "" {
		return false
	}
	method, methods := single(h, fasthttp.HeaderAccessControlRequestMethod)
	if methods != 1 || method == "" {
		return false
	}
	out := &fctx.Response.Header
	out.Set(fasthttp.HeaderAccessControlAllowMethods, corsMethods)
	out.Set(fasthttp.HeaderAccessControlMaxAge, corsMaxAge)
	// Clients have headers of their own, more with each version: what is a header's name is let through.
	if names, n := single(h, fasthttp.HeaderAccessControlRequestHeaders); n == 1 && headerNames(names) {
		out.Set(fasthttp.HeaderAccessControlAllowHeaders, names)
	}
	fctx.SetStatusCode(http.StatusNoContent)
	return true
}

// answer tells a browser that the page may read the answer. It comes last: whatever the answer is, an
// error too, a page that may call sees it.
func (o Origins) answer(fctx *fasthttp.RequestCtx) {
	if o.none() || !o.concern(&fctx.Request.Header) {
		return
	}
	out := &fctx.Response.Header
	if !o.any { // caches must not hand one page's answer to another
		out.Add(fasthttp.HeaderVary, "Origin")
	}
	if origin := o.allowed(&fctx.Request.Header); origin != "" {
		out.Set(fasthttp.HeaderAccessControlAllowOrigin, origin)
		out.Set(fasthttp.HeaderAccessControlExposeHeaders, "*") // which is all but Authorization
	}
}

// headerNames reports whether the text is a list of names of headers and nothing else.
func headerNames(text string) bool {
	return text != "" && len(text) <= maxPreflightHeaders && !strings.ContainsFunc(text, func(r rune) bool {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return false
		}
		return !strings.ContainsRune("-_, .!#$%&'*+^`|~", r)
	})
}
