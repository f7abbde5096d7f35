package chat

import "github.com/pointsman/pointsman/sdk"

// freeBare, in place of whether a call has arguments, marks one of a custom tool that
// has no input yet, and needs none.
const freeBare = 2

// InputPiece sends a piece of the input of the custom tool's call that was opened with
// the key, as the provider sent it. It does nothing for an empty piece or an unknown key.
func (s *Stream) InputPiece(index, key int, piece sdk.Node) {
	at := s.findCall(index, key)
	if at < 0 || !IsText(piece) || s.finished&(1<<index) != 0 {
		return
	}
	if s.calls[at+3] == freeBare {
		s.calls = s.calls[:at+3] + "\x01" + s.calls[at+callSize:]
	}
	s.openCall(index, s.numberOf(at))
	s.w.Emit(`,"custom":{"input":`)
	s.w.Node(piece)
	s.w.Emit(`}}`)
	s.endCall()
}

// EndInput ends such a call: one of which no piece came gets the text whole.
func (s *Stream) EndInput(index, key int, whole sdk.Node) {
	if at := s.findCall(index, key); at >= 0 && s.calls[at+3] == freeBare {
		s.InputPiece(index, key, whole)
	}
}
