package engine

import (
	"slices"
	"strings"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/engine/wire"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Paths of the wires that are passed on, relative to the base URL. The manifest of an
// adapter that lists a wire as native has base URLs for which they hold.
var nativePaths = map[API]string{
	APIMessages:  "/v1/messages",
	APIResponses: "/responses",
}

// nativeHeaders are the headers of the caller that go along, as far as they are in
// Request.Headers.
var nativeHeaders = map[API]string{
	APIMessages:  "anthropic-beta",
	APIResponses: "openai-beta",
}

// speaks reports whether the target can be sent the caller's own body: it is called by
// the wire that the caller speaks, its adapter lists that wire as native, and nothing in
// the body needs the adapter's knowledge of the model or the server.
// See RATIONALE.md, "When is a request passed on as it is?".
func (r *Request) speaks(m *Model, p *Provider, adapter *ManifestProvider) bool {
	if r.Source == nil || adapter == nil || r.operation() == abi.OperationEmbeddings {
		return false
	}
	if _, ok := nativePaths[r.Wire]; !ok || m.API != r.Wire || !slices.Contains(adapter.Native, string(r.Wire)) {
		return false
	}
	if p.ConfigNode().Len() > 0 {
		return false // quirks of the server, which the guest knows
	}
	root := r.Source.Root()
	// What another provider answered earlier only the guest can take out.
	if r.Wire == APIMessages && wire.ForeignMessages(root) || r.Wire == APIResponses && wire.ForeignInput(root) {
		return false
	}
	for _, names := range m.Unsupported {
		if r.hasAll(root, names) {
			return false
		}
	}
	for name := range m.Rename {
		if given(root.Get(name)) {
			return false
		}
	}
	// How much a model thinks for an effort, and in which form it is told, is the
	// adapter's knowledge on this wire.
	return r.Wire != APIMessages || r.WireOnly != nil || r.addedEffort(root, m) == ""
}

// hasAll reports whether the body says everything that the canonical names, joined by
// "+", stand for.
func (r *Request) hasAll(root document.Node, names string) bool {
	for name := range strings.SplitSeq(names, "+") {
		if !r.says(root, name) {
			return false
		}
	}
	return true
}

// says reports whether the body has what the canonical member of that name stands for.
func (r *Request) says(root document.Node, name string) bool {
	if given(root.Get(name)) {
		return true
	}
	switch string(r.Wire) + " " + name {
	case "messages stop":
		return given(root.Get("stop_sequences"))
	case "messages reasoning_effort":
		thinking := root.Get("thinking")
		return given(thinking) && thinking.Get("type").Text() != "disabled" || given(root.Get("output_config").Get("effort"))
	case "messages response_format":
		return given(root.Get("output_config").Get("format"))
	case "responses max_tokens", "responses max_completion_tokens":
		return given(root.Get("max_output_tokens"))
	case "responses reasoning_effort":
		return given(root.Get("reasoning").Get("effort"))
	case "responses verbosity":
		return given(root.Get("text").Get("verbosity"))
	case "responses response_format":
		kind := root.Get("text").Get("format").Get("type")
		return given(kind) && kind.Text() != "text"
	}
	return false
}

// addedEffort is the effort that a rule proposed for a body that names none; "" when
// there is nothing to add.
func (r *Request) addedEffort(root document.Node, m *Model) string {
	if r.proposed.effort == "" || slices.Contains(m.Unsupported, paramEffort) || r.says(root, paramEffort) {
		return ""
	}
	if r.Wire == APIMessages && given(root.Get("thinking")) {
		return "" // disabled is a choice, too
	}
	return r.proposed.effort
}

// nativeRequest is the request of a target that speaks the caller's wire: the caller's
// body with the target's model, without what is ours, and with what a rule proposed and
// the session's notes. Everything else is the caller's, byte for byte.
func (r *Request) nativeRequest(t Target, notes string) AdapterRequest {
	root := r.Source.Root()
	out := AdapterRequest{Path: nativePaths[r.Wire], Body: make([]byte, 0, len(r.Source.Bytes())+64)}
	if r.operation() == abi.OperationCountTokens {
		return r.nativeCount(t, notes)
	}
	for _, h := range r.Headers {
		if h.Name == nativeHeaders[r.Wire] {
			out.Headers = append(out.Headers, h)
		}
	}
	effort := r.addedEffort(root, t.Model)
	body := splice{doc: r.Source, out: out.Body}
	carries := notesMember(r.Wire)
	body.object(root, func(name string, value document.Node) change {
		switch name {
		case "model":
			return replaced(document.AppendString(nil, t.Model.UpstreamID))
		case "models":
			return leftOut
		case carries:
			if notes != "" {
				return r.nativeNotes(value, notes)
			}
		case "metadata":
			return r.nativeMetadata(value)
		case "max_tokens", "max_output_tokens":
			return r.nativeLimit(root, value)
		case "reasoning":
			if r.Wire == APIResponses && effort != "" && value.Kind() == abi.KindObject {
				quoted := document.AppendString(nil, effort)
				effort = ""
				return r.withMember(value, "effort", quoted)
			}
		}
		return asItIs
	}, func() (added []byte) {
		if notes != "" && !root.Get(carries).Exists() {
			added = append(append(append(added, '"'), carries...), `":`...)
			added = append(added, r.nativeNotes(document.Node{}, notes).with...)
		}
		if r.Wire != APIResponses {
			return added
		}
		if r.proposed.maxTokens > 0 && !root.Get("max_output_tokens").Exists() {
			if len(added) > 0 {
				added = append(added, ',')
			}
			added = append(append(added, `"max_output_tokens":`...), itoa(max(r.proposed.maxTokens, minResponsesOutput))...)
		}
		if effort != "" && !root.Get("reasoning").Exists() {
			if len(added) > 0 {
				added = append(added, ',')
			}
			added = append(document.AppendString(append(added, `"reasoning":{"effort":`...), effort), '}')
		}
		return added
	})
	out.Body = body.out
	return out
}

// minResponsesOutput is the least max_output_tokens that OpenAI takes (API reference, 2026-08).
const minResponsesOutput = 16

// ourMetadata are the keys of metadata that speak to the gateway.
var ourMetadata = []string{"session_id", "task_type", "time_sensitive", "agent_id", "strict"}

// nativeMetadata takes our keys out. Anthropic refuses every key but user_id.
func (r *Request) nativeMetadata(metadata document.Node) change {
	ours := func(name string) bool {
		if r.Wire == APIMessages {
			return name != "user_id"
		}
		return slices.Contains(ourMetadata, name)
	}
	gone := 0
	for name := range metadata.Members() {
		if ours(name) {
			gone++
		}
	}
	switch {
	case gone == 0:
		return asItIs
	case gone == metadata.Len():
		return leftOut
	}
	s := splice{doc: r.Source}
	s.object(metadata, func(name string, _ document.Node) change {
		if ours(name) {
			return leftOut
		}
		return asItIs
	}, nil)
	return replaced(s.out)
}

// nativeLimit lowers a limit to what a rule proposed, but not below the tokens that the
// caller gives to thinking, which must be less.
func (r *Request) nativeLimit(root, limit document.Node) change {
	n := r.proposed.maxTokens
	if n <= 0 || limit.Kind() != abi.KindNumber {
		return asItIs
	}
	if r.Wire == APIResponses {
		n = max(n, minResponsesOutput)
	} else if thinking := root.Get("thinking"); thinking.Get("type").Text() == "enabled" {
		n = max(n, min(thinking.Get("budget_tokens").Int(), maxTokens)+1)
	}
	if limit.Int() <= n {
		return asItIs
	}
	return replaced([]byte(itoa(n)))
}

// withMember is the object with a member set that it may have as null.
func (r *Request) withMember(object document.Node, name string, value []byte) change {
	s, found := splice{doc: r.Source}, false
	s.object(object, func(key string, _ document.Node) change {
		if key == name {
			found = true
			return replaced(value)
		}
		return asItIs
	}, func() []byte {
		if found {
			return nil
		}
		return append([]byte(`"`+name+`":`), value...)
	})
	return replaced(s.out)
}

// onWire is the model as it is called for a request that only the caller's wire can carry:
// a server that has other models called by Responses speaks it for those of Chat, too.
// See RATIONALE.md, "What happens to what only the caller's wire can say?".
func (r *Request) onWire(c *Catalogue, m *Model) *Model {
	if r.WireOnly == nil || r.Wire != APIResponses || m.API != APIChat {
		return m
	}
	for _, other := range c.Models(r.Principal.AccountID) {
		if !other.Enabled || other.ProviderID != m.ProviderID {
			continue
		}
		if served, _, ok := other.At(r.Received); ok && served.API == r.Wire {
			now := *m
			now.API = r.Wire
			return &now
		}
	}
	return m
}

// skipsWire reports whether the target must be passed over because the request can be
// carried only by who speaks its wire.
func (p *Pipeline) skipsWire(r *Request, m *Model, provider *Provider) bool {
	if r.WireOnly == nil {
		return false
	}
	manifest, err := p.cfg.Adapters.AdapterManifest(provider.AccountID, provider.Adapter)
	return err != nil || !r.speaks(m, provider, manifest.Provider)
}

// noTarget is the error when every candidate was passed over. Where that is first of all
// because of the wire, the member that needs it is named.
func (r *Request) noTarget(skips []Skip) *Error {
	e := noTarget(skips)
	for _, s := range skips {
		switch s.Reason {
		case SkipRuleFailed, SkipRuleSuspended, SkipAssignmentFailed:
			continue
		case SkipWire:
			return &Error{Code: r.WireOnly.Code, Param: r.WireOnly.Param, Message: strings.TrimSuffix(r.WireOnly.Message, ".") + ". No other model can take it: " + describeSkips(skips) + "."}
		}
		break
	}
	return e
}
