package engine

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxContinued bounds the text that another target may be asked to go on from, in bytes.
const maxContinued = 1 << 20

// continuing is a stream that goes on at another target when it is cut, for rules that
// allow it. It implements Stream.
// See RATIONALE.md, "When does a cut stream go on elsewhere?".
type continuing struct {
	x      *execution
	inner  Stream
	served Target

	id      string // of the first leg's chunks, as JSON
	model   string // and their model
	text    []byte // said so far
	odd     bool   // something else was said, or the choice is finished
	blank   bool   // blanks at the text's end were not sent along: the next leg may repeat them
	later   bool   // this is not the first leg
	doc     *document.Doc
	chunk   []byte
	closing func()
	tell    func() // see BeforeWait; may be nil
}

// continued wraps the stream when its rule and its request allow that it goes on.
func (x *execution) continued(s Stream, served Target) Stream {
	if !x.plan.decision.Continue || x.native || !x.r.continuable() || len(x.heirs(served)) == 0 {
		return s
	}
	x.p.flight.enter() // between two legs nothing else counts
	x.goes = true
	return &continuing{x: x, inner: s, served: served, closing: func() { x.done(); x.p.flight.leave() }}
}

// continuable reports whether the answer to the request is one plain text.
func (r *Request) continuable() bool {
	root := r.Doc.Root()
	format := root.Get("response_format").Get("type").Text()
	if root.Get("n").Int() > 1 || format != "" && format != "text" {
		return false
	}
	for _, name := range [...]string{"reasoning_effort", "thinking", "logprobs", "audio"} {
		if n := root.Get(name); n.Exists() && n.Kind() != abi.KindNull {
			return false
		}
	}
	return r.operation() == abi.OperationChat
}

// heirs are the targets behind that one which can go on from a beginning.
func (x *execution) heirs(served Target) []Target {
	at := slices.IndexFunc(x.plan.targets, func(t Target) bool { return t.Model.ID == served.Model.ID })
	var list []Target
	for _, t := range x.plan.targets[at+1:] {
		if t.Model.Has(CapPrefill) && !t.Substituted { // of a replacement it is not known
			list = append(list, t)
		}
	}
	return list
}

// Next implements Stream.
func (c *continuing) Next(ctx context.Context) ([]byte, error) {
	for {
		chunk, err := c.inner.Next(ctx)
		switch {
		case err == nil:
			return c.pass(chunk)
		case !c.broken(ctx, err) || !c.resume(ctx, err):
			c.odd = true // the end is the end, also when it is asked for again
			return nil, err
		}
	}
}

// BeforeWait implements Forewarner.
func (c *continuing) BeforeWait(tell func()) {
	c.tell = tell
	beforeWait(c.inner, tell)
}

func beforeWait(s Stream, tell func()) {
	if f, ok := s.(Forewarner); ok && tell != nil {
		f.BeforeWait(tell)
	}
}

// Close implements Stream.
func (c *continuing) Close() {
	c.inner.Close()
	if c.closing != nil {
		c.closing()
		c.closing = nil
		if c.doc != nil {
			c.doc.Release()
		}
	}
}

// broken reports whether that end may be mended.
func (c *continuing) broken(ctx context.Context, err error) bool {
	var f *attemptError
	return errors.As(err, &f) && f.retryable && f.asked && ctx.Err() == nil && c.x.left() > 0 &&
		!c.odd && len(strings.TrimSpace(string(c.text))) > 0 && c.x.attempts < c.x.p.cfg.MaxAttempts
}

// resume asks the next target to go on. When none can, the first failure stands.
func (c *continuing) resume(ctx context.Context, err error) bool {
	x := c.x
	heirs := x.heirs(c.served)
	if !x.failed(ctx, c.served, err) || len(heirs) == 0 {
		return false
	}
	// A vendor refuses a beginning that ends in a blank.
	said := strings.TrimRight(string(c.text), " \t\r\n")
	r := *x.r
	var parseErr error
	if r.Doc, parseErr = prefilled(x.r.Doc, said); parseErr != nil {
		return false
	}
	r.Source = nil
	if c.tell != nil {
		c.tell()
	}
	if x.p.joins(&r) {
		r.Session.Model, r.Session.Agent = c.served.Model.ID, r.Agent()
	}
	r.Features.Tokens += estimateTokens(int64(len(said)))
	before := c.doc
	x.r, c.doc = &r, r.Doc
	x.plan.targets, x.plan.continued = heirs, true
	var next Stream
	served, err := x.try(ctx, func(t Target) (err error) {
		next, err = x.stream(ctx, t, nil)
		return err
	})
	if err != nil {
		return false
	}
	x.served(served, true)
	c.inner.Close()
	if before != nil {
		before.Release()
	}
	beforeWait(next, c.tell)
	c.inner, c.served, c.later, c.blank = next, served, true, len(said) < len(c.text)
	return true
}

// prefilled is the conversation with an assistant message that has begun.
func prefilled(doc *document.Doc, said string) (*document.Doc, error) {
	_, end := doc.Root().Get("messages").Span()
	with := document.AppendString([]byte(`,{"role":"assistant","content":`), said)
	text := document.Splice(nil, doc, document.Edit{Start: end - 1, End: end - 1, With: append(with, '}')})
	return document.Parse(text, document.Limits{})
}

// pass notes what a chunk says; one of a later leg is made to look like the first's.
func (c *continuing) pass(chunk []byte) ([]byte, error) {
	doc, err := document.Parse(chunk, document.Limits{})
	if err != nil {
		return nil, &Error{Code: CodeInternal, Message: "Internal error.", Err: err}
	}
	defer doc.Release()
	root := doc.Root()
	var edits []document.Edit
	if !c.later {
		c.id, c.model = string(root.Get("id").Raw()), string(root.Get("model").Raw())
	} else {
		edits = overwritten(edits, root.Get("id"), c.id)
		edits = overwritten(edits, root.Get("model"), c.model)
	}
	for _, choice := range root.Get("choices").Elements() {
		c.odd = c.odd || choice.Get("finish_reason").Kind() == abi.KindString && choice.Get("finish_reason").Len() > 0
		delta := choice.Get("delta")
		for name, value := range delta.Members() {
			switch {
			case name == "role", name == "content" && value.Kind() == abi.KindString, value.Kind() == abi.KindNull:
			case value.Len() > 0:
				c.odd = true
			}
		}
		content := delta.Get("content")
		said := content.Text()
		if c.blank && said != "" {
			said = strings.TrimLeft(said, " \t\r\n")
			edits = overwritten(edits, content, string(document.AppendString(nil, said)))
			c.blank = said == ""
		}
		c.text = append(c.text, said...)
	}
	c.odd = c.odd || len(c.text) > maxContinued
	if len(edits) == 0 {
		return chunk, nil
	}
	slices.SortFunc(edits, func(a, b document.Edit) int { return a.Start - b.Start })
	c.chunk = document.Splice(c.chunk[:0], doc, edits...)
	return c.chunk, nil
}

func overwritten(edits []document.Edit, n document.Node, with string) []document.Edit {
	if !n.Exists() || with == "" {
		return edits
	}
	start, end := n.Span()
	return append(edits, document.Edit{Start: start, End: end, With: []byte(with)})
}
