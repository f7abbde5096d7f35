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
	if err := errorOf(data); err != 0 {
		return failure(err, sdk.Status()).Fail()
	}
	if data.Kind() != abi.KindObject {
		return chat.Unreadable("the provider sent a stream event that is not an object")
	}
	s.Identify(data.Get("responseId"), data.Get("modelVersion"))
	count(&s.Usage, data.Get("usageMetadata"))

	candidates, n, ok := candidatesOf(data)
	if !ok {
		return chat.Unreadable("the provider sent more candidates than can be meant")
	}
	for i := range n {
		if !send(s, candidates.At(i), i) {
			return sdk.Failed
		}
	}
	if feedback := data.Get("promptFeedback"); n == 0 && chat.IsText(feedback.Get("blockReason")) {
		s.Refusal(0, feedback.Get("blockReasonMessage"))
		s.Finish(0, chat.FinishContentFilter)
	}
	if s.Finished() {
		s.SendUsage()
	}
	s.Save()
	return sdk.OK
}

// send sends what is new of a candidate. ok is false after a failure was reported.
func send(s *chat.Stream, candidate sdk.Node, position int) (ok bool) {
	index := indexOf(candidate, position)
	if index < 0 {
		chat.Unreadable("the provider numbered its candidates wrongly")
		return false
	}
	s.Start(index)
	content := false
	parts := partsOf(candidate)
	for i := range parts.Len() {
		switch kind, t := read(parts.At(i)); kind {
		case text:
			s.Content(index, t)
			content = true
		case thought:
			s.Reasoning(index, t)
		case other:
			lose(parts.At(i))
		}
	}
	how, reason := finish(candidate.Get("finishReason"))
	switch {
	case how == unfinished:
		return true
	case how == broken, how == unknown && !content && !s.Spoke(index):
		notAnswered(candidate)
		return false
	}
	if reason == chat.FinishContentFilter {
		s.Refusal(index, candidate.Get("finishMessage"))
	}
	s.Finish(index, reason)
	return true
}
