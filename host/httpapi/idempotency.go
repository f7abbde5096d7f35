package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/pointsman/pointsman/engine"
)

const (
	headerIdempotencyKey = "Idempotency-Key"
	headerReplayed       = "Idempotent-Replayed"
	headerReplayedID     = "X-Pointsman-Replayed-Request-Id" // of the request that was answered first
	headerShouldRetry    = "X-Should-Retry"
)

// idempotencyPatience is how long the store may take to claim a key, or to end the claim.
const idempotencyPatience = 5 * time.Second

// keptHeaders are the headers that a replayed answer has as the first one had them.
var keptHeaders = []string{
	fiber.HeaderContentType, fiber.HeaderCacheControl, "X-Accel-Buffering",
	"X-Pointsman-Model", "X-Pointsman-Provider", "X-Pointsman-Rule", "X-Pointsman-Decision", "X-Pointsman-Substituted",
	"X-Pointsman-Lossy", "X-Pointsman-Attempts", headerEstimated, "X-Pointsman-Simulated",
}

// IdempotencyService keeps the answers of requests that carry an Idempotency-Key. Errors of Claim:
// *engine.Error.
type IdempotencyService interface {
	// Claim takes the key for a request of which nothing was sent yet. It returns the claim, which
	// one of the others must end, or the answer of an earlier request instead.
	Claim(ctx context.Context, r engine.IdempotentRequest) (engine.IdempotencyKey, *engine.IdempotentAnswer, error)
	// Keep keeps the answer, of which it holds nothing on return; Lose says that there is none to
	// be given again; Release forgets the request.
	Keep(ctx context.Context, claim engine.IdempotencyKey, answer engine.IdempotentAnswer) error
	Lose(ctx context.Context, claim engine.IdempotencyKey) error
	Release(ctx context.Context, claim engine.IdempotencyKey) error
}

// keyed is a request that carries an Idempotency-Key. A nil one carries none, and its methods do
// nothing. One goroutine uses it at a time.
// See ../idempotency/RATIONALE.md, "What does a repeat get?".
type keyed struct {
	s       *Server
	rq      *request
	request engine.IdempotentRequest
	claim   engine.IdempotencyKey
	open    bool // the claim is not ended yet
	answer  engine.IdempotentAnswer
	large   bool // the answer is, so that it is not kept
}

// keyed returns the request with its key, nil when it has none.
func (s *Server) keyed(c *fiber.Ctx, body []byte) (*keyed, *failure) {
	keys := c.Request().Header.PeekAll(headerIdempotencyKey)
	if len(keys) == 0 {
		return nil, nil
	}
	rq := requestOf(c.Context())
	switch rq.route {
	case chatPath, messagesPath, responsesPath, embeddingsPath:
	default: // to count tokens costs nothing
		return nil, nil
	}
	if len(keys) > 1 || !isIdempotencyKey(keys[0]) {
		return nil, invalid("idempotency-key", "'idempotency-key' must be one header of 1 to 255 printable ASCII characters.")
	}
	digest := sha256.Sum256(keys[0])
	return &keyed{s: s, rq: rq, request: engine.IdempotentRequest{
		AccountID: rq.principal.AccountID, RequestID: rq.id, Received: rq.received,
		Digest: digest[:], Fingerprint: fingerprint(rq, body),
	}}, nil
}

func isIdempotencyKey(key []byte) bool {
	return len(key) >= 1 && len(key) <= engine.MaxIdempotencyKey &&
		!slices.ContainsFunc(key, func(c byte) bool { return c < ' ' || c > '~' })
}

// fingerprint tells requests apart: by route, user and body. Each part but the last has its
// length before it.
func fingerprint(rq *request, body []byte) []byte {
	head := make([]byte, 0, 64)
	for _, part := range [...]string{rq.route, rq.principal.UserID} {
		head = binary.BigEndian.AppendUint32(head, uint32(len(part)))
		head = append(head, part...)
	}
	hash := sha256.New()
	hash.Write(head)
	hash.Write(body)
	return hash.Sum(nil)
}

// begin claims the key, before anything is sent. replayed says that there was an answer, and
// that it is written.
func (k *keyed) begin(c *fiber.Ctx) (replayed bool, err error) {
	if k == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(k.rq.ctx, idempotencyPatience)
	defer cancel()
	claim, answer, err := k.s.cfg.Idempotency.Claim(ctx, k.request)
	switch {
	case err != nil:
		if code := engine.CodeOf(err); code == engine.CodeIdempotencyLost || code == engine.CodeIdempotencyReused {
			c.Response().Header.Set(headerShouldRetry, "false") // SDKs send 409 again
		}
		return false, err
	case answer != nil:
		k.replay(c, answer)
		return true, nil
	}
	k.claim, k.open = claim, true
	return false, nil
}

// replay writes a kept answer. The request's own id stays, and what is left of limits is not told.
func (k *keyed) replay(c *fiber.Ctx, answer *engine.IdempotentAnswer) {
	h := &c.Response().Header
	for _, pair := range answer.Headers {
		h.Set(pair.Name, pair.Value)
	}
	h.Set(headerReplayed, "true")
	h.Set(headerReplayedID, answer.RequestID)
	h.Set("X-Pointsman-Overhead-Us", strconv.FormatInt(time.Since(k.rq.began).Microseconds(), 10))
	c.Status(answer.Status)
	c.Response().SetBodyRaw(answer.Body)
}

// ended ends the claim of a request that is answered, or failed before its answer began. It returns
// err, or nil when it has written that failure: then it is an answer that is kept.
func (k *keyed) ended(c *fiber.Ctx, err error) error {
	if k == nil || !k.open {
		return err
	}
	if err != nil {
		switch f := during(k.rq.ctx, err); {
		case k.mayDiffer(f):
			k.end(k.s.cfg.Idempotency.Release)
			return err
		case isCutOff(f): // a failure of this request's, not of what it asked for
			k.abandon()
			return err
		}
		if faltered(err) {
			k.s.gate.falter()
		}
		if err = k.s.respond(c, err); err != nil {
			return err
		}
	}
	k.heads(&c.Response().Header)
	k.add(c.Response().Body())
	k.keep()
	return nil
}

// mayDiffer reports whether a failure cost nothing and may be another one, or none, the next
// time. One that was cut off counts among those while nothing was charged.
func (k *keyed) mayDiffer(f *failure) bool {
	switch {
	case k.rq.meta.Attempts == 0:
		return true
	case k.rq.meta.Charged:
		return false
	}
	return isCutOff(f) || f.status == http.StatusTooManyRequests || f.status >= http.StatusInternalServerError
}

// isCutOff reports whether a request ended because its caller left, or by a shutdown.
func isCutOff(f *failure) bool {
	return f.code == string(engine.CodeCanceled) || f.code == codeShuttingDown
}

// outlives reports whether the request goes on when its caller leaves: its answer is kept for the
// repeat. What a stream has sent nobody can be given again, so it ends with its caller.
func (k *keyed) outlives(r *engine.Request) bool { return k != nil && !r.Stream }

// heads notes status and headers of the answer.
func (k *keyed) heads(h *fasthttp.ResponseHeader) {
	if k == nil {
		return
	}
	k.answer.Status = h.StatusCode()
	for _, name := range keptHeaders {
		if value := h.Peek(name); len(value) > 0 {
			k.answer.Headers = append(k.answer.Headers, engine.Pair{Name: name, Value: string(value)})
		}
	}
}

// add appends to the answer's body.
func (k *keyed) add(part []byte) {
	if k.large = k.large || len(k.answer.Body)+len(part) > engine.MaxIdempotentAnswer; k.large {
		k.answer.Body = nil
		return
	}
	k.answer.Body = append(k.answer.Body, part...)
}

// streamed notes events that are about to be sent. over says that they are the last ones, and
// whole that nothing is missing.
func (k *keyed) streamed(events []byte, over, whole bool) {
	if k == nil || !k.open {
		return
	}
	k.add(events)
	switch {
	case over && whole:
		k.keep()
	case over, k.s.cfg.Now().After(k.claim.LeaseUntil.Add(-engine.IdempotencyMargin)):
		// Nobody may take the key for that of a dead process while a slow reader is still served.
		k.abandon()
	}
}

// keep ends the claim with the answer.
func (k *keyed) keep() {
	if k.large {
		k.abandon()
		return
	}
	k.end(func(ctx context.Context, claim engine.IdempotencyKey) error {
		return k.s.cfg.Idempotency.Keep(ctx, claim, k.answer)
	})
}

// abandon ends the claim, if it is open, of a request that has no whole answer, and may have been paid.
func (k *keyed) abandon() {
	if k != nil {
		k.end(k.s.cfg.Idempotency.Lose)
	}
}

// end ends the claim, once. Where that fails it stands until its lease ends, so that a repeat is
// refused meanwhile.
func (k *keyed) end(how func(context.Context, engine.IdempotencyKey) error) {
	if !k.open {
		return
	}
	k.open = false
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.rq.ctx), idempotencyPatience)
	defer cancel()
	if err := how(ctx, k.claim); err != nil {
		k.s.cfg.Logger.Error().Str("request_id", k.rq.id).Err(err).Msg("idempotency key not ended")
	}
	k.answer.Body = nil
}

// noIdempotency keeps nothing, and says so.
type noIdempotency struct{}

func (noIdempotency) Claim(context.Context, engine.IdempotentRequest) (engine.IdempotencyKey, *engine.IdempotentAnswer, error) {
	return engine.IdempotencyKey{}, nil, engine.Errorf(engine.CodeIdempotencyUnavailable, "Idempotency-Key is not honoured here. Send the request without it.")
}

func (noIdempotency) Keep(context.Context, engine.IdempotencyKey, engine.IdempotentAnswer) error {
	return nil
}
func (noIdempotency) Lose(context.Context, engine.IdempotencyKey) error    { return nil }
func (noIdempotency) Release(context.Context, engine.IdempotencyKey) error { return nil }
