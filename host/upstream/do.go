package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// Bounds on the body of a failed answer (status ≥ 300). It only explains; an
// attempt that will fail over must not wait for it.
const (
	maxErrorBody  = 1 << 20
	errorBodyTime = 10 * time.Second
)

// Do implements engine.Upstream. What is more than its contract says:
//
//   - ctx stays in force until the answer is closed; while events are read, the
//     context of the last Next takes its place.
//   - A failed answer (status ≥ 300) whose body is compressed, cut, too long or
//     late keeps its status and has an empty Body.
//   - A streamed 2xx answer with a content type of another framing, and a
//     compressed 2xx answer, are refused with CodeUpstreamFailed.
//   - Time-outs while connecting are CodeUpstreamFailed: no byte of the request
//     was sent then, so nothing can be billed.
//   - A method, path or header that cannot be sent is CodePluginFailed.
//   - Of the answer's headers only those of an allow-list can be read.
//   - Where the provider echoes the credential, Body, events and fields hold
//     asterisks instead.
func (c *Client) Do(ctx context.Context, r *engine.UpstreamRequest) (*engine.UpstreamResponse, error) {
	x := &call{}
	out := &x.out
	if err := c.prepare(out, r); err != nil {
		return nil, err
	}
	in, err := c.wire.roundTrip(ctx, out)
	if err != nil {
		return nil, err
	}
	x.in = in
	reply := &x.reply
	reply.Status, reply.Field, reply.Close = in.status(), x.field, closeNothing
	if in.status() >= 300 {
		reply.Body = c.failedBody(in, out)
		return reply, nil
	}
	if coding := in.field("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		in.close()
		return nil, engine.Errorf(engine.CodeUpstreamFailed, "Provider %s sent a compressed answer, which was not asked for.", out.provider)
	}
	if !r.Stream {
		if reply.Body, err = c.wholeBody(in, out); err != nil {
			return nil, err
		}
		return reply, nil
	}
	frames, err := newFraming(r.Framing, c.cfg.MaxEvent)
	if err != nil {
		in.close()
		return nil, err
	}
	if kind := mediaType(in.field("Content-Type")); !frames.accepts(kind) {
		in.close()
		return nil, engine.Errorf(engine.CodeUpstreamFailed, "Provider %s answered a streamed request with content type %q.", out.provider, printable(blotText(kind, out.secret)))
	}
	x.events = eventReader{
		in:     in,
		body:   bounded{source: in, left: c.cfg.MaxStream},
		frames: frames,
		out:    out,
	}
	reply.Events, reply.Close = &x.events, x.events.Close
	return reply, nil
}

// call is what one Do needs, in one piece of memory.
type call struct {
	reply  engine.UpstreamResponse
	out    outgoing
	in     answer
	events eventReader // of a stream
}

func (x *call) field(name string) string {
	if !shown(name) {
		return ""
	}
	return blotText(x.in.field(name), x.out.secret)
}

func closeNothing() {}

// wholeBody reads the body of a good plain answer and ends the exchange.
func (c *Client) wholeBody(in answer, out *outgoing) ([]byte, error) {
	defer in.close()
	body, err := readAll(in, in.room(), in.length(), c.cfg.MaxBody)
	switch {
	case err == nil:
		blot(body, out.secret)
		return body, nil
	case errors.Is(err, errTooLong):
		return nil, engine.Errorf(engine.CodeUpstreamFailed, "Provider %s sent an answer of more than %d bytes.", out.provider, c.cfg.MaxBody)
	}
	return nil, in.failure(err, engine.CodeUpstreamFailed)
}

// failedBody reads what a failed answer says, if it can be had in time.
func (c *Client) failedBody(in answer, out *outgoing) []byte {
	defer in.close()
	if coding := in.field("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return []byte{}
	}
	in.until(time.Now().Add(errorBodyTime))
	body, err := readAll(in, in.room(), in.length(), min(maxErrorBody, c.cfg.MaxBody))
	if err != nil {
		return []byte{}
	}
	blot(body, out.secret)
	return body
}

// readAll reads r to its end into room, which is empty, or into more memory. length is
// what the sender announced, -1 for unknown: it is believed only as far as 64 KiB, so a
// lie costs no memory.
func readAll(r io.Reader, room []byte, length int64, limit int) ([]byte, error) {
	if length > int64(limit) {
		return nil, errTooLong
	}
	const trusted = 64 << 10
	buf := room
	if cap(buf) == 0 {
		size := 4 << 10
		if length >= 0 {
			size = int(min(length, trusted))
		}
		buf = make([]byte, 0, size)
	}
	for int64(len(buf)) != length {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), max(2*cap(buf), 512))
			copy(grown, buf)
			buf = grown
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > limit {
			return nil, errTooLong
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return buf, nil
}

// minSecret is the length from which a credential is blotted out where a
// provider echoes it. A shorter one is no secret, and might be a word.
const minSecret = 12

// blot overwrites every occurrence of the secret; the length stays.
func blot(b []byte, secret string) {
	if len(secret) < minSecret {
		return
	}
	for {
		at := bytes.Index(b, []byte(secret))
		if at < 0 {
			return
		}
		for i := range len(secret) {
			b[at+i] = '*'
		}
		b = b[at+len(secret):]
	}
}

func blotText(s, secret string) string {
	if len(secret) < minSecret || !strings.Contains(s, secret) {
		return s
	}
	return strings.ReplaceAll(s, secret, strings.Repeat("*", len(secret)))
}

// mediaType is a content type without its parameters, in lower case.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// printable is a text of the provider's, safe to show.
func printable(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// bounded is a body that may not be longer than left bytes.
type bounded struct {
	source
	left int64
}

func (b *bounded) more() ([]byte, error) {
	if b.left <= 0 {
		return nil, errTooLong
	}
	p, err := b.source.more()
	return p[:min(int64(len(p)), b.left)], err
}

func (b *bounded) take(n int) {
	b.left -= int64(n)
	b.source.take(n)
}
