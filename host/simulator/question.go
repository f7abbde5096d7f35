package simulator

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// question is what a request asks for, the same for every wire.
type question struct {
	last    string     // text of the last user message
	bytes   int        // of all texts
	limit   int        // most tokens of an answer; 0: no limit
	stops   []string   // texts that end an answer
	choices int        // answers that are wanted; 0: one
	tools   []declared // that may be called
	choice  string     // auto, none, any, or named
	named   string     // the tool of the choice named
	single  bool       // at most one call
	results []result   // of tools, that the last turn has
	media   []string   // what was sent beside text, described
	format  any        // JSON schema of the answer
	json    bool       // the answer is a JSON object
	think   bool       // thinking is wanted
	preface bool       // the wire's models say something before they call
	marked  int        // bytes of text before the last mark for the cache
	cached  any        // what identifies those texts; nil: no cache is asked for
}

// declared is a tool of a request.
type declared struct {
	name   string
	schema any
}

// result is what a tool returned.
type result struct{ name, id, text string }

// call is what the model wants of a tool.
type call struct {
	name string
	args string // JSON
}

var spokenCall = regexp.MustCompile(`(?i)\bcall ([A-Za-z0-9_.:-]{1,128})`)

// calls are the calls that the answer makes. A tool is called when the last message
// says "call NAME", once for each time, unless the last turn has results; and when
// the choice forces one.
func (q question) calls() []call {
	if len(q.tools) == 0 || q.choice == "none" {
		return nil
	}
	var wanted []declared
	if len(q.results) == 0 && q.choice != "named" {
		for _, m := range spokenCall.FindAllStringSubmatch(q.last, 16) {
			name := strings.TrimRight(m[1], ".:")
			if i := slices.IndexFunc(q.tools, func(d declared) bool { return d.name == name }); i >= 0 {
				wanted = append(wanted, q.tools[i])
			}
		}
	}
	switch {
	case q.choice == "named":
		for _, d := range q.tools {
			if d.name == q.named {
				wanted = []declared{d}
			}
		}
	case q.choice == "any" && wanted == nil:
		wanted = q.tools[:1]
	}
	if q.single && len(wanted) > 1 {
		wanted = wanted[:1]
	}
	var out []call
	for _, d := range wanted {
		args := "{}"
		if d.schema != nil {
			args = string(encode(instance(d.schema)))
		}
		out = append(out, call{d.name, args})
	}
	return out
}

// told is what the answer says about attachments and results.
func (q question) told() string {
	var b strings.Builder
	if len(q.media) > 0 {
		fmt.Fprintf(&b, " You sent %d attached: %s.", len(q.media), strings.Join(q.media, "; "))
	}
	for _, r := range q.results {
		fmt.Fprintf(&b, " The tool %s returned: %s.", r.name, bounded(r.text))
	}
	return b.String()
}

// bounded is a text as an answer repeats it: its white space made one, its length limited.
func bounded(s string) string {
	s = strings.Join(strings.Fields(directive.ReplaceAllString(s, "")), " ")
	if len(s) > maxEcho {
		s = strings.ToValidUTF8(s[:maxEcho], "") + "…"
	}
	return s
}

// describe is an attachment in words: its kind, its type and its size in bytes, or
// where it is. bad reports data that is no base64.
func describe(kind, mediaType, data string) (said string, bad bool) {
	raw, err := base64.StdEncoding.DecodeString(data)
	return fmt.Sprintf("%s %s of %d bytes", kind, mediaType, len(raw)), err != nil || len(raw) == 0
}

// describeURL is describe for a URL, whose data: form is looked into.
func describeURL(kind, url string) (said string, bad bool) {
	rest, isData := strings.CutPrefix(url, "data:")
	if !isData {
		return kind + " " + url, !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://")
	}
	mediaType, data, ok := strings.Cut(rest, ";base64,")
	said, bad = describe(kind, mediaType, data)
	return said, bad || !ok
}
