package decision

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/pointsman/pointsman/engine"
)

// queueShards is how many parts a queue has: requests on different processors seldom meet.
const queueShards = 8

// queue holds encoded records until they are written. Start it before use.
type queue struct {
	most   int           // bytes of a shard
	wake   chan struct{} // buffered 1, never closed
	shards [queueShards]shard
}

type shard struct {
	mu    sync.Mutex
	b     []byte // frames, see put
	spare []byte // of a flush that is over
	lost  int64
	_     [64]byte // a cache line of its own
}

func (q *queue) start(most int) {
	q.most, q.wake = most/queueShards, make(chan struct{}, 1)
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

type scratch struct{ b []byte }

// maxScratch is the largest buffer that is kept for the next record.
const maxScratch = 16 << 10

// frameHeader is the lengths of a frame's three parts: the row's data without what people wrote,
// its columns, what people wrote.
const frameHeader = 12

// put copies a record, or counts it as lost.
func (q *queue) put(r *engine.DecisionRecord) {
	s := scratches.Get().(*scratch)
	b := append(s.b[:0], make([]byte, frameHeader)...)
	row := engine.EncodeDecision(b, r)
	b = row.Data
	head := len(b)
	for _, text := range [...]string{
		row.AccountID, row.RequestID, row.TeamID, row.UserID, row.KeyID, row.SessionID, row.Source, row.Model, row.Provider,
		string(row.Code), row.Variant,
	} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	b = binary.AppendVarint(b, row.At.UnixNano())
	b = binary.AppendVarint(b, row.CostNanoUSD)
	columns := len(b)
	if r.Detail == engine.DecisionWithText {
		b = engine.AppendWritten(b, &r.Inputs)
	}
	binary.BigEndian.PutUint32(b, uint32(head-frameHeader))
	binary.BigEndian.PutUint32(b[4:], uint32(columns-head))
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-columns))

	to := &q.shards[engine.Draw(row.RequestID)%queueShards]
	to.mu.Lock()
	first := len(to.b) == 0
	if len(to.b)+len(b) <= q.most {
		to.b = append(to.b, b...)
	} else {
		to.lost++
	}
	to.mu.Unlock()
	if cap(b) <= maxScratch {
		s.b = b
	}
	scratches.Put(s)
	if first {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

// take hands over the rows that wait, behind those that are there.
func (q *queue) take(rows []engine.DecisionRow) []engine.DecisionRow {
	for i := range q.shards {
		s := &q.shards[i]
		s.mu.Lock()
		b := s.b
		s.b, s.spare = s.spare[:0], nil
		s.mu.Unlock()
		for rest := b; len(rest) >= frameHeader; {
			var row engine.DecisionRow
			row, rest = parseFrame(rest)
			rows = append(rows, row)
		}
		s.mu.Lock()
		s.spare = b[:0]
		s.mu.Unlock()
	}
	return rows
}

// parseFrame copies the first of some frames, which are ours.
func parseFrame(b []byte) (row engine.DecisionRow, rest []byte) {
	head, columns, written := int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint32(b[8:]))
	b = b[frameHeader:]
	row.Data = append(make([]byte, 0, head+written/2), b[:head]...)
	text := string(b[head : head+columns])
	next := func() string {
		n, size := binary.Uvarint([]byte(text[:min(len(text), binary.MaxVarintLen64)]))
		s := text[size : size+int(n)]
		text = text[size+int(n):]
		return s
	}
	for _, column := range [...]*string{
		&row.AccountID, &row.RequestID, &row.TeamID, &row.UserID, &row.KeyID, &row.SessionID, &row.Source, &row.Model, &row.Provider,
		(*string)(&row.Code), &row.Variant,
	} {
		*column = next()
	}
	numbers := []byte(text)
	at, size := binary.Varint(numbers)
	row.At = time.Unix(0, at).UTC()
	row.CostNanoUSD, _ = binary.Varint(numbers[size:])
	if written > 0 {
		row.Data = engine.DeflateWritten(row.Data, b[head+columns:head+columns+written])
	}
	return row, b[head+columns+written:]
}

func (q *queue) counts() (lost, waiting int64) {
	for i := range q.shards {
		s := &q.shards[i]
		s.mu.Lock()
		lost, waiting = lost+s.lost, waiting+int64(len(s.b))
		s.mu.Unlock()
	}
	return lost, waiting
}
