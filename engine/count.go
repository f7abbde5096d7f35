package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// countWait bounds how long a provider may take to count tokens. Callers count before
// each request: an estimate in time is worth more than a count too late.
const countWait = 10 * time.Second

// countTokens answers {"input_tokens": n} for the target that a chat of that body would
// go to first: its provider's own count, else our estimate, with Meta.Estimated set.
// Errors are those of a request that no chat could be: an unknown model, one that is not
// allowed, a rule's no, a caller who is gone.
func (p *Pipeline) countTokens(ctx context.Context, r *Request) (Completion, error) {
	x, err := p.begin(ctx, r)
	defer x.observeEnd()
	if err != nil {
		switch CodeOf(err) {
		case CodeNoTarget, CodeInvalid, CodeContextLength:
			return x.estimate(), nil // nothing can be asked
		}
		return Completion{Meta: x.meta(nil)}, err
	}
	x.plan.targets = x.plan.targets[:1] // another model counts otherwise
	waiting, cancel := context.WithTimeout(ctx, countWait)
	defer cancel()
	var body []byte
	served, err := x.try(waiting, func(t Target) (err error) {
		body, err = x.complete(waiting, t)
		return err
	})
	switch {
	case err == nil:
		return Completion{Meta: x.meta(&served), Body: body}, nil
	case ctx.Err() != nil:
		return Completion{Meta: x.meta(nil)}, err
	}
	return x.estimate(), nil
}

// estimate is the answer when no provider counts.
func (x *execution) estimate() Completion {
	m := x.meta(nil)
	m.Estimated, x.record.code = true, ""
	return Completion{Meta: m, Body: countBody(max(x.r.Features.Tokens, 1))}
}

// counted reads the canonical answer of an adapter.
func (a *attempt) counted(reply AdapterReply) ([]byte, error) {
	if len(reply.Chunks) == 1 {
		doc := reply.Chunks[0]
		defer doc.Release()
		n := doc.Root().Get("input_tokens")
		if v := n.Int(); n.Kind() == abi.KindNumber && v >= 0 && v <= maxTokens {
			return countBody(v), nil
		}
	}
	return nil, a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent no count.", a.target.Provider.ID), nil, "no count", true)
}

func countBody(n int64) []byte {
	return append(strconv.AppendInt([]byte(`{"input_tokens":`), n, 10), '}')
}

// countPaths are those of nativePaths for counting.
var countPaths = map[API]string{
	APIMessages:  "/v1/messages/count_tokens",
	APIResponses: "/responses/input_tokens",
}

// nativeCount is nativeRequest for a count: the endpoints take what goes into the model
// and refuse the rest (Anthropic's and OpenAI's API references, 2026-08).
func (r *Request) nativeCount(t Target, notes string) AdapterRequest {
	out := AdapterRequest{Path: countPaths[r.Wire]}
	for _, h := range r.Headers {
		if h.Name == nativeHeaders[r.Wire] {
			out.Headers = append(out.Headers, h)
		}
	}
	body := splice{doc: r.Source, out: make([]byte, 0, len(r.Source.Bytes())+64)}
	carries := notesMember(r.Wire)
	body.object(r.Source.Root(), func(name string, value document.Node) change {
		switch name {
		case carries:
			if notes != "" {
				return r.nativeNotes(value, notes)
			}
		case "model":
			return replaced(document.AppendString(nil, t.Model.UpstreamID))
		case "models", "metadata", "stream", "max_tokens", "max_output_tokens", "store", "include", "user", "service_tier",
			"temperature", "top_p", "top_k", "stop_sequences":
			return leftOut
		}
		return asItIs
	}, func() []byte {
		if notes == "" || r.Source.Root().Get(carries).Exists() {
			return nil
		}
		return append([]byte(`"`+carries+`":`), r.nativeNotes(document.Node{}, notes).with...)
	})
	out.Body = body.out
	return out
}

// nativeCounted reads the answer to nativeCount. The caller's is the canonical one all
// the same: there is nothing else in it.
func (a *attempt) nativeCounted() ([]byte, error) {
	a.x.native = false
	doc, err := document.Parse(a.reply.Body, document.Limits{})
	if err != nil {
		return a.counted(AdapterReply{})
	}
	return a.counted(AdapterReply{Chunks: []*document.Doc{doc}})
}
