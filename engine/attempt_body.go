package engine

import "sync"

// Bodies shorter than leastBody are left to the collector, longer ones than mostBody too: a
// rare one should not stay for the many.
const (
	leastBody = 32 << 10
	mostBody  = 4 << 20
)

// bodyMemory is memory for the body of one provider request, used again as soon as that is sent.
type bodyMemory struct{ room []byte }

// bodyMemories are emptied by the collector: what is not used for a while is not kept.
var bodyMemories = sync.Pool{New: func() any { return new(bodyMemory) }}

// bodyRoom returns memory for n bytes, empty, which is the attempt's until it has called
// sentBody.
func (a *attempt) bodyRoom(n int) []byte {
	if n < leastBody || n > mostBody {
		return make([]byte, 0, n)
	}
	a.body = bodyMemories.Get().(*bodyMemory)
	if cap(a.body.room) < n {
		a.body.room = make([]byte, 0, n+n/8)
	}
	return a.body.room[:0]
}

// sentBody gives the memory of the body back. Nobody has it any more: Upstream.Do has returned.
func (a *attempt) sentBody() {
	if a.body != nil {
		bodyMemories.Put(a.body)
		a.body = nil
	}
}
