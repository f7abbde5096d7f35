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

	columns []byte // memory for take, which is called by one at a time
}

type shard struct {
	mu    sync.Mutex
	b     []byte // frames, see put
	spare []byte // for the next ones, while b is being parsed
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

// maxColumns is the most memory that take keeps for the next time.
const maxColumns = 256 << 10

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

// take hands over the rows that wait, behind those that are there. They keep the memory in which
// they waited; the shard gets as much anew.
func (q *queue) take(rows []engine.DecisionRow) []engine.DecisionRow {
	for i := range q.shards {
		s := &q.shards[i]
		s.mu.Lock()
		b := s.b
		if len(b) > 0 {
			s.b, s.spare = s.spare, nil
		}
		s.mu.Unlock()
		if len(b) == 0 {
			continue
		}
		q.columns = q.columns[:0]
		for rest := b; len(rest) >= frameHeader; {
			head, columns, written := frame(rest)
			q.columns = append(q.columns, rest[frameHeader+len(head):frameHeader+len(head)+columns]...)
			rest = rest[frameHeader+len(head)+columns+written:]
		}
		text := string(q.columns)
		for rest := b; len(rest) >= frameHeader; {
			var row engine.DecisionRow
			row, text, rest = parseFrame(text, rest)
			rows = append(rows, row)
		}
		spare := make([]byte, 0, len(b))
		s.mu.Lock()
		s.spare = spare
		s.mu.Unlock()
	}
	if cap(q.columns) > maxColumns {
		q.columns = nil
	}
	return rows
}

// frame returns the row's data of the first of some frames, which are ours, and how long the two parts
// behind it are.
func frame(b []byte) (data []byte, columns, written int) {
	head := int(binary.BigEndian.Uint32(b))
	data = b[frameHeader : frameHeader+head]
	return data, int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint32(b[8:]))
}

// parseFrame reads the first of some frames. text has the columns of them all: the row's texts are
// parts of it, and its data of b.
func parseFrame(text string, b []byte) (row engine.DecisionRow, texts string, rest []byte) {
	data, columns, written := frame(b)
	row.Data = data[:len(data):len(data)]
	b = b[frameHeader+len(data):]
	at := 0
	for _, column := range [...]*string{
		&row.AccountID, &row.RequestID, &row.TeamID, &row.UserID, &row.KeyID, &row.SessionID, &row.Source, &row.Model, &row.Provider,
		(*string)(&row.Code), &row.Variant,
	} {
		n, size := binary.Uvarint(b[at:])
		at += size
		*column = text[at : at+int(n)]
		at += int(n)
	}
	began, size := binary.Varint(b[at:])
	row.At = time.Unix(0, began).UTC()
	row.CostNanoUSD, _ = binary.Varint(b[at+size:])
	if written > 0 {
		row.Data = engine.DeflateWritten(row.Data, b[columns:columns+written])
	}
	return row, text[columns:], b[columns+written:]
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
