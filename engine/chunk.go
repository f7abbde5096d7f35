package engine

import (
	"context"

	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Bounds of what one stream keeps.
const (
	maxChoices = 128      // n of OpenAI's API
	maxHeld    = 1 << 20  // bytes that come before the first content
	keptChunk  = 64 << 10 // bytes of a buffer that is used again
	keptChunks = 64       // buffers
)

// adapt gives one event to the adapter and queues what it flushed.
func (s *chunkStream) adapt(ctx context.Context, name string, data []byte) error {
	a := s.a
	if err := a.open(); err != nil {
		return err
	}
	reply, err := a.adapter.Event(ctx, a.reply, name, data)
	if err != nil {
		return a.adapterFailed(ctx, err)
	}
	if !s.content {
		// Later there are no headers any more that could say it.
		a.x.lose(reply.Lossy)
	}
	if reply.Failure != nil {
		err = a.reported(reply)
	}
	for _, chunk := range reply.Chunks {
		if takeErr := s.take(chunk); err == nil {
			err = takeErr
		}
		chunk.Release()
	}
	return err
}

// take notes what a chunk says and queues it for the caller.
func (s *chunkStream) take(chunk *document.Doc) error {
	root := chunk.Root()
	choices, usage := root.Get("choices"), root.Get("usage")
	for _, choice := range choices.Elements() {
		index := choice.Get("index").Int()
		_, seen := s.open[index]
		if !seen && len(s.open) == maxChoices {
			return s.a.fail(Errorf(CodeUpstreamFailed, "Provider %s sent more than %d choices.", s.a.target.Provider.ID, maxChoices), nil, "too many choices", true)
		}
		switch reason := choice.Get("finish_reason"); {
		case reason.Kind() == abi.KindString && reason.Len() > 0: // some servers send "" until there is one
			s.open[index] = false
			s.content = true
		case !seen:
			s.open[index] = true
		}
		delta := choice.Get("delta")
		s.a.used.output += outputBytes(delta)
		s.content = s.content || speaks(delta)
	}
	s.a.used.read(usage)
	// OpenAI pads its events against who counts the bytes; the caller's stream is another one.
	room := [2]string{"obfuscation"}
	gone := room[:1]
	var places [4]document.Edit
	edits := places[:0]
	// Counts of the prompt alone are for the meter: clients add up, or miss the rest.
	if counts := usage.Get("completion_tokens").Exists(); !s.a.x.r.IncludeUsage || !counts {
		if choices.Len() == 0 {
			return nil
		}
		if usage.Exists() && !s.a.x.r.IncludeUsage {
			// Who did not ask for it sees no trace of it.
			gone = append(gone, "usage")
		} else if usage.Kind() == abi.KindObject {
			start, end := usage.Span()
			edits = append(edits, document.Edit{Start: start, End: end, With: nullText})
		}
	}
	edits = without(edits, chunk, root, gone)
	b := s.slot()
	if s.quoted == nil {
		s.quoted = document.AppendString(nil, s.model)
	}
	*b = appendQuotedModel((*b)[:0], chunk, s.quoted, edits)
	if s.held += len(*b); !s.content && s.held > maxHeld {
		return s.a.fail(Errorf(CodeUpstreamFailed, "Provider %s streams without saying anything.", s.a.target.Provider.ID), nil, "no content", true)
	}
	return nil
}

var nullText = []byte("null") // read only

// slot is room for one more chunk, with the memory of an old one.
func (s *chunkStream) slot() *[]byte {
	i := len(s.queue)
	if i < cap(s.queue) {
		s.queue = s.queue[:i+1]
	} else {
		s.queue = append(s.queue, nil)
	}
	return &s.queue[i]
}

// speaks reports whether a delta says anything beyond its role.
func speaks(delta document.Node) bool {
	for name, value := range delta.Members() {
		switch kind := value.Kind(); {
		case name == "role", kind == abi.KindNull, kind == abi.KindBool, kind == abi.KindNumber:
		case value.Len() > 0:
			return true
		}
	}
	return false
}

// complete reports whether every choice that was begun has had its finish_reason.
func (s *chunkStream) complete() bool {
	if s.native != nil {
		return s.native.stopped
	}
	for _, open := range s.open {
		if open {
			return false
		}
	}
	return len(s.open) > 0
}

// said reports whether that holds for as many choices as were asked for: nothing that
// still comes can be missed by the caller. A server that knows no n never gets here with n
// above 1, and must end its stream properly.
func (s *chunkStream) said() bool {
	return (s.native != nil || len(s.open) >= s.asked) && s.complete()
}

// recycle makes room for the next chunks. What one event needed is not kept for the
// life of a stream.
func (s *chunkStream) recycle() {
	if cap(s.queue) > keptChunks {
		s.queue = nil
	}
	for i := range s.queue {
		if cap(s.queue[i]) > keptChunk {
			s.queue[i] = nil
		}
	}
	s.queue, s.head = s.queue[:0], 0
}
