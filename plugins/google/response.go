package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Response implements sdk.Adapter.
func (Adapter) Response() sdk.Result {
	body := sdk.Response()
	if err := errorOf(body); err != 0 {
		return failure(err, sdk.Status()).Fail()
	}
	answer := chat.Completion{ID: body.Get("responseId"), Model: body.Get("modelVersion")}
	count(&answer.Usage, body.Get("usageMetadata"))

	candidates := body.Get("candidates")
	n := candidates.Len()
	if n == 0 {
		feedback := body.Get("promptFeedback")
		if !chat.IsText(feedback.Get("blockReason")) {
			return chat.Unreadable("the provider sent an answer without candidates")
		}
		answer.Choices = []chat.Choice{{Finish: chat.FinishContentFilter, Refusal: feedback.Get("blockReasonMessage")}}
		answer.Emit()
		return sdk.OK
	}
	var seen uint64
	parts := 0
	for i := range min(n, chat.MaxChoices+1) {
		candidate := candidates.At(i)
		choice := chat.Choice{Index: indexOf(candidate, i)}
		if choice.Index < 0 || seen&(1<<choice.Index) != 0 {
			return chat.Unreadable("the provider numbered its candidates wrongly")
		}
		seen |= 1 << choice.Index
		list := partsOf(candidate)
		size := list.Len()
		if parts += size; parts > maxParts {
			return chat.Unreadable(tooManyParts)
		}
		for j := range size {
			part := list.At(j)
			switch text, thought := read(part); {
			case text == 0:
				if call, ok := callOf(part); ok {
					choice.Calls = append(choice.Calls, call)
				} else {
					lose(part)
				}
			case !chat.IsText(text): // an empty one only carries a signature
			case thought:
				choice.Reasoning = append(choice.Reasoning, text)
			default:
				choice.Content = append(choice.Content, text)
			}
		}
		how, reason := finish(candidate.Get("finishReason"))
		if how == unfinished || how == broken || how == unknown && len(choice.Content)+len(choice.Calls) == 0 {
			return notAnswered(candidate)
		}
		choice.Finish = afterCalls(reason, len(choice.Calls) > 0)
		if reason == chat.FinishContentFilter {
			choice.Refusal = candidate.Get("finishMessage")
		}
		answer.Choices = append(answer.Choices, choice)
	}
	answer.Emit()
	return sdk.OK
}

const tooManyParts = "the provider sent more parts than can be meant"

// notAnswered ends the call for a candidate that stopped without an answer, which
// another try, or another model, may well give.
func notAnswered(candidate sdk.Node) sdk.Result {
	sdk.Classify(abi.ClassServer, 0)
	if reason := candidate.Get("finishReason"); chat.IsText(reason) {
		return sdk.Fail(0, "the model stopped without an answer: "+string(chat.Word(reason)))
	}
	return sdk.Fail(0, "the provider sent an answer without a finish reason")
}
