package host

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// stable takes out of answers what is another one each time: ids, secrets, times, durations.
type stable struct {
	webhook string            // in place of the test's receiver
	pairs   []string          // what stands for what, by itself
	ids     map[string]string // what stands for an id
}

func newStable(g *gateway, receiver string) *stable {
	const webhook = "https://hooks.example.com/pointsman"
	return &stable{webhook: webhook, ids: map[string]string{}, pairs: []string{receiver, webhook, g.URL(), "http://127.0.0.1:8080", g.key, "pm_…"}}
}

var (
	uuidText   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	digestText = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	keyText    = regexp.MustCompile(`\bpm_[0-9A-Za-z_-]{20,}`)
	hookText   = regexp.MustCompile(`\bwhsec_[0-9A-Za-z+/=]{20,}`)
	timeText   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	portText   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	sealedText = regexp.MustCompile(`^[0-9A-Za-z_-]{40,}$`)
	// measured are members whose numbers are measured.
	measured = regexp.MustCompile(`^(latency_ms|first_byte_ms|took_(ms|us|ns)|.*_p\d+.*|p\d+(_ms)?|age_ms|fuel|overhead.*|idle_seconds|size)$`)
)

// text is an answer's body as the document shows it: JSON on lines, lists of objects cut to two.
func (s *stable) text(body string) string {
	if !json.Valid([]byte(body)) || body == "" {
		body = strings.TrimSpace(s.string(body))
		lines := strings.Split(body, "\n")
		if len(lines) > 6 {
			body = strings.Join(lines[:6], "\n") + "\n…"
		}
		if len(body) > 1500 {
			body = body[:1500] + "…"
		}
		return strings.ReplaceAll(body, "\n=== ", "\n ")
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var out bytes.Buffer
	if !s.write(&out, d, "", 0) {
		return body
	}
	return out.String()
}

// write copies one value, members in their own order; false: it cannot be read.
func (s *stable) write(out *bytes.Buffer, d *json.Decoder, name string, depth int) bool {
	token, err := d.Token()
	if err != nil {
		return false
	}
	line := func() {
		if depth < 2 {
			out.WriteString("\n" + strings.Repeat(" ", depth+1))
		} else if !strings.HasSuffix(out.String(), "{") && !strings.HasSuffix(out.String(), "[") {
			out.WriteByte(' ')
		}
	}
	switch v := token.(type) {
	case json.Delim:
		out.WriteString(v.String())
		object, n := v == '{', 0
		for d.More() {
			kept := out.Len()
			if n > 0 {
				out.WriteByte(',')
			}
			if member := ""; object {
				key, err := d.Token()
				if err != nil {
					return false
				}
				member, _ = key.(string)
				line()
				fmt.Fprintf(out, "%q: ", member)
				if depth == 0 && (member == "paths" || member == "components") {
					var skipped json.RawMessage // the document does not hold itself
					if d.Decode(&skipped) != nil {
						return false
					}
					out.WriteString("{}")
				} else if !s.write(out, d, member, depth+1) {
					return false
				}
			} else {
				line()
				if !s.write(out, d, name, depth+1) {
					return false
				}
				if n >= 2 { // enough of a list to see what it is
					out.Truncate(kept)
				}
			}
			n++
		}
		end, err := d.Token()
		if err != nil {
			return false
		}
		if depth < 2 && n > 0 {
			out.WriteString("\n" + strings.Repeat(" ", depth))
		}
		out.WriteString(end.(json.Delim).String())
	case string:
		text := s.string(v)
		if name == "next" && sealedText.MatchString(text) {
			text = "what-the-next-page-begins-with"
		}
		quoted, _ := json.Marshal(text)
		out.Write(quoted)
	case json.Number:
		if measured.MatchString(name) && v != "0" {
			v = "12"
		}
		out.WriteString(v.String())
	default:
		text, _ := json.Marshal(v)
		out.Write(text)
	}
	return true
}

// string is a text without what is another one each time.
func (s *stable) string(text string) string {
	text = strings.NewReplacer(s.pairs...).Replace(text)
	number := func(form string) func(string) string {
		return func(id string) string {
			if s.ids[id] == "" {
				s.ids[id] = fmt.Sprintf(form, len(s.ids)+1)
			}
			return s.ids[id]
		}
	}
	text = uuidText.ReplaceAllStringFunc(text, number("019aab2e-7c00-7000-8000-%012d"))
	text = digestText.ReplaceAllStringFunc(text, number("%064x"))
	text = keyText.ReplaceAllString(text, "pm_"+strings.Repeat("0", 12)+"…")
	text = hookText.ReplaceAllString(text, "whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 24)))
	text = portText.ReplaceAllStringFunc(text, func(at string) string {
		if strings.HasSuffix(at, ":8080") || strings.HasSuffix(at, ":11434") {
			return at
		}
		return "127.0.0.1:9999"
	})
	return timeText.ReplaceAllStringFunc(text, func(at string) string {
		if when, err := time.Parse(time.RFC3339Nano, at); err == nil && time.Since(when).Abs() < 3*time.Hour {
			return "2026-11-22T12:00:00Z"
		}
		return at
	})
}
