package upstream

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// origin is a provider's base URL, taken apart.
type origin struct {
	tls     bool
	host    string // name or address without brackets, for TLS and dialing
	address string // host:port, for dialing
	header  string // the Host header
	path    string // without a trailing slash; may be empty
	query   string // without "?"; may be empty
}

// parseOrigin reads a base URL: http or https, a host, perhaps a path and a
// query. User information and fragments are refused.
func parseOrigin(base string) (*origin, error) {
	u, err := url.Parse(base)
	if err != nil {
		// The parser's text quotes its input, which may hold a password.
		return nil, errors.New("base URL does not parse")
	}
	o := &origin{tls: u.Scheme == "https", host: u.Hostname(), query: u.RawQuery}
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

// origin returns the base URL, taken apart; parsed ones are kept.
func (c *Client) origin(base string) (*origin, error) {
	if o, ok := c.origins.Get(base); ok {
		return o, nil
	}
	o, err := parseOrigin(base)
	if err == nil {
		c.origins.Add(base, o)
	}
	return o, err
}

// join appends an adapter's path, which may hold a query, to the base URL's and
// returns the request target. The bytes go out as they are: what would need
// escaping, or could climb out of the base path, is an error.
func (o *origin) join(path string) (string, error) {
	path, query, _ := strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/") {
		return "", errors.New("it does not begin with a slash")
	}
	if err := checkPath(path); err != nil {
		return "", err
	}
	if !visible(query) || strings.Contains(query, "#") {
		return "", errors.New("its query holds characters that need escaping")
	}
	target := o.path + path
	if o.query != "" && query != "" {
		query = o.query + "&" + query
	} else {
		query += o.query
	}
	if query != "" {
		target += "?" + query
	}
	return target, nil
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
