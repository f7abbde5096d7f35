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
	breakpoint bool   // parts may end a cached prefix
	noRole     [2]bool
}

// The roles that a model may not know, as they are listed under "unsupported", each
// with the one that stands in for it.
var roles = [2]struct{ name, instead string }{{"developer", `"system"`}, {"system", `"user"`}}

// readQuirks reads config and target of the call.
func readQuirks(target sdk.Node) quirks {
	q := quirks{target: target, imageURL: true}
	q.breakpoint = target.Get("upstream_id").Find("gpt-5.6") == 0
	if config := sdk.Config(); config.Len() > 0 {
		q.config = config
		q.extensions = config.Get("extensions").Bool()
		q.imageURL = q.allows("image_url")
		q.noRole[0] = !q.allows("developer")
		switch word := config.Get("reasoning"); {
		case word.Equal("reasoning"):
			q.reasoning = "reasoning"
		case word.Equal("reasoning_content"):
			q.reasoning = "reasoning_content"
		}
		if is := config.Get("cache_breakpoints"); is.Kind() == abi.KindBool {
			q.breakpoint = is.Bool()
		}
	}
	for i, role := range roles {
		q.noRole[i] = q.noRole[i] || q.rejects(role.name)
	}
	return q
}

// allows reads a member of the config that is true unless it says false.
func (q *quirks) allows(name string) bool {
	value := q.config.Get(name)
	return value.Kind() != abi.KindBool || value.Bool()
}

// unsupported are the lists of names that the model and the server reject.
func (q *quirks) unsupported() [2]sdk.Node {
	return [2]sdk.Node{q.target.Get("unsupported"), q.config.Get("unsupported")}
}

// rejects reports whether the model or the server does not take a member or a role.
func (q *quirks) rejects(name string) bool {
	for _, list := range q.unsupported() {
		if lists(list, name) {
			return true
		}
	}
	return false
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
