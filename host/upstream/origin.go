package upstream

import (
	"errors"
	"hash/maphash"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
)

// origin is a provider's base URL, taken apart.
type origin struct {
	tls     bool
	host    string // name or address without brackets, for TLS and dialing
	address string // host:port, for dialing
	header  string // the Host header
	path    string // without a trailing slash; may be empty
	query   string // without "?"; may be empty

	base string // what it was read from
}

// origins keeps base URLs that were taken apart. Each has one place, found by its hash, and
// there puts out another: so none of all requests waits for a lock, and no tenant can fill
// memory with them. The zero value is empty. Safe for concurrent use.
type origins struct {
	places [1024]atomic.Pointer[origin]
}

var originSeed = maphash.MakeSeed()

// of returns the base URL, taken apart.
func (k *origins) of(base string) (*origin, error) {
	place := &k.places[maphash.String(originSeed, base)%uint64(len(k.places))]
	if o := place.Load(); o != nil && o.base == base {
		return o, nil
	}
	o, err := parseOrigin(base)
	if err == nil {
		place.Store(o)
	}
	return o, err
}

// parseOrigin reads a base URL: http or https, a host, perhaps a path and a
// query. User information and fragments are refused.
func parseOrigin(base string) (*origin, error) {
	u, err := url.Parse(base)
	if err != nil {
		// The parser's text quotes its input, which may hold a password.
		return nil, errors.New("base URL does not parse")
	}
	o := &origin{base: base, tls: u.Scheme == "https", host: u.Hostname(), query: u.RawQuery}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("base URL is neither http nor https")
	case u.User != nil:
		return nil, errors.New("base URL holds user information")
	case u.Fragment != "":
		return nil, errors.New("base URL has a fragment")
	case o.host == "" || !visible(u.Host):
		return nil, errors.New("base URL has no host")
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if o.tls {
			port = "443"
		}
	}
	o.address = net.JoinHostPort(o.host, port)
	o.header = u.Host
	o.path = strings.TrimRight(u.EscapedPath(), "/")
	if err := checkPath(o.path); err != nil {
		return nil, err
	}
	if !visible(o.query) {
		return nil, errors.New("query holds characters that need escaping")
	}
	return o, nil
}

// appendTarget appends the request target: the base URL's path with an adapter's, which may
// hold a query, behind it. The bytes go out as they are: what would need escaping, or could
// climb out of the base path, is an error. asked reports whether the target has a query.
func (o *origin) appendTarget(dst []byte, path string) (_ []byte, asked bool, err error) {
	path, query, _ := strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/") {
		return nil, false, errors.New("it does not begin with a slash")
	}
	if err := checkPath(path); err != nil {
		return nil, false, err
	}
	if !visible(query) || strings.Contains(query, "#") {
		return nil, false, errors.New("its query holds characters that need escaping")
	}
	dst = append(append(dst, o.path...), path...)
	for _, q := range [...]string{o.query, query} {
		if q != "" {
			dst = appendQuery(dst, asked)
			dst, asked = append(dst, q...), true
		}
	}
	return dst, asked, nil
}

// appendQuery appends what comes before a part of the query.
func appendQuery(dst []byte, asked bool) []byte {
	if asked {
		return append(dst, '&')
	}
	return append(dst, '?')
}

// checkPath refuses paths that a server might read as another one: dot
// segments, also escaped ones, empty segments and backslashes.
func checkPath(path string) error {
	if !visible(path) || strings.ContainsAny(path, "#\\?") {
		return errors.New("it holds characters that need escaping")
	}
	if strings.Contains(path, "//") {
		return errors.New("it has an empty segment")
	}
	plain := path
	if strings.Contains(path, "%") {
		var err error
		if plain, err = url.PathUnescape(path); err != nil {
			return errors.New("it has a bad escape")
		}
	}
	start := 0
	for i := 0; i <= len(plain); i++ {
		if i < len(plain) && plain[i] != '/' && plain[i] != '\\' {
			continue
		}
		if segment := plain[start:i]; segment == "." || segment == ".." {
			return errors.New("it has a dot segment")
		}
		start = i + 1
	}
	return nil
}

// visible reports whether s is printable ASCII without blanks.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
