package openai

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// quirks are what is to be known of a server and a model before a request is
// written for them: the provider's config and the call's target. The config's members
// are described in manifest.json; without any, the server is api.openai.com.
type quirks struct {
	target, config sdk.Node

	extensions bool   // canonical-only members are taken as they are
	reasoning  string // the name under which earlier reasoning is taken; "": it is not
	imageURL   bool   // images are fetched by address
	noRole     [2]bool
	rejected   [2]sdk.Node // lists of names: the model's and the server's
	names      int         // in both
}

// The roles that a model may not know, as they are listed under "unsupported", each
// with the one that stands in for it.
var roles = [2]struct{ name, instead string }{{"developer", `"system"`}, {"system", `"user"`}}

// readQuirks reads config and target of the call.
func readQuirks(target sdk.Node) quirks {
	q := quirks{target: target, imageURL: true}
	q.rejected[0] = target.Get("unsupported")
	if config := sdk.Config(); config != 0 && config.Len() > 0 {
		q.config = config
		q.rejected[1] = config.Get("unsupported")
		q.extensions = config.Get("extensions").Bool()
		q.imageURL = q.allows("image_url")
		q.noRole[0] = !q.allows("developer")
		switch word := config.Get("reasoning"); {
		case word.Equal("reasoning"):
			q.reasoning = "reasoning"
		case word.Equal("reasoning_content"):
			q.reasoning = "reasoning_content"
		}
	}
	for _, list := range q.rejected {
		if list != 0 {
			q.names += list.Len()
		}
	}
	for i, role := range roles {
		q.noRole[i] = q.noRole[i] || q.rejects(role.name)
	}
	return q
}

// allows reads a member of the config that is true unless it says false.
func (q *quirks) allows(name string) bool {
	if q.config == 0 {
		return true
	}
	value := q.config.Get(name)
	return value.Kind() != abi.KindBool || value.Bool()
}

// rejects reports whether the model or the server does not take a member or a role.
func (q *quirks) rejects(name string) bool {
	return q.names > 0 && (lists(q.rejected[0], name) || lists(q.rejected[1], name))
}

// breaks reports whether a part can say that a cached prefix ends with it: for gpt-5.6
// and later, as OpenAI's reference of 2026-08 has it, unless the config says otherwise.
func (q *quirks) breaks() bool {
	if said := q.config.Get("cache_breakpoints"); said.Kind() == abi.KindBool {
		return said.Bool()
	}
	return q.target.Get("upstream_id").Find("gpt-5.6") == 0
}

// counts reports whether the server has OpenAI's count of input tokens. That is so on
// its Responses wire; elsewhere the config has to say it.
func (q *quirks) counts() bool {
	if said := q.config.Get("count_tokens"); said.Kind() == abi.KindBool {
		return said.Bool()
	}
	return onResponses(q.target)
}

// reasons reports whether the model is one that thinks.
func (q *quirks) reasons() bool { return lists(q.target.Get("capabilities"), "reasoning") }

// lists reports whether an array of strings holds s.
func lists(array sdk.Node, s string) bool {
	if array == 0 {
		return false
	}
	for i := range array.Len() {
		if array.At(i).Equal(s) {
			return true
		}
	}
	return false
}

// Configure checks what the manifest's schema of the config cannot say.
func Configure() sdk.Result {
	names := sdk.Config().Get("unsupported")
	for i := range names.Len() {
		for _, needed := range [...]string{"model", "messages", "input", "stream"} {
			if names.At(i).Equal(needed) {
				return sdk.Fail(400, "unsupported: a server without '"+needed+"' cannot be called")
			}
		}
	}
	return sdk.OK
}
