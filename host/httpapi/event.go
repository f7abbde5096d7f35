package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

// NoticeService keeps what administrators should know of; an *engine.NoticeFeed is one.
type NoticeService interface {
	// After returns the kept notices after that sequence, oldest first, the newest sequence, and
	// a channel that is closed when there are more.
	After(sequence int64) (list []engine.Notice, last int64, changed <-chan struct{})
}

// event is a notice as it is shown.
type event struct {
	ID         int64     `json:"id" doc:"Rises with every event of this process; after a restart it begins again."`
	At         time.Time `json:"at"`
	Kind       string    `json:"kind" example:"credential_suspended" doc:"credential_suspended, credential_restored, rule_suspended, plugin_suspended, budget.threshold, provider.down, provider.recovered, health.status_change; more may come."`
	AccountID  string    `json:"account_id,omitempty" doc:"Left out for what concerns the operator."`
	ProviderID string    `json:"provider_id,omitempty"`
	Subject    string    `json:"subject" doc:"Id of the credential, the rule, name@version of the plugin …"`
	Message    string    `json:"message"`

	Detail json.RawMessage `json:"detail,omitempty" doc:"The same for programs. Of health: subject, from, to, switch, reason, evidence, until."`
}

type (
	eventQuery struct {
		Accept string `header:"Accept" doc:"text/event-stream: events as they come. Else the recent ones."`
		LastID string `header:"Last-Event-ID" maxLength:"32" doc:"Of a stream: the kept events after that one come first."`
	}
	eventList struct {
		Data []event `json:"data" doc:"Newest first."`
	}
)

const eventPath = "/api/v1/events"

func (s *Server) registerEvents() {
	operation(s, huma.Operation{OperationID: "list-events", Method: http.MethodGet, Path: eventPath, Summary: "List, or follow, what went wrong and right again", Tags: []string{"events"},
		Description: "With `Accept: text/event-stream` the answer is a stream in which each event is one JSON object; else it is the list of the newest thousand. A super admin sees every event, another key those of its account. " +
			"A stream also has `usage.totals`, at first and then at most once a second when they changed: today's sums of the key's account, for a super admin of all accounts; and overhead_p95_us, what this process itself took for 95 of 100 requests of the last minutes."}, s.listEvents)
	schema := s.api.OpenAPI().Components.Schemas
	s.api.OpenAPI().Paths[eventPath].Get.Responses["200"] = &huma.Response{
		Description: "OK",
		Content: map[string]*huma.MediaType{
			"application/json":  {Schema: huma.SchemaFromType(schema, reflect.TypeFor[eventList]())},
			"text/event-stream": {Schema: huma.SchemaFromType(schema, reflect.TypeFor[event]())},
		},
	}
}

func shownEvent(n engine.Notice) event {
	return event{ID: n.Sequence, At: n.At, Kind: n.Kind, AccountID: n.AccountID, ProviderID: n.ProviderID, Subject: n.Subject, Message: n.Message, Detail: json.RawMessage(n.Detail)}
}

func (s *Server) listEvents(ctx context.Context, in *eventQuery) (*huma.StreamResponse, error) {
	rq := requestOf(ctx)
	list, last, _ := s.cfg.Notices.After(0)
	out := eventList{Data: []event{}}
	for _, n := range slices.Backward(list) {
		if n.VisibleTo(rq.principal) {
			out.Data = append(out.Data, shownEvent(n))
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		c := humafiber.Unwrap(hctx)
		if strings.Contains(in.Accept, "text/event-stream") && c.Request().Header.IsHTTP11() {
			s.followEvents(c, rq, last, in.LastID)
			return
		}
		hctx.SetHeader("Content-Type", "application/json")
		_, _ = hctx.BodyWriter().Write(body)
	}}, nil
}

// followEvents answers with the events after the one named, else those after last.
func (s *Server) followEvents(c *fiber.Ctx, rq *request, last int64, named string) {
	if id, err := strconv.ParseInt(named, 10, 64); err == nil && id >= 0 && id < last {
		last = id
	}
	fctx := c.Context()
	h := &fctx.Response.Header
	h.SetContentType("text/event-stream; charset=utf-8")
	h.Set(fiber.HeaderCacheControl, "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx: do not collect events
	source := &noticeStream{s: s, again: s.follower(&fctx.Request.Header), last: last, totals: s.followTotals(rq.principal)}
	rq.streaming = true
	s.listeners.Add(1)
	fctx.Response.SetBodyStream(s.newEventStream(rq, source, eventFraming{}, fctx.Conn(), func() { s.listeners.Add(-1) }), -1)
}

// noticeStream is the notices that a key may see, as they come, and its totals. It
// implements engine.Stream.
type noticeStream struct {
	s       *Server
	again   func() (engine.Principal, error) // asked before each event: a key that is revoked, or may less, sees no more
	last    int64
	totals  *totalsFeed
	waiting []engine.Notice
	framed  []byte
}

// Next returns one event, framed.
func (n *noticeStream) Next(ctx context.Context) ([]byte, error) {
	for {
		if len(n.waiting) > 0 {
			notice := n.waiting[0]
			n.waiting = n.waiting[1:]
			p, ok := n.allowed()
			if !ok {
				return nil, io.EOF
			}
			if notice.VisibleTo(p) {
				return n.frame(notice)
			}
			continue
		}
		var news <-chan struct{}
		if n.waiting, n.last, news = n.s.cfg.Notices.After(n.last); len(n.waiting) > 0 {
			continue
		}
		text, others, err := n.totals.next()
		if err != nil {
			return nil, err
		}
		if text != nil {
			if p, ok := n.allowed(); !ok || !n.totals.of(p) {
				return nil, io.EOF
			}
			n.framed = appendEvent(append(n.framed[:0], "event: usage.totals\n"...), text)
			return n.framed, nil
		}
		select {
		case <-news:
		case <-others:
		case <-n.s.closing: // whoever listens goes on at another process
			return nil, io.EOF
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// follower returns what says who sends the request, as long as its key or session holds.
func (s *Server) follower(h *fasthttp.RequestHeader) func() (engine.Principal, error) {
	if inSession(h) {
		cookie, _ := sessionCookie(h)
		return func() (engine.Principal, error) {
			ctx, cancel := context.WithTimeout(s.base, loginTimeout)
			defer cancel()
			live, err := s.cfg.Logins.Check(ctx, cookie.secret)
			return live.Principal, err
		}
	}
	key, _ := credential(h)
	return func() (engine.Principal, error) { return s.cfg.Keys.Authenticate(key, s.cfg.Now()) }
}

// allowed is who the key is of, if it may still follow.
func (n *noticeStream) allowed() (engine.Principal, bool) {
	p, err := n.again()
	return p, err == nil && policies["GET "+eventPath].of(http.MethodGet, eventPath).refuses(p) == nil
}

func (n *noticeStream) frame(notice engine.Notice) ([]byte, error) {
	text, err := json.Marshal(shownEvent(notice))
	if err != nil {
		return nil, err
	}
	n.framed = append(strconv.AppendInt(append(n.framed[:0], "id: "...), notice.Sequence, 10), "\nevent: "...)
	n.framed = append(append(n.framed, notice.Kind...), '\n')
	n.framed = appendEvent(n.framed, text)
	return n.framed, nil
}

// Close implements engine.Stream.
func (n *noticeStream) Close() { n.totals.stop() }

// eventFraming passes framed events on.
type eventFraming struct{}

func (eventFraming) chunk(dst, chunk []byte) ([]byte, error) { return append(dst, chunk...), nil }
func (eventFraming) done(dst []byte) ([]byte, error)         { return dst, nil }
func (eventFraming) failed(dst []byte, _ *failure) []byte    { return dst }
func (eventFraming) ping(dst []byte) []byte                  { return append(dst, eventPing...) }
