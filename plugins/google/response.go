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
	switch chat.Operation() {
	case abi.OperationEmbeddings:
		return embeddings(body)
	case abi.OperationCountTokens:
		return counted(body)
	case abi.OperationList:
		return models(body)
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
	left := answerCalls
	note, noted := "", false // of the request; read with the first call
	for i := range min(n, chat.MaxChoices+1) {
		candidate := candidates.At(i)
		choice := chat.Choice{Index: indexOf(candidate, i), Provider: maker}
		if choice.Index < 0 || seen&(1<<choice.Index) != 0 {
			return chat.Unreadable("the provider numbered its candidates wrongly")
		}
		seen |= 1 << choice.Index
		list := partsOf(candidate)
		size := list.Len()
		if left -= size * partCost; left < 0 {
			return chat.Unreadable(tooManyParts)
		}
		var pictures []picture
		for j := range size {
			part := list.At(j)
			text, thought, signature := read(part)
			if text == 0 {
				if call, ok := callOf(part); ok {
					if inPieces(part) {
						return chat.Unreadable(callInPieces)
					}
					if !noted {
						note, noted = chat.LoadStream().Note, true
					}
					free(note, &call)
					choice.Calls = append(choice.Calls, call)
				} else if p, ok := pictureOf(part); ok {
					pictures = append(pictures, p)
				} else {
					lose(part)
				}
				continue
			}
			if chat.IsText(signature) {
				choice.Thoughts = append(choice.Thoughts, chat.Thought{Signature: signature})
			}
			switch {
			case !chat.IsText(text): // it only carries a signature
			case thought:
				choice.Reasoning = append(choice.Reasoning, text)
			default:
				choice.Content = append(choice.Content, text)
			}
		}
		choice.More = more(pictures, annotationsOf(candidate, choice.Content))
		if l, ok := logprobsOf(candidate, &left); ok {
			choice.Logprobs = l.write
		}
		answer.Usage.ServerCalls += searches(candidate)
		how, reason := finish(candidate.Get("finishReason"))
		if how == unfinished || how == broken || how == unknown && len(choice.Content)+len(choice.Calls)+len(pictures) == 0 {
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

// more writes what a message of the canonical form has beyond OpenAI's, and what few
// messages have; nil when there is nothing.
func more(pictures []picture, cited []annotation) func(*chat.Writer) {
	if len(pictures) == 0 && len(cited) == 0 {
		return nil
	}
	return func(w *chat.Writer) {
		for i, p := range pictures {
			if i == 0 {
				w.Emit(`,"images":[`)
			} else {
				w.Emit(`,`)
			}
			p.write(w, i)
		}
		if len(pictures) > 0 {
			w.Emit(`]`)
		}
		if len(cited) > 0 {
			w.Emit(`,`)
			writeAnnotations(w, cited)
		}
	}
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
