package engine

import (
	"iter"
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Values that members of the context have as long as no service stands behind them,
// chosen so that a rule written for the service does nothing without it.
const (
	// NoLimit is what is left of something that has no limit: the largest whole
	// number that every JSON reader keeps exactly.
	NoLimit = 1<<53 - 1
	// HealthUnmeasured is the health of a model that nobody measured.
	HealthUnmeasured = "healthy"
)

// Agent is who acts for the caller: the agent that it named, else its key's name.
func (r *Request) Agent() string {
	if r.Hints.AgentID != "" {
		return r.Hints.AgentID
	}
	return r.Principal.KeyName
}

// Context returns the request's context document (examples/rules/README.md), which only
// plugins and explanations need. It is built on the first call, from Features,
// Principal, Hints, Policy, Models and Received, and lives as long as the request; the
// text in it is whole, so that a guest's mentions sees what a rule's does.
//
// session.turn is how many turns were answered and session.model who answered the last: 0
// and "" in the first one, and where no session is named.
//
// Where no service stands behind a value it is neutral: see LeftOfBudget and ModelState.
//
// Not safe for concurrent use, the first call in particular: a request belongs to one goroutine.
func (r *Request) Context() document.Node {
	if r.context == nil {
		r.context = parseContext(r.appendContext(true, r.Features.Text))
	}
	return r.context.Root()
}

// BriefContext is Context without what is dear to build: without models, which is seldom
// looked at, and with request.text empty, which is text instead: as a rule the string in the
// caller's body, which need not be escaped, copied and parsed again. Whole returns the rest with
// it. text is absent where the context is whole.
// Not safe for concurrent use; both live as long as Context does, and no longer than Doc.
func (r *Request) BriefContext() (brief, text document.Node) {
	if r.context != nil {
		return r.context.Root(), document.Node{}
	}
	if r.brief == nil {
		r.brief = parseContext(r.appendContext(false, ""))
		r.text = r.Features.said
		if !r.text.Usual() {
			r.text = document.String(r.Features.Text).Root()
		}
	}
	return r.brief.Root(), r.text
}

// Whole is Context: a request completes its BriefContext.
func (r *Request) Whole() document.Node { return r.Context() }

func parseContext(text []byte) *document.Doc {
	doc, err := document.Parse(text, contextLimits)
	if err != nil {
		// The syntax is ours, every text is escaped, and metadata is valid JSON already.
		panic("engine: context document: " + err.Error())
	}
	return doc
}

// ReleaseContext gives the context document's memory back, which makes the next one
// half as dear. It is optional, for when no plugin uses the request any more; a later
// Context builds the document again.
func (r *Request) ReleaseContext() {
	r.context.Release()
	r.brief.Release()
	r.context, r.brief, r.text = nil, nil, document.Node{}
}

// contextLimits let pass whatever the limits of a body let pass: the text may need
// more escapes here than there, and metadata stands one level deeper.
var contextLimits = document.Limits{Bytes: 1 << 30, Depth: 2 * document.DefaultDepth, Nodes: 2 * document.DefaultNodes}

func (r *Request) appendContext(models bool, text string) []byte {
	f := &r.Features
	size := 1024 + len(text) + len(text)/16 + len(f.Metadata.Raw())
	if models {
		size += 256 * len(r.Models)
	}
	b := make([]byte, 0, size)
	b = appendText(b, `{"request":{"model":`, f.Model)
	b = appendText(b, `,"text":`, text)
	b = appendInt(b, `,"chars":`, int64(f.Chars))
	b = appendInt(b, `,"tokens":`, f.Tokens)
	b = appendInt(b, `,"messages":`, int64(f.Messages))
	b = appendBool(b, `,"has_image":`, f.HasImage)
	b = appendBool(b, `,"has_audio":`, f.HasAudio)
	b = appendBool(b, `,"has_tools":`, f.HasTools)
	b = appendBool(b, `,"has_code":`, f.HasCode)
	b = appendText(b, `,"command":`, f.Command)
	b = appendText(b, `,"task_type":`, f.TaskType)
	b = appendBool(b, `,"time_sensitive":`, f.TimeSensitive)
	b = appendBool(b, `,"stream":`, f.Stream)
	b = append(b, `,"metadata":`...)
	if f.Metadata.Kind() == abi.KindObject {
		b = append(b, f.Metadata.Raw()...)
	} else {
		b = append(b, '{', '}')
	}

	p := &r.Principal
	b = appendText(b, `},"caller":{"account":`, p.AccountID)
	b = appendText(b, `,"team":`, p.TeamID)
	b = appendText(b, `,"user":`, p.UserID)
	b = appendText(b, `,"key":`, p.KeyName)
	b = appendText(b, `,"agent":`, r.Agent())
	b = appendText(b, `},"session":{"id":`, r.Hints.SessionID)
	b = appendInt(b, `,"turn":`, r.Session.Turns)
	b = appendText(b, `,"model":`, r.Session.Model)
	b = append(b, '}')
	prefer := r.Prefers()
	b = appendBool(b, `,"prefer":{"vision":`, prefer.Vision)
	b = appendBool(b, `,"speed":`, prefer.Speed)
	b = appendBool(b, `,"cost":`, prefer.Cost)
	b = append(b, '}')
	left, fraction := r.LeftOfBudget()
	b = appendInt(b, `,"budget":{"left_nano_usd":`, left)
	b = append(b, `,"left_fraction":`...)
	b = append(strconv.AppendFloat(b, fraction, 'f', -1, 64), '}')

	at := r.Received.UTC()
	b = appendInt(b, `,"time":{"unix_ms":`, at.UnixMilli())
	b = appendInt(b, `,"hour":`, int64(at.Hour()))
	b = appendInt(b, `,"weekday":`, int64(at.Weekday()))
	b = append(b, '}')
	if !models {
		return append(b, '}')
	}
	b = append(b, `,"models":[`...)
	first := true
	for m := range r.UsableModels() {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendContextModel(b, m, r.ModelState(m))
	}
	return append(b, `]}`...)
}

// UsableModels ranges over those of Models that the caller may use and that a chat can be
// sent to when the request arrived, as they are served then. Read only.
func (r *Request) UsableModels() iter.Seq[*Model] {
	return func(yield func(*Model) bool) {
		for i := range r.Models {
			m := &r.Models[i]
			if !m.Enabled || m.Has(CapEmbeddings) || r.Recorded == nil && !r.Policy.Allows(m.ID) {
				continue
			}
			if !m.RetiresAt.IsZero() && !r.Received.Before(m.RetiresAt) {
				served, _, ok := m.At(r.Received)
				if !ok {
					continue
				}
				m = &served
			}
			if !yield(m) {
				return
			}
		}
	}
}

func appendContextModel(b []byte, m *Model, s ModelState) []byte {
	b = appendText(b, `{"id":`, m.ID)
	b = appendText(b, `,"family":`, m.Family)
	b = appendText(b, `,"tier":`, m.Tier)
	b = appendText(b, `,"provider":`, m.ProviderID)
	b = appendText(b, `,"health":`, s.Health)
	b = appendInt(b, `,"latency_ms":`, s.LatencyMS)
	b = appendInt(b, `,"cost_nano_usd":`, s.CostNanoUSD)
	b = append(b, `,"premium":`...)
	b = strconv.AppendFloat(b, float64(m.PremiumCenti)/100, 'f', -1, 64)
	b = appendInt(b, `,"remaining_requests":`, s.RemainingRequests)
	b = appendInt(b, `,"remaining_tokens":`, s.RemainingTokens)
	b = appendInt(b, `,"context_window":`, m.ContextWindow)
	return append(b, '}')
}

func appendText(b []byte, lead, text string) []byte {
	return document.AppendString(append(b, lead...), text)
}

func appendInt(b []byte, lead string, n int64) []byte {
	return strconv.AppendInt(append(b, lead...), n, 10)
}

func appendBool(b []byte, lead string, v bool) []byte {
	return strconv.AppendBool(append(b, lead...), v)
}
