package google

import (
	"strings"

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
		// Where the last chunk brought none, this is where they are sent. A cut stream
		// whose output was not counted yet has not used 0 of it.
		if s.Finished() || s.Usage.Output > 0 {
			s.SendUsage()
		}
		s.Save()
		return sdk.OK
	}
	data := sdk.Response()
	candidates := data.Get("candidates")
	n := candidates.Len()
	if n == 0 {
		return without(s, data)
	}
	known := s.Usage.Known
	identify(s, data)
	left := answerCalls
	for i := range min(n, chat.MaxChoices+1) {
		candidate := candidates.At(i)
		list := partsOf(candidate)
		size := list.Len()
		if left -= size * partCost; left < 0 {
			return chat.Unreadable(tooManyParts)
		}
		index := indexOf(candidate, i)
		if index < 0 {
			return chat.Unreadable("the provider numbered its candidates wrongly")
		}
		if broken := send(s, index, list, size); broken != "" {
			return chat.Unreadable(broken)
		}
		if l, ok := logprobsOf(candidate, &left); ok {
			s.Logprobs(index, l.write)
		}
		if cited := annotationsOf(candidate, nil); cited != nil {
			s.More(index, func(w *chat.Writer) { writeAnnotations(w, cited) })
			s.Usage.ServerCalls = max(s.Usage.ServerCalls, searches(candidate))
		}
		if how, reason := finish(candidate.Get("finishReason")); how != unfinished {
			if how == broken || how == unknown && !s.Spoke(index) && !s.Called(index) && !strings.HasPrefix(s.Note, pictured) {
				return notAnswered(candidate)
			}
			if reason == chat.FinishContentFilter {
				s.Refusal(index, candidate.Get("finishMessage"))
			}
			// The calls may have come in an earlier event.
			s.Finish(index, afterCalls(reason, s.Called(index)))
		}
	}
	sendUsage(s, known)
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
	known := s.Usage.Known
	identify(s, data)
	if feedback := data.Get("promptFeedback"); chat.IsText(feedback.Get("blockReason")) {
		s.Refusal(0, feedback.Get("blockReasonMessage"))
		s.Finish(0, chat.FinishContentFilter)
	}
	sendUsage(s, known)
	s.Save()
	return sdk.OK
}

// sendUsage sends the counters once all is said, and before that, once, what the prompt
// has; known says whether an earlier event has told it.
func sendUsage(s *chat.Stream, known bool) {
	switch {
	case s.Finished():
		s.SendUsage()
	case !known:
		s.SendPrompt()
	}
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
// always whole. It returns why the answer cannot be read, "" if it can.
func send(s *chat.Stream, index int, parts sdk.Node, size int) (broken string) {
	s.Start(index)
	for i := range size {
		part := parts.At(i)
		text, thought, signature := read(part)
		switch {
		case text == 0:
			if broken = sendOther(s, index, part); broken != "" {
				return broken
			}
			continue
		case thought:
			s.Reasoning(index, text)
		default:
			s.Content(index, text)
		}
		if signature != 0 {
			s.Thought(index, maker, chat.Thought{Signature: signature})
		}
	}
	return ""
}

// sendOther sends a part that is no text.
func sendOther(s *chat.Stream, index int, part sdk.Node) (broken string) {
	call, isCall := callOf(part)
	if !isCall {
		if p, ok := pictureOf(part); ok {
			s.More(index, func(w *chat.Writer) {
				w.Emit(`"images":[`)
				p.write(w, 0)
				w.Emit(`]`)
			})
			s.Note = picturedNote(s.Note)
		} else {
			lose(part)
		}
		return ""
	}
	if inPieces(part) {
		return callInPieces
	}
	free(s.Note, &call)
	if !s.Call(index, s.Calls(index), call) {
		return tooManyParts
	}
	return ""
}
