package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// maker is whose thinking_blocks these are.
const maker = "google"

// noSignature stands for a thought signature that was lost on the way: Gemini 3
// refuses a step whose first call has none. It is the base64 of
// "skip_thought_signature_validator"; the API answered it with 200 (recorded
// 2026-02 and later).
const noSignature = `"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="`

// seal returns the signature that an assistant message carries beside its calls, 0
// when it has none of ours. What the model thought of in words is not sent again.
func (b *body) seal(m *chat.Message) (signature sdk.Node) {
	if m.Role != chat.Assistant {
		return 0
	}
	for _, t := range m.Thoughts(maker) {
		if chat.IsText(t.Signature) {
			signature = t.Signature
		}
	}
	if signature == 0 {
		b.r.Lose("messages[].reasoning_content", m.Reasoning)
	}
	return signature
}

// sealedText writes a text with its signature; a signature without a text rides on
// an empty one, as the API sends it itself.
func (b *body) sealedText(text, signature sdk.Node) {
	b.Emit(`{"text":`)
	if text != 0 {
		b.Node(text)
	} else {
		b.Emit(`""`)
	}
	b.sign(signature)
	b.Emit(`}`)
}

func (b *body) sign(signature sdk.Node) {
	b.Emit(`,"thoughtSignature":`)
	b.Node(signature)
}
