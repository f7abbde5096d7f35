package httpapi

import (
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// Headers of the caller that providers are shown.
const (
	headerAnthropicBeta = "Anthropic-Beta"
	headerOpenAIBeta    = "Openai-Beta"
)

// betaHeaders returns those of the caller's headers that providers are shown. A header
// that is repeated is one list. It must fit into 1 KiB of visible ASCII.
func betaHeaders(h *fasthttp.RequestHeader) (pairs []engine.Pair, f *failure) {
	for _, name := range [...]string{headerAnthropicBeta, headerOpenAIBeta} {
		var b strings.Builder
		for _, value := range h.PeekAll(name) {
			if len(value) == 0 {
				continue
			}
			if b.Len() > 0 {
				b.WriteByte(',')
			}
			if b.Len()+len(value) > maxHeaderValue || cleanHeader(string(value)) != strings.TrimSpace(string(value)) {
				return nil, invalid(strings.ToLower(name), "'"+strings.ToLower(name)+"' must be at most 1 KiB of visible ASCII.")
			}
			b.Write(value)
		}
		if value := strings.TrimSpace(b.String()); value != "" {
			pairs = append(pairs, engine.Pair{Name: strings.ToLower(name), Value: value})
		}
	}
	return pairs, nil
}

const headerRequestID = "X-Request-Id"

// Bounds of header values, in bytes.
const (
	maxRequestID   = 128
	maxHeaderValue = 1 << 10
)

// requestID returns the caller's id if it is fit to be logged and stored, else a new one.
func requestID(inbound []byte) string {
	if len(inbound) == 0 || len(inbound) > maxRequestID {
		return newRequestID()
	}
	for _, c := range inbound {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return newRequestID()
		}
	}
	return string(inbound)
}

func newRequestID() string { return uuid.Must(uuid.NewV7()).String() }

// setMeta says in headers how the request was routed. Called also for failed requests,
// with what is known.
func setMeta(h *fasthttp.ResponseHeader, m engine.Meta) {
	set := func(name, value string) {
		if value = cleanHeader(value); value != "" {
			h.Set(name, value)
		}
	}
	set("X-Pointsman-Model", m.Model)
	set("X-Pointsman-Provider", m.Provider)
	set("X-Pointsman-Rule", m.Rule)
	set("X-Pointsman-Decision", m.Decision)
	set("X-Pointsman-Substituted", m.Substituted)
	set("X-Pointsman-Lossy", strings.Join(m.Lossy, ","))
	h.Set("X-Pointsman-Attempts", strconv.Itoa(m.Attempts))
	h.Set("X-Pointsman-Overhead-Us", strconv.FormatInt(m.OverheadUS, 10))
	if m.Estimated {
		h.Set(headerEstimated, "true")
	}
	if m.Simulated {
		h.Set("X-Pointsman-Simulated", "true")
	}
}

// cleanHeader makes a text fit for a header value: printable ASCII, bounded. Rule and
// plugin authors choose parts of these texts, and CR or LF would let them write headers.
func cleanHeader(s string) string {
	clean := true
	for i := range len(s) {
		clean = clean && s[i] >= ' ' && s[i] <= '~'
	}
	if !clean {
		s = strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '?'
			}
			return r
		}, s)
	}
	if len(s) > maxHeaderValue {
		s = s[:maxHeaderValue]
	}
	return strings.TrimSpace(s)
}

func itoa(n int) string { return strconv.Itoa(n) }
