package engine

import (
	"context"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// complete makes one attempt that is not streamed and returns the caller's JSON.
func (x *execution) complete(ctx context.Context, t Target) (body []byte, err error) {
	a, err := x.send(ctx, t, false)
	if err != nil {
		return nil, err
	}
	defer func() {
		a.settle(err)
		a.close()
	}()
	a.first = time.Since(a.began)
	reply, err := a.adapter.Response(ctx, a.reply, a.reply.Body)
	if err != nil {
		return nil, a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent an answer that cannot be read.", t.Provider.ID), err, "unreadable answer", true)
	}
	if reply.Failure != nil {
		var shown document.Node
		if len(reply.Chunks) > 0 {
			shown = reply.Chunks[0].Root().Get("error")
		}
		failure := *reply.Failure
		if failure.Class == abi.ClassNone {
			failure.Class = abi.ClassServer
		}
		return nil, a.classed(failure, shown, nil)
	}
	x.lossy = append(x.lossy, reply.Lossy...)
	if len(reply.Chunks) != 1 || reply.Chunks[0].Root().Get("choices").Kind() != abi.KindArray {
		return nil, a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent an answer without choices.", t.Provider.ID), nil, "no choices", true)
	}
	doc := reply.Chunks[0]
	root := doc.Root()
	a.tokens, a.counted = readUsage(root.Get("usage"))
	for _, choice := range root.Get("choices").Elements() {
		a.output += outputBytes(choice.Get("message"))
	}
	body = appendModel(nil, doc, x.shownModel(t))
	doc.Release()
	return body, nil
}

// shownModel is the body's model: what the caller asked for, for auto what served.
func (x *execution) shownModel(t Target) string {
	if x.r.Model == ModelAuto {
		return t.Model.ID
	}
	return x.r.Model
}

// appendModel appends the document with its top-level model replaced, or added.
func appendModel(dst []byte, doc *document.Doc, model string) []byte {
	root := doc.Root()
	quoted := document.AppendString(make([]byte, 0, len(model)+2), model)
	if n := root.Get("model"); n.Exists() {
		start, end := n.Span()
		return document.Splice(dst, doc, document.Edit{Start: start, End: end, With: quoted})
	}
	start, _ := root.Span()
	member := append([]byte(`"model":`), quoted...)
	if root.Len() > 0 {
		member = append(member, ',')
	}
	return document.Splice(dst, doc, document.Edit{Start: start + 1, End: start + 1, With: member})
}

// outputBytes is how much text a message or delta carries, for estimates.
func outputBytes(message document.Node) int64 {
	n := int64(0)
	for _, name := range [...]string{"content", "refusal", "reasoning_content"} {
		if text := message.Get(name); text.Kind() == abi.KindString {
			n += int64(text.Len())
		}
	}
	for _, call := range message.Get("tool_calls").Elements() {
		f := call.Get("function")
		n += int64(f.Get("name").Len() + f.Get("arguments").Len())
	}
	return n
}
