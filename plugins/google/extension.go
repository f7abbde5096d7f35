package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// ownMembers are the members beyond those of package chat that this adapter takes.
var ownMembers = []string{"logprobs", "top_logprobs", "modalities", "web_search_options", "extra_body"}

// own returns a member of what the caller says to Google alone: extra_body.google, by
// the names of Google's own OpenAI endpoint (2026-11).
func (b *body) own(name string) sdk.Node {
	extra := b.r.Own("extra_body")
	if extra == 0 {
		return 0
	}
	return extra.Get("google").Get(name)
}

// extension writes what the caller says to Google alone, and reports what it does
// not know of it.
func (b *body) extension() {
	extra := b.r.Own("extra_body")
	if extra == 0 {
		return
	}
	google := extra.Get("google")
	if extra.Len() > 1 || google.Kind() != abi.KindObject {
		b.r.Lossy("extra_body")
	}
	for i := range min(google.Len(), 16) {
		switch name, value := google.Key(i), google.At(i); {
		case name == "thinking_config":
		case name == "cached_content" && chat.IsText(value):
			b.Emit(`,"cachedContent":`)
			b.Node(value)
		case name == "safety_settings" && value.Kind() == abi.KindArray:
			b.Emit(`,"safetySettings":`)
			b.Node(value)
		default:
			b.r.Lossy("extra_body.google." + name[:min(len(name), 64)])
		}
	}
}

// ownThinking writes extra_body.google.thinking_config, before which an effort has
// to give way: the API refuses a level beside a budget. ok is false when there is none.
func (b *body) ownThinking() (ok bool) {
	thinking := b.own("thinking_config")
	if thinking.Kind() != abi.KindObject || thinking.Len() == 0 {
		return false
	}
	open := `"thinkingConfig":{`
	member := func(name string, value sdk.Node, kind abi.Kind) {
		if value.Kind() != kind {
			return
		}
		if open == `,` {
			b.Emit(open)
			b.Emit(name)
		} else {
			b.name(open + name)
		}
		open = `,`
		b.Node(value)
	}
	member(`"includeThoughts":`, thinking.Get("include_thoughts"), abi.KindBool)
	if budget := thinking.Get("thinking_budget"); budget.Kind() == abi.KindNumber {
		member(`"thinkingBudget":`, budget, abi.KindNumber)
	} else {
		member(`"thinkingLevel":`, thinking.Get("thinking_level"), abi.KindString)
	}
	if open != `,` {
		return false
	}
	b.Emit(`}`)
	b.r.Lose("reasoning_effort", b.r.Effort)
	return true
}
