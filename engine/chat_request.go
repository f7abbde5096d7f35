package engine

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Arrival is what the transport knows of a request beside its body. The strings
// must be the receiver's own: they outlive the transport's buffers.
type Arrival struct {
	ID        string
	Principal Principal
	Received  time.Time
	// Session, Task and Agent are the hint headers, empty when absent.
	Session, Task, Agent string
	// CodeSession is the session id that Claude Code sends by itself; empty when absent.
	CodeSession string
	Operation   string // what is asked for; see Request
	// What the caller speaks, where that is not Chat Completions; see Request.
	Wire     API
	Source   *document.Doc
	Headers  []Pair
	Lossy    []string
	WireOnly *Error
}

// Headers that carry hints; each wins over its member of the body's metadata.
const (
	HeaderSession = "x-pointsman-session" // metadata.session_id
	HeaderTask    = "x-pointsman-task"    // metadata.task_type
	HeaderAgent   = "x-pointsman-agent"   // metadata.agent_id
	// HeaderCodeSession is a client's own, not a hint to us: it counts when neither hint
	// names a session, and one that cannot be used is passed over.
	HeaderCodeSession = "x-claude-code-session-id"
)

// NewRequest makes a request of a document that ParseChat accepted, or, of embeddings,
// ParseEmbeddings.
// Errors: *Error with CodeInvalid whose Param is the hint at fault.
func NewRequest(doc *document.Doc, a Arrival) (*Request, error) {
	root := doc.Root()
	r := &Request{
		ID: a.ID, Principal: a.Principal, Operation: a.Operation, Doc: doc, Received: a.Received,
		Model:        strings.Clone(root.Get("model").Text()),
		Stream:       root.Get("stream").Bool(),
		IncludeUsage: root.Get("stream_options").Get("include_usage").Bool(),
		Wire:         a.Wire, Source: a.Source, Headers: a.Headers, Lossy: a.Lossy, WireOnly: a.WireOnly,
	}
	if r.operation() != abi.OperationChat {
		r.Stream, r.IncludeUsage = false, false
	}
	metadata := root.Get("metadata")
	r.Hints.TimeSensitive = metadata.Get("time_sensitive").Text() == "true"
	r.Hints.Strict = metadata.Get("strict").Text() == "true"
	for _, h := range [...]struct {
		to           *string
		header, body string
		value        string
	}{
		{&r.Hints.SessionID, HeaderSession, "session_id", a.Session},
		{&r.Hints.TaskType, HeaderTask, "task_type", a.Task},
		{&r.Hints.AgentID, HeaderAgent, "agent_id", a.Agent},
	} {
		param := h.header
		*h.to = strings.TrimSpace(h.value)
		if *h.to == "" {
			param = "metadata." + h.body
			*h.to = strings.Clone(strings.TrimSpace(metadata.Get(h.body).Text()))
		}
		if !validHint(*h.to) {
			e := Errorf(CodeInvalid, "'%s' must be at most %s bytes of printable text.", param, strconv.Itoa(MaxHint))
			e.Param = param
			return nil, e
		}
	}
	if own := strings.TrimSpace(a.CodeSession); r.Hints.SessionID == "" && validHint(own) {
		r.Hints.SessionID = own
	}
	if r.Hints.Strict && len(r.Lossy) > 0 && r.WireOnly == nil {
		// Who speaks the wire loses nothing of it.
		r.WireOnly = Errorf(CodeInvalid, "'%s' cannot be carried, and metadata.strict is set.", r.Lossy[0])
		r.WireOnly.Param = r.Lossy[0]
	}
	return r, nil
}

// validHint accepts what may be stored, logged and shown: hints become session
// keys and labels.
func validHint(s string) bool {
	if len(s) > MaxHint || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
