package chat

// More sends members of the choice's message that this package knows nothing of.
// write writes them, the first without a comma.
func (s *Stream) More(index int, write func(*Writer)) {
	if s.finished&(1<<index) != 0 {
		return
	}
	s.Start(index)
	s.open(index, "")
	write(s.w)
	s.w.Emit(`},"finish_reason":null}]}`)
	s.w.EndChunk()
}

// Logprobs sends the log probabilities of the texts that came with the same event.
// write writes the logprobs object.
func (s *Stream) Logprobs(index int, write func(*Writer)) {
	if s.finished&(1<<index) != 0 {
		return
	}
	s.Start(index)
	s.open(index, `},"logprobs":`)
	write(s.w)
	s.w.Emit(`,"finish_reason":null}]}`)
	s.w.EndChunk()
}
