package engine

import (
	"context"
	"strconv"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// embeddings checks the canonical answer of an adapter and writes the caller's: one
// vector for each input, in order, in the encoding that was asked for.
func (a *attempt) embeddings(ctx context.Context, reply AdapterReply) ([]byte, error) {
	root := a.x.r.Doc.Root()
	provider := a.target.Provider.ID
	bad := func(why string) error {
		if ctx.Err() != nil {
			return a.fail(gone(ctx), ctx.Err(), "canceled", false)
		}
		return a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent embeddings that are not usable: %s.", provider, why), nil, "bad embeddings", true)
	}
	if len(reply.Chunks) != 1 {
		return nil, bad("there is no answer")
	}
	doc := reply.Chunks[0]
	defer doc.Release()
	a.used.completion = true // there is no output to count
	a.used.read(doc.Root().Get("usage"))
	rows, why := orderedRows(doc.Root().Get("data"), embeddingInputs(root))
	if why != "" {
		return nil, bad(why)
	}
	base64Asked := root.Get("encoding_format").Text() == packedVectors
	out := make([]byte, 0, len(doc.Bytes())+256)
	out = append(out, `{"object":"list","data":[`...)
	for i, row := range rows {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"object":"embedding","index":`...)
		out = strconv.AppendInt(out, int64(i), 10)
		out = append(out, `,"embedding":`...)
		if out, why = appendVector(out, row.Get("embedding"), base64Asked); why != "" {
			return nil, bad(why)
		}
		out = append(out, '}')
	}
	out = append(out, `],"model":`...)
	out = document.AppendString(out, a.x.shownModel(a.target))
	tokens, _ := a.used.total(a.x.r.Features.Tokens)
	out = append(out, `,"usage":{"prompt_tokens":`...)
	out = strconv.AppendInt(out, tokens.Prompt, 10)
	out = append(out, `,"total_tokens":`...)
	out = strconv.AppendInt(out, tokens.Prompt, 10)
	return append(out, `}}`...), nil
}

// orderedRows returns the rows by their index, or why they are not those of n inputs. A
// row without an index is taken as it stands.
func orderedRows(data document.Node, n int) (rows []document.Node, why string) {
	if data.Kind() != abi.KindArray {
		return nil, "there are no rows"
	}
	if data.Len() != n {
		return nil, "there are " + strconv.Itoa(data.Len()) + " rows for " + strconv.Itoa(n) + " inputs"
	}
	rows = make([]document.Node, n)
	for i, row := range data.Elements() {
		at := int64(i)
		if index := row.Get("index"); index.Exists() {
			at = index.Int()
			if index.Kind() != abi.KindNumber || at < 0 || at >= int64(n) {
				return nil, "an index is out of range"
			}
		}
		if rows[at].Exists() {
			return nil, "two rows have one index"
		}
		rows[at] = row
	}
	return rows, ""
}
