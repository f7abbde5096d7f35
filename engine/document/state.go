package document

// State is what a provider guest keeps over the events of one response: at most
// abi.MaxState bytes, seen by nobody else. The zero State is empty and ready. One
// goroutine at a time.
type State struct{ b []byte }

// Bytes returns what was saved last: a view, valid until the next save.
func (s *State) Bytes() []byte {
	if s == nil {
		return nil
	}
	return s.b
}

// Reset empties the state for another response and keeps its memory.
func (s *State) Reset() {
	clear(s.b)
	s.b = s.b[:0]
}

func (s *State) save(b []byte) { s.b = append(s.b[:0], b...) }
