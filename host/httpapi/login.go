package httpapi

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// LoginService exchanges keys for sessions of the dashboard; a *tenancy.Logins is one.
type LoginService interface {
	// Login opens a session. Errors: CodeUnauthorized for every kind of wrong key,
	// CodeForbidden, CodeRateLimited with After.
	Login(ctx context.Context, key, address string, secure bool) (engine.LiveLogin, error)
	// Resume returns whose the session is, and notes that it is in use. Errors:
	// CodeUnauthorized. Check is the same without the note.
	Resume(ctx context.Context, secret string) (engine.LiveLogin, error)
	Check(ctx context.Context, secret string) (engine.LiveLogin, error)
	Logout(ctx context.Context, secret string) error
}

// noLogins lets nobody in.
type noLogins struct{}

func (noLogins) Login(context.Context, string, string, bool) (engine.LiveLogin, error) {
	return engine.LiveLogin{}, unauthorized
}
func (noLogins) Resume(context.Context, string) (engine.LiveLogin, error) {
	return engine.LiveLogin{}, unauthorized
}
func (noLogins) Check(context.Context, string) (engine.LiveLogin, error) {
	return engine.LiveLogin{}, unauthorized
}
func (noLogins) Logout(context.Context, string) error { return unauthorized }

const (
	loginPath      = "/ui/session"
	loginBodyLimit = 4 << 10
	loginTimeout   = 5 * time.Second // for finding a session
	headerCSRF     = "X-Csrf-Token"
	// A browser takes a cookie of the first name only over TLS, for this host and all its
	// paths, so that no neighbour can plant one (RFC 6265bis, 4.1.3.2).
	secureCookie = "__Host-pointsman-session"
	plainCookie  = "pointsman-session"

	codeCSRF        = "csrf_token_required"
	codeCrossOrigin = "cross_origin"
)

var (
	errCSRF = failed(http.StatusForbidden, codeCSRF, "A change in a browser's session needs the header x-csrf-token with the session's token: GET "+loginPath+" shows it.")
	// A proxy that replaces Host makes every page look like another site's.
	errCrossOrigin = failed(http.StatusForbidden, codeCrossOrigin, "A session is used by the dashboard's own pages alone: Origin and Sec-Fetch-Site must be of this host. A proxy in between must pass Host on.")
)

// sessionDocument is what the dashboard knows of its session.
type sessionDocument struct {
	CSRF        string    `json:"csrf"`
	Role        string    `json:"role"`
	Scopes      []string  `json:"scopes"`
	Account     string    `json:"account"`
	User        string    `json:"user"`
	Team        string    `json:"team"`
	KeyID       string    `json:"key_id"`
	KeyName     string    `json:"key_name"`
	ExpiresAt   time.Time `json:"expires_at"`
	IdleSeconds int       `json:"idle_seconds"`
	// Permissions are the admin routes that the session may use, as "GET /api/v1/rules/{id}".
	Permissions []string `json:"permissions"`
	Version     string   `json:"version"`
	Build       string   `json:"build"`
}

func (s *Server) registerLogin() {
	s.add(fiber.MethodPost, loginPath, s.login)
	s.add(fiber.MethodGet, loginPath, s.showLogin)
	s.add(fiber.MethodDelete, loginPath, s.logout)
}

// login exchanges a key for a session. Whatever session there was ends: one that somebody
// else may know is never taken over.
func (s *Server) login(c *fiber.Ctx) error {
	h := &c.Request().Header
	if !sameOrigin(h) {
		return errCrossOrigin
	}
	if media, _, _ := strings.Cut(strings.ToLower(string(h.ContentType())), ";"); strings.TrimSpace(media) != "application/json" {
		return failed(http.StatusUnsupportedMediaType, string(engine.CodeUnsupportedMedia), "The request body must be application/json.")
	}
	var in struct {
		Key string `json:"key"`
	}
	body := json.NewDecoder(bytes.NewReader(c.Request().Body()))
	body.DisallowUnknownFields()
	if err := body.Decode(&in); err != nil || body.Decode(new(json.RawMessage)) != io.EOF || in.Key == "" {
		return failed(http.StatusBadRequest, string(engine.CodeInvalidJSON), `The body must be {"key": "..."}.`) // quotes nothing: it holds a secret
	}
	from, secure := s.client(c.Context())
	address := ""
	if from.IsValid() {
		address = from.String()
	}
	rq := requestOf(c.Context())
	ctx := engine.WithActor(rq.ctx, engine.Actor{RequestID: rq.id})
	live, err := s.cfg.Logins.Login(ctx, in.Key, address, secure)
	if err != nil {
		return err
	}
	if old, ok := sessionCookie(h); ok && old.secret != "" {
		if err := s.cfg.Logins.Logout(ctx, old.secret); err != nil && engine.CodeOf(err) != engine.CodeUnauthorized {
			return err
		}
	}
	rq.principal = live.Principal
	setSession(c, live.Secret, secure, int(engine.LoginLifetime.Seconds()))
	return s.sendSession(c, live)
}

// showLogin tells a page that was loaded again about its session.
func (s *Server) showLogin(c *fiber.Ctx) error {
	live, f := s.session(&c.Request().Header)
	if f != nil {
		return f
	}
	requestOf(c.Context()).principal = live.Principal
	return s.sendSession(c, live)
}

func (s *Server) logout(c *fiber.Ctx) error {
	h := &c.Request().Header
	live, f := s.session(h)
	if f != nil {
		return f
	}
	rq := requestOf(c.Context())
	rq.principal = live.Principal
	cookie, _ := sessionCookie(h)
	err := s.cfg.Logins.Logout(engine.WithActor(rq.ctx, engine.Actor{RequestID: rq.id}), cookie.secret)
	if err != nil && engine.CodeOf(err) != engine.CodeUnauthorized {
		return err
	}
	setSession(c, "", live.Secure, -1)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.SendStatus(http.StatusNoContent)
}

// session returns the session that a request is made in. The failure is unauthorized, or
// says what of a browser's request is missing. A key beside the cookie is two credentials.
func (s *Server) session(h *fasthttp.RequestHeader) (engine.LiveLogin, *failure) {
	cookie, ok := sessionCookie(h)
	if !ok || cookie.secret == "" || len(h.Peek(fasthttp.HeaderAuthorization)) > 0 || len(h.Peek("X-Api-Key")) > 0 {
		return engine.LiveLogin{}, unauthorized
	}
	if !sameOrigin(h) {
		return engine.LiveLogin{}, errCrossOrigin
	}
	ctx, cancel := context.WithTimeout(s.base, loginTimeout)
	defer cancel()
	live, err := s.cfg.Logins.Resume(ctx, cookie.secret)
	switch {
	case engine.CodeOf(err) == engine.CodeUnauthorized:
		return engine.LiveLogin{}, unauthorized
	case err != nil:
		return engine.LiveLogin{}, failureOf(err)
	case live.Secure != cookie.secure:
		return engine.LiveLogin{}, unauthorized
	case !h.IsGet() && !h.IsHead() && !hasToken(h, live.CSRF):
		return engine.LiveLogin{}, errCSRF
	}
	return live, nil
}

// inSession reports whether a request is one that a session may make: under /api/v1 alone,
// and with a cookie. Under /v1, where money is spent, cookies are nothing.
func inSession(h *fasthttp.RequestHeader) bool {
	if !bytes.HasPrefix(h.RequestURI(), []byte("/api/v1/")) {
		return false
	}
	_, ok := sessionCookie(h)
	return ok
}

func hasToken(h *fasthttp.RequestHeader, want string) bool {
	got, n := single(h, headerCSRF)
	return n == 1 && want != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// cookie is what a browser keeps of a session.
type cookie struct {
	secret string // "": there are several, which is none
	secure bool   // kept under the name for TLS
}

// sessionCookie finds the session's cookie. The one for TLS outranks the other, which
// a neighbour may have planted.
func sessionCookie(h *fasthttp.RequestHeader) (found cookie, ok bool) {
	for _, name := range []string{secureCookie, plainCookie} {
		n := 0
		for _, line := range h.PeekAll(fasthttp.HeaderCookie) {
			for pair := range bytes.SplitSeq(line, []byte(";")) {
				if key, value, is := bytes.Cut(bytes.TrimSpace(pair), []byte("=")); is && string(key) == name {
					found = cookie{string(value), name == secureCookie}
					n++
				}
			}
		}
		if n > 1 {
			return cookie{}, true
		}
		if n == 1 {
			return found, true
		}
	}
	return cookie{}, false
}

func setSession(c *fiber.Ctx, secret string, secure bool, maxAge int) {
	name := plainCookie
	if secure {
		name = secureCookie
	}
	k := fasthttp.AcquireCookie()
	defer fasthttp.ReleaseCookie(k)
	k.SetKey(name)
	k.SetValue(secret)
	k.SetPath("/")
	k.SetHTTPOnly(true)
	k.SetSecure(secure)
	k.SetSameSite(fasthttp.CookieSameSiteStrictMode)
	if maxAge < 0 {
		k.SetExpire(fasthttp.CookieExpireDelete)
	} else {
		k.SetMaxAge(maxAge)
	}
	c.Response().Header.SetCookie(k)
}

// sameOrigin reports whether nothing says that a page of another origin made the request. A
// change must say that none did. Browsers set both headers, and no page can.
func sameOrigin(h *fasthttp.RequestHeader) bool {
	site, sites := single(h, "Sec-Fetch-Site")
	origin, origins := single(h, fasthttp.HeaderOrigin)
	reading := h.IsGet() || h.IsHead()
	if sites > 1 || origins > 1 || sites+origins == 0 && !reading {
		return false
	}
	if sites == 1 && site != "same-origin" && (site != "none" || !reading) {
		return false
	}
	if origins == 0 {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.EqualFold(u.Host, string(h.Host()))
}

// client is the address that a request comes from and whether it came by TLS: what a proxy
// says of both holds if the operator named the proxy.
// The zero address is none.
func (s *Server) client(c *fasthttp.RequestCtx) (from netip.Addr, secure bool) {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		from = tcp.AddrPort().Addr().Unmap()
	} else if remote, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		from = remote.Addr().Unmap()
	} else {
		return netip.Addr{}, false
	}
	if !s.trusts(from) {
		return from, c.IsTLS()
	}
	hops := strings.Split(strings.Join(peekAll(c, "X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // what stands before it is anybody's word
		}
		if from = hop.Unmap(); !s.trusts(from) {
			break
		}
	}
	protos := strings.Split(strings.Join(peekAll(c, "X-Forwarded-Proto"), ","), ",")
	return from, strings.EqualFold(strings.TrimSpace(protos[len(protos)-1]), "https")
}

func (s *Server) trusts(address netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(address) {
			return true
		}
	}
	return false
}

func peekAll(c *fasthttp.RequestCtx, name string) []string {
	var all []string
	for _, value := range c.Request.Header.PeekAll(name) {
		all = append(all, string(value))
	}
	return all
}

func (s *Server) sendSession(c *fiber.Ctx, live engine.LiveLogin) error {
	p := live.Principal
	body, err := json.Marshal(sessionDocument{
		CSRF: live.CSRF, Role: string(p.Role), Scopes: p.Scopes.Names(), Account: p.AccountID, User: p.UserID, Team: p.TeamID,
		KeyID: p.KeyID, KeyName: p.KeyName, ExpiresAt: live.ExpiresAt.UTC(), IdleSeconds: int(engine.LoginIdle.Seconds()),
		Permissions: permitted(p), Version: s.cfg.Version, Build: s.cfg.Build,
	})
	if err != nil {
		return err
	}
	h := &c.Response().Header
	h.SetContentType("application/json")
	h.Set(fiber.HeaderCacheControl, "no-store")
	h.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.Send(body)
}

var pathParameter = regexp.MustCompile(`:(\w+)`)

// permitted are the admin routes that the principal may use, by path, then method, written
// as the specification writes them.
func permitted(p engine.Principal) []string {
	list := []string{}
	for _, route := range Routes() {
		rule := policies[route.Method+" "+route.Path].of(route.Method, route.Path)
		if strings.HasPrefix(route.Path, "/api/v1/") && rule.refuses(p) == nil {
			list = append(list, route.Method+" "+pathParameter.ReplaceAllString(route.Path, "{$1}"))
		}
	}
	return list
}
