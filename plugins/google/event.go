package google

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Event implements sdk.Adapter. Each event is a GenerateContentResponse with new
// parts only; nothing but the end of the body ends the stream.
func (Adapter) Event() sdk.Result {
	s := chat.LoadStream()
	if sdk.EventName() == abi.EventEOF {
		// The counters are sums so far, and so hold for a stream that was cut, too.
		// Where the last chunk brought none, this is where they are sent.
		s.SendUsage()
		s.Save()
		return sdk.OK
	}
	data := sdk.Response()
	candidates := data.Get("candidates")
	n := candidates.Len()
	if n == 0 {
		return without(s, data)
	}
	identify(s, data)
	parts := 0
	for i := range min(n, chat.MaxChoices+1) {
		candidate := candidates.At(i)
		list := partsOf(candidate)
		size := list.Len()
		if parts += size; parts > maxParts {
			return chat.Unreadable(tooManyParts)
		}
		index := indexOf(candidate, i)
		if index < 0 {
			return chat.Unreadable("the provider numbered its candidates wrongly")
		}
		if !send(s, index, list, size) {
			return chat.Unreadable(tooManyParts)
		}
		if how, reason := finish(candidate.Get("finishReason")); how != unfinished {
			if how == broken || how == unknown && !s.Spoke(index) && !s.Called(index) {
				return notAnswered(candidate)
			}
			if reason == chat.FinishContentFilter {
				s.Refusal(index, candidate.Get("finishMessage"))
			}
			// The calls may have come in an earlier event.
			s.Finish(index, afterCalls(reason, s.Called(index)))
		}
	}
	if s.Finished() {
		s.SendUsage()
	}
	s.Save()
	return sdk.OK
}

// without takes an event that has no candidates: an error, a blocked prompt, or
// counters alone.
func without(s *chat.Stream, data sdk.Node) sdk.Result {
	if err := errorOf(data); err != 0 {
		return failure(err, sdk.Status()).Fail()
	}
	if data.Kind() != abi.KindObject {
		return chat.Unreadable("the provider sent a stream event that is not an object")
	}
	identify(s, data)
	if feedback := data.Get("promptFeedback"); chat.IsText(feedback.Get("blockReason")) {
		s.Refusal(0, feedback.Get("blockReasonMessage"))
		s.Finish(0, chat.FinishContentFilter)
	}
	if s.Finished() {
		s.SendUsage()
	}
	s.Save()
	return sdk.OK
}

// identify takes what an event says about the answer as a whole.
func identify(s *chat.Stream, data sdk.Node) {
	if !s.Known() {
		s.Identify(data.Get("responseId"), data.Get("modelVersion"))
	}
	if usage := data.Get("usageMetadata"); usage != 0 {
		count(&s.Usage, usage)
	}
}

// send sends the parts of a candidate; each event holds new ones only, and a call is
// always whole. ok is false for more calls than can be kept apart.
func send(s *chat.Stream, index int, parts sdk.Node, size int) (ok bool) {
	s.Start(index)
	for i := range size {
		part := parts.At(i)
		switch text, thought := read(part); {
		case text == 0:
			call, isCall := callOf(part)
			if !isCall {
				lose(part)
				continue
			}
			if !s.Call(index, s.Calls(index), call) {
				return false
			}
		case thought:
			s.Reasoning(index, text)
		default:
			s.Content(index, text)
		}
	}
	return true
}
