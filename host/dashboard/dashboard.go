// Package dashboard is the web UI as the program carries it: the files that `make ui` builds
// from web/ into dist/, and how each is answered to a browser.
//
// It is not for the API that the UI calls, nor for who may call it: that is host/httpapi.
// Read Files.Serve first.
package dashboard

import (
	"crypto/rand"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var dist embed.FS

//go:embed unbuilt.html
var unbuilt []byte

const (
	// noncePlaceholder stands in index.html where the nonce of a response comes.
	noncePlaceholder = "__CSP_NONCE__"
	indexName        = "index.html"
	// assetsFolder is where every name has a hash of the content in it.
	assetsFolder = "assets/"
	forEver      = "public, max-age=31536000, immutable"
)

// Files are the built dashboard. Safe for concurrent use.
type Files struct {
	files   map[string]file
	index   []string // the page, split at noncePlaceholder
	isBuilt bool
}

type file struct {
	body, zipped []byte // zipped: as gzip; nil: there is none
	kind         string // media type
}

// New returns the files that this program carries.
func New() (*Files, error) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the dashboard: %w", err)
	}
	return Open(sub)
}

// Open returns the files of a folder. Without an index.html in it the dashboard is not
// built, and one page says how to.
func Open(folder fs.FS) (*Files, error) {
	d := &Files{files: map[string]file{}}
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		plain, zipped := strings.CutSuffix(name, ".gz")
		f := d.files[plain]
		if zipped {
			f.zipped = body
		} else {
			f.body, f.kind = body, kindOf(name)
		}
		d.files[plain] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the dashboard: %w", err)
	}
	page := unbuilt
	if f, ok := d.files[indexName]; ok && f.body != nil {
		page, d.isBuilt = f.body, true
	}
	d.index = strings.Split(string(page), noncePlaceholder)
	delete(d.files, indexName)
	return d, nil
}

// Built reports whether there is a dashboard.
func (d *Files) Built() bool { return d.isBuilt }

// Serve answers a GET. name is the path below /ui/ as the client sent it, undecoded: a name
// that no file has is a page of the single-page application, unless it looks like a file to
// anybody but a browser that asks for a page. accept and encoding are the request's Accept
// and Accept-Encoding. The status is 200 or 404; body must not be changed.
func (d *Files) Serve(name, accept, encoding string) (status int, header http.Header, body []byte) {
	f, ok := d.files[name]
	switch {
	case ok && f.body != nil:
		return d.file(name, f, encoding)
	case name == indexName || d.isPage(name, accept):
		return d.page()
	}
	header = secure(policy(""))
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	return http.StatusNotFound, header, []byte("There is no such file in the dashboard.\n")
}

// isPage reports whether a name that no file has is one of the application's own. Ids with a
// dot in them are part of such names, as in models/gpt-5.2.
func (d *Files) isPage(name, accept string) bool {
	if strings.HasPrefix(name, assetsFolder) || strings.Contains(name, "..") || strings.Contains(name, `\`) {
		return false
	}
	return !strings.Contains(name, ".") || strings.Contains(accept, "text/html")
}

func (d *Files) file(name string, f file, encoding string) (int, http.Header, []byte) {
	header := secure(policy(""))
	header.Set("Content-Type", f.kind)
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, assetsFolder) {
		header.Set("Cache-Control", forEver)
	}
	if f.zipped == nil {
		return http.StatusOK, header, f.body
	}
	header.Set("Vary", "Accept-Encoding")
	if !takesGzip(encoding) {
		return http.StatusOK, header, f.body
	}
	header.Set("Content-Encoding", "gzip")
	return http.StatusOK, header, f.zipped
}

// page is index.html with a nonce that no other response has.
func (d *Files) page() (int, http.Header, []byte) {
	var random [18]byte
	_, _ = rand.Read(random[:]) // it does not fail (crypto/rand, Go 1.24)
	nonce := base64.StdEncoding.EncodeToString(random[:])
	header := secure(policy(nonce))
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	return http.StatusOK, header, []byte(strings.Join(d.index, nonce))
}

// policy lets a page load what is of this origin, and style itself by the nonce alone: the
// editor adds a style element. It may send nothing elsewhere, and nobody may frame it.
func policy(nonce string) string {
	style := "style-src 'self'"
	if nonce != "" {
		style += " 'nonce-" + nonce + "'"
	}
	return "default-src 'none'; script-src 'self'; " + style + "; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// secure is the headers of every answer.
func secure(policy string) http.Header {
	return http.Header{
		"Content-Security-Policy":      {policy},
		"X-Content-Type-Options":       {"nosniff"},
		"X-Frame-Options":              {"DENY"},
		"Referrer-Policy":              {"no-referrer"},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Permissions-Policy":           {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
	}
}

// kinds are the media types of what is built: the system's table may lack or alter one.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}

func kindOf(name string) string {
	extension := path.Ext(name)
	if kind, ok := kinds[extension]; ok {
		return kind
	}
	if kind := mime.TypeByExtension(extension); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// takesGzip reads an Accept-Encoding (RFC 9110, 12.5.3): gzip by name and not at q=0.
func takesGzip(accepted string) bool {
	for one := range strings.SplitSeq(accepted, ",") {
		coding, weight, _ := strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			weight = strings.ReplaceAll(weight, " ", "")
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
