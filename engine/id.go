package engine

import (
	"encoding/hex"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// newID returns a UUIDv7 (RFC 9562), whose text sorts by time.
func newID() string { return idAt(time.Now()) }

// lastID is the time in the newest id: milliseconds, and 12 bits of what is beyond them.
var lastID atomic.Int64

// idAt is newID for who has looked at the clock: t is now. Ids of one process are in the order in
// which they are made. They are names and no secrets: see RATIONALE.md, "Why is a short request
// one piece of memory?".
func idAt(t time.Time) string {
	now := t.UnixMilli()<<12 | int64(t.Nanosecond()%1e6)>>8
	for {
		last := lastID.Load()
		now = max(now, last+1)
		if lastID.CompareAndSwap(last, now) {
			break
		}
	}
	high := uint64(now)>>12<<16 | 7<<12 | uint64(now)&0xfff
	low := rand.Uint64()>>2 | 1<<63
	var id [16]byte
	for i := range 8 {
		id[i], id[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
