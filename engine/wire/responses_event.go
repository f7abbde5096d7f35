package wire

// tail returns the open item of the kind, or a new one.
func (s *ResponsesStream) tail(kind int) *responseItem {
	if it := s.current; it != nil && it.kind == kind {
		return it
	}
	s.closeCurrent("completed")
	return s.open(&responseItem{kind: kind})
}

// open writes output_item.added. Calls that are whole are over when something else begins.
func (s *ResponsesStream) open(it *responseItem) *responseItem {
	s.closeWhole()
	it.index, it.opened = len(s.items), true
	s.items = append(s.items, it)
	if it.kind == messageItem || it.kind == reasoningItem {
		s.current = it
	}
	s.begin("response.output_item.added")
	s.at(it)
	s.emit(`,"item":`)
	s.out = s.appendItem(s.out, it, "in_progress")
	s.end()
	return it
}

// at writes the output_index.
func (s *ResponsesStream) at(it *responseItem) {
	s.emit(`,"output_index":`)
	s.out = appendInt(s.out, it.index)
}

// of begins an event about the inside of an item.
func (s *ResponsesStream) of(event string, it *responseItem) {
	s.begin(event)
	s.emit(`,"item_id":"`)
	s.out = s.appendItemID(s.out, it)
	s.emit(`"`)
	s.at(it)
}

// text writes a string member of escaped text.
func (s *ResponsesStream) text(name string, text []byte) {
	s.emit(`,"` + name + `":"`)
	s.out = append(s.out, text...)
	s.emit(`"`)
}

// think takes reasoning text.
func (s *ResponsesStream) think(text []byte) {
	it := s.tail(reasoningItem)
	if len(it.text) == 0 {
		s.of("response.reasoning_summary_part.added", it)
		s.emit(`,"summary_index":0,"part":{"type":"summary_text","text":""}`)
		s.end()
	}
	it.text = append(it.text, text...)
	s.held += len(text)
	s.of("response.reasoning_summary_text.delta", it)
	s.emit(`,"summary_index":0`)
	s.text("delta", text)
	s.end()
}

// say takes text of the answer, or of a refusal.
func (s *ResponsesStream) say(text []byte, refusal bool) {
	if len(text) == 0 {
		return
	}
	it := s.tail(messageItem)
	n := len(it.parts)
	if n == 0 || it.parts[n-1].refusal != refusal {
		s.closePart(it)
		it.parts = append(it.parts, responsePart{refusal: refusal})
		n = len(it.parts)
		s.inPart("response.content_part.added", it)
		s.emit(`,"part":`)
		s.out = appendResponsePart(s.out, it.parts[n-1], nil)
		s.end()
	}
	part := &it.parts[n-1]
	part.text = append(part.text, text...)
	s.held += len(text)
	s.inPart("response."+part.event()+".delta", it)
	s.text("delta", text)
	if !refusal {
		s.emit(`,"logprobs":[]`)
	}
	s.end()
}

// event is the middle of the names of a part's events.
func (p *responsePart) event() string {
	if p.refusal {
		return "refusal"
	}
	return "output_text"
}

// inPart begins an event about the last part of a message.
func (s *ResponsesStream) inPart(event string, it *responseItem) {
	s.of(event, it)
	s.emit(`,"content_index":`)
	s.out = appendInt(s.out, len(it.parts)-1)
}

// closePart ends the last part of a message, if there is one.
func (s *ResponsesStream) closePart(it *responseItem) {
	if len(it.parts) == 0 {
		return
	}
	part := &it.parts[len(it.parts)-1]
	s.inPart("response."+part.event()+".done", it)
	if part.refusal {
		s.text("refusal", part.text)
	} else {
		s.text("text", part.text)
		s.emit(`,"logprobs":[]`)
	}
	s.end()
	s.inPart("response.content_part.done", it)
	s.emit(`,"part":`)
	s.out = appendResponsePart(s.out, *part, part.text)
	s.end()
}

// openCall opens a call whose name is known, with the arguments that came before it.
func (s *ResponsesStream) openCall(it *responseItem) {
	s.closeCurrent("completed")
	s.open(it)
	s.piece(it, it.text)
}

// piece writes arguments of an open call.
func (s *ResponsesStream) piece(it *responseItem, text []byte) {
	if len(text) == 0 {
		return
	}
	s.of("response."+it.event()+".delta", it)
	s.text("delta", text)
	s.end()
}

// event is the middle of the names of a call's events.
func (it *responseItem) event() string {
	if it.kind == customItem {
		return "custom_tool_call_input"
	}
	return "function_call_arguments"
}

// closeWhole closes the calls that nothing can be missing from.
func (s *ResponsesStream) closeWhole() {
	open := s.waiting[:0]
	for _, it := range s.waiting {
		if it.opened && it.shape.whole {
			s.closeItem(it, "completed")
		} else {
			open = append(open, it)
		}
	}
	clear(s.waiting[len(open):])
	s.waiting = open
}

func (s *ResponsesStream) closeCurrent(status string) {
	if s.current != nil {
		s.closeItem(s.current, status)
		s.current = nil
	}
}

// closeAll closes what is open after finish_reason. What an incomplete response was cut
// off in is its last item.
func (s *ResponsesStream) closeAll() {
	waiting := s.waiting
	s.waiting = nil
	for _, it := range waiting {
		if !it.opened && len(it.text) > 0 { // else it never was a call
			s.openCall(it)
		}
	}
	if s.current != nil {
		s.closeCurrent(s.itemStatus(s.current.index))
	}
	for _, it := range waiting {
		if it.opened {
			s.closeItem(it, s.itemStatus(it.index))
		}
	}
}

// closeItem writes the ends of what is in an item, and output_item.done.
func (s *ResponsesStream) closeItem(it *responseItem, status string) {
	switch it.kind {
	case messageItem:
		s.closePart(it)
	case reasoningItem:
		if len(it.text) > 0 {
			s.of("response.reasoning_summary_text.done", it)
			s.emit(`,"summary_index":0`)
			s.text("text", it.text)
			s.end()
			s.of("response.reasoning_summary_part.done", it)
			s.emit(`,"summary_index":0,"part":{"type":"summary_text"`)
			s.text("text", it.text)
			s.emit(`}`)
			s.end()
		}
	case customItem:
		s.of("response.custom_tool_call_input.done", it)
		s.text("input", it.text)
		s.end()
	default:
		s.of("response.function_call_arguments.done", it)
		s.text("name", it.name)
		s.text("arguments", it.text)
		s.end()
	}
	it.done = s.appendItem(nil, it, status)
	it.text, it.parts, it.signature, it.name, it.extra = nil, nil, nil, nil, nil
	s.begin("response.output_item.done")
	s.at(it)
	s.emit(`,"item":`)
	s.out = append(s.out, it.done...)
	s.end()
}
