package openai

import "github.com/pointsman/pointsman/sdk"

// stream is what the events of one response stream have to remember: every chunk
// repeats id, model and time, which only the first events carry.
type stream struct {
	id, model string
	created   int64
	spoke     bool // a chunk went out: the role was named
	inPart    bool // a delta of the current part went out
}

// maxName bounds an id or a model name; longer ones are nonsense and dropped.
const maxName = 256

// loadStream reads the state that save wrote: a byte of flags, the created time in
// 8 bytes, the length of the id in 2, the id, the model.
func loadStream() stream {
	b := sdk.LoadState()
	var s stream
	if len(b) < 11 {
		s.created = sdk.NowMS() / 1000
		return s
	}
	s.spoke, s.inPart = b[0]&1 != 0, b[0]&2 != 0
	for _, c := range b[1:9] {
		s.created = s.created<<8 | int64(c)
	}
	end := min(11+int(b[9])<<8+int(b[10]), len(b))
	s.id, s.model = string(b[11:end]), string(b[end:])
	return s
}

func (s *stream) save() {
	var room [11 + 2*maxName]byte
	b := room[:0]
	var flags byte
	if s.spoke {
		flags |= 1
	}
	if s.inPart {
		flags |= 2
	}
	b = append(b, flags)
	for shift := 56; shift >= 0; shift -= 8 {
		b = append(b, byte(s.created>>shift))
	}
	b = append(b, byte(len(s.id)>>8), byte(len(s.id)))
	b = append(b, s.id...)
	b = append(b, s.model...)
	sdk.SaveState(b)
}

// begin takes over what the response object says of itself.
func (s *stream) begin(response sdk.Node) {
	if id := response.Get("id"); id.Len() > 0 && id.Len() <= maxName {
		s.id = id.Text()
	}
	if model := response.Get("model"); model.Len() > 0 && model.Len() <= maxName {
		s.model = model.Text()
	}
	if at := response.Get("created_at").Int(); at > 0 {
		s.created = at
	}
}

// emitHead writes a chunk up to the value of "choices".
func (s *stream) emitHead() {
	sdk.Emit(`{"id":`)
	sdk.EmitString(s.id)
	sdk.Emit(`,"object":"chat.completion.chunk","created":`)
	sdk.EmitInt(s.created)
	sdk.Emit(`,"model":`)
	sdk.EmitString(s.model)
	sdk.Emit(`,"choices":`)
}
