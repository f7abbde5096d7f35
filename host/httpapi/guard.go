package httpapi

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// inspect refuses what fasthttp lets through but two servers in a row might read
// differently: a folded header line (RFC 9112, 5.2), and a body framed both by
// Content-Length and Transfer-Encoding (6.1), which fasthttp reads as chunked.
func inspect(h *fasthttp.RequestHeader) *failure {
	var length, encoding bool
	for line := range bytes.Lines(h.RawHeaders()) {
		if line[0] == ' ' || line[0] == '\t' {
			return malformed("A header line must not be folded over several lines.")
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		switch len(name) {
		case len("Content-Length"):
			length = length || equalFold(name, "Content-Length")
		case len("Transfer-Encoding"):
			encoding = encoding || equalFold(name, "Transfer-Encoding")
		}
	}
	if length && encoding {
		return malformed("A request must not have both Content-Length and Transfer-Encoding.")
	}
	return nil
}

func malformed(message string) *failure {
	f := failed(http.StatusBadRequest, codeMalformedRequest, message)
	f.close = true
	return f
}

func equalFold(b []byte, s string) bool { return strings.EqualFold(string(b), s) }

// encoded refuses a body that is compressed: it would have to be unpacked under a
// limit, and nothing that calls this API needs it. It must run before anything that
// might unpack one (Fiber's Body does, without limit, and then returns error texts as
// the body).
func encoded(h *fasthttp.RequestHeader) *failure {
	for _, value := range h.PeekAll(fiber.HeaderContentEncoding) {
		if len(value) > 0 && !equalFold(bytes.TrimSpace(value), "identity") {
			return failed(http.StatusUnsupportedMediaType, string(engine.CodeUnsupportedMedia), "The request body must not be compressed: send it without Content-Encoding.")
		}
	}
	return nil
}

// notJSON refuses a body that says it is something else. Saying nothing counts as JSON.
func notJSON(h *fasthttp.RequestHeader) *failure {
	media, _, _ := strings.Cut(string(h.ContentType()), ";")
	media = strings.ToLower(strings.TrimSpace(media))
	if media == "" || media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json") {
		return nil
	}
	return failed(http.StatusUnsupportedMediaType, string(engine.CodeUnsupportedMedia), "The request body must be application/json.")
}
