package openai

import (
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// errorOf finds the error in a provider's JSON: the usual {"error":{…}}, the same
// in an array (a compatible endpoint of Gemini), {"error":"text"} (small servers),
// or the flat form with object "error" (older vLLM). Absent when it is no error.
func errorOf(body sdk.Node) sdk.Node {
	if body.Kind() == abi.KindArray {
		body = body.At(0)
	}
	switch e := body.Get("error"); e.Kind() {
	case abi.KindObject, abi.KindString:
		return e
	}
	if body.Get("object").Equal("error") {
		return body
	}
	return 0
}

// messageOf returns the error's text, absent when it has none.
func messageOf(e sdk.Node) sdk.Node {
	if e.Kind() == abi.KindString {
		return e
	}
	return e.Get("message")
}

// errorReply answers a failed call with an OpenAI error object.
func errorReply() sdk.Result {
	e := errorOf(sdk.Response())
	class := classOf(sdk.Status(), e)
	sdk.Classify(class, retryAfterMS(class, e))
	sdk.Emit(`{"error":{"message":"`)
	emitMessage(class, e)
	sdk.Emit(`","type":`)
	emitString(e.Get("type"), typeOf(class))
	sdk.Emit(`,"param":`)
	emitString(e.Get("param"), `null`)
	sdk.Emit(`,"code":`)
	switch code := e.Get("code"); code.Kind() {
	case abi.KindString, abi.KindNumber:
		sdk.EmitNode(code)
	default:
		sdk.Emit(`null`)
	}
	sdk.Emit(`}}`)
	return sdk.OK
}

// failWith fails the call at hand with an error that came inside an answer.
func failWith(e sdk.Node) sdk.Result {
	class := classOf(sdk.Status(), e)
	sdk.Classify(class, retryAfterMS(class, e))
	return sdk.Fail(0, message(class, e))
}

// What is said instead of the provider's words.
const (
	refused = "the provider refused the gateway's credential"
	unsaid  = "the provider answered with an error and no message"
)

// emitMessage writes the message of an error.
func emitMessage(class abi.Class, e sdk.Node) {
	words, before, after := wording(class, e)
	sdk.EmitText(words)
	sdk.EmitInner(before)
	sdk.EmitInner(after)
}

// message is emitMessage's text as a string.
func message(class abi.Class, e sdk.Node) string {
	words, before, after := wording(class, e)
	return words + before.Text() + after.Text()
}

// wording finds what to say of an error, as words of ours or two parts of the
// provider's message. Left out is what is the operator's business: an authentication
// error may quote the key, a rate limit names the organisation.
func wording(class abi.Class, e sdk.Node) (words string, before, after sdk.Node) {
	if class == abi.ClassAuth {
		return refused, 0, 0
	}
	text := messageOf(e)
	if text.Kind() != abi.KindString {
		return unsaid, 0, 0
	}
	before, after = aroundOrganization(text)
	if before.Len()+after.Len() == 0 {
		return unsaid, 0, 0
	}
	return "", before, after
}

// aroundOrganization returns the parts of a message before and after
// " in organization org-…"; the second is absent when there is no such part.
func aroundOrganization(text sdk.Node) (before, after sdk.Node) {
	const phrase = " in organization "
	from := text.Find(phrase)
	if from < 0 {
		return text, 0
	}
	rest := text.Slice(from+len(phrase), text.Len())
	end := rest.Find(" ")
	if end < 0 {
		return text.Slice(0, from), 0
	}
	return text.Slice(0, from), rest.Slice(end, rest.Len())
}
