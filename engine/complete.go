package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// complete makes one attempt that is not streamed and returns the caller's JSON.
func (x *execution) complete(ctx context.Context, t Target) ([]byte, error) {
	a, err := x.send(ctx, t, false)
	if err != nil {
		return nil, err
	}
	body, err := a.answer(ctx)
	a.settle(err)
	a.close()
	return body, err
}

// answer takes the provider's answer through the adapter.
func (a *attempt) answer(ctx context.Context) (body []byte, err error) {
	defer a.contain(ctx, &err)
	a.first = a.returned - a.after
	if a.native && a.x.r.operation() == abi.OperationCountTokens {
		return a.nativeCounted()
	}
	if a.native {
		if body, ok := a.nativeAnswer(); ok {
			return body, nil
		}
	}
	if doc := a.plainAnswer(); doc != nil {
		return a.chatBody(doc), nil
	}
	if err := a.open(); err != nil {
		return nil, err
	}
	began := a.calling()
	reply, err := a.adapter.Response(ctx, a.reply, a.reply.Body)
	a.called(stepResponse, began, err)
	if err != nil {
		return nil, a.adapterFailed(ctx, err)
	}
	if reply.Failure != nil {
		return nil, a.reported(reply)
	}
	if a.native {
		// It is no failure in the adapter's eyes, and yet not the wire that was asked for.
		return nil, a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent an answer that cannot be read.", a.target.Provider.ID), nil, "no answer", true)
	}
	a.x.lose(reply.Lossy)
	switch a.x.r.operation() {
	case abi.OperationEmbeddings:
		return a.embeddings(ctx, reply)
	case abi.OperationCountTokens:
		return a.counted(reply)
	}
	var choices document.Node
	if len(reply.Chunks) == 1 {
		choices = reply.Chunks[0].Root().Get("choices")
	}
	if choices.Kind() != abi.KindArray || choices.Len() == 0 {
		return nil, a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent an answer without choices.", a.target.Provider.ID), nil, "no choices", true)
	}
	return a.chatBody(reply.Chunks[0]), nil
}

// chatBody counts a canonical answer and makes the caller's of it. It releases the document.
func (a *attempt) chatBody(doc *document.Doc) []byte {
	root := doc.Root()
	for _, choice := range root.Get("choices").Elements() {
		a.used.output += outputBytes(choice.Get("message"))
	}
	a.used.read(root.Get("usage"))
	model := a.x.shownModel(a.target)
	quoted := document.AppendString(make([]byte, 0, len(model)+2), model)
	var places [1]document.Edit
	body := appendQuotedModel(make([]byte, 0, len(doc.Bytes())+len(quoted)+16), doc, quoted, places[:0])
	doc.Release()
	return body
}

// nativeAnswer is the provider's own answer, with the model that the caller knows. ok is
// false when it is none.
func (a *attempt) nativeAnswer() (body []byte, ok bool) {
	doc, err := document.Parse(a.reply.Body, document.Limits{})
	if err != nil {
		return nil, false
	}
	defer doc.Release()
	root, wire := doc.Root(), a.x.r.Wire
	if !nativeWhole(wire, root) {
		return nil, false
	}
	a.used.output += nativeBytes(wire, root)
	a.used.readNative(wire, root.Get("usage"))
	return appendWithModel(make([]byte, 0, len(a.reply.Body)+64), doc, root, a.x.nativeModel(a.target)), true
}

// lose adds names to what could not be carried, each once.
func (x *execution) lose(names []string) {
	for _, name := range names {
		if !slices.Contains(x.lossy, name) {
			x.lossy = append(x.lossy, name)
		}
	}
}

// shownModel is the body's model: what the caller asked for, for auto what served.
func (x *execution) shownModel(t Target) string {
	if x.r.Model == ModelAuto {
		return t.Model.ID
	}
	return x.r.Model
}

// appendQuotedModel appends the document with its top-level model replaced, or added, and
// the other edits made, which may not touch the model. quoted is the model as JSON.
func appendQuotedModel(dst []byte, doc *document.Doc, quoted []byte, edits []document.Edit) []byte {
	root := doc.Root()
	if n := root.Get("model"); n.Exists() {
		start, end := n.Span()
		edits = append(edits, document.Edit{Start: start, End: end, With: quoted})
	} else {
		start, _ := root.Span()
		member := append([]byte(`"model":`), quoted...)
		if root.Len() > 0 {
			member = append(member, ',')
		}
		edits = append(edits, document.Edit{Start: start + 1, End: start + 1, With: member})
	}
	slices.SortFunc(edits, func(a, b document.Edit) int { return cmp.Or(a.Start-b.Start, a.End-b.End) })
	return document.Splice(dst, doc, edits...)
}
