package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/pointsman/pointsman/engine"
)

// A record is: a mark (4 bytes), length of what follows the checksum (4 bytes, little
// endian), CRC-32C of it (4 bytes), its kind (1 byte), and the row as codec.go writes it.
// The mark lets a reader find the next record after one that is damaged.
const (
	headerBytes = 12
	maxRecord   = 128 << 10

	kindReserve byte = 1
	kindSettle  byte = 2
)

var (
	mark       = []byte{0xff, 'P', 'M', 0x01}
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	buffers    = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}
)

// appendRecord appends the row's record.
func appendRecord(b []byte, kind byte, u *engine.Usage) []byte {
	start := len(b)
	b = append(b, mark...)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, kind)
	b = appendUsage(b, u)
	payload := b[start+headerBytes:]
	binary.LittleEndian.PutUint32(b[start+4:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[start+8:], crc32.Checksum(payload, castagnoli))
	return b
}

// scan calls each for every whole record. used is where nothing but zeros follows, as in a
// file whose space was promised and not needed; damaged is how many bytes before belong to
// no record.
func scan(data []byte, each func(kind byte, u *engine.Usage)) (used, damaged int) {
	for rest := data; len(rest) > 0; {
		n, kind, u := parseRecord(rest)
		if n > 0 {
			each(kind, u)
			rest = rest[n:]
			used = len(data) - len(rest)
			continue
		}
		n = bytes.Index(rest[1:], mark) + 1
		if n == 0 {
			n = len(bytes.TrimRight(rest, "\x00"))
			return used + n, damaged + n
		}
		damaged += n
		rest = rest[n:]
		used = len(data) - len(rest)
	}
	return used, damaged
}

// parseRecord reads the record at the start of data; n is its length, 0 when there is none.
func parseRecord(data []byte) (n int, kind byte, u *engine.Usage) {
	if len(data) < headerBytes || !bytes.HasPrefix(data, mark) {
		return 0, 0, nil
	}
	length := binary.LittleEndian.Uint32(data[4:])
	if length == 0 || length > maxRecord || uint64(length) > uint64(len(data)-headerBytes) {
		return 0, 0, nil
	}
	payload := data[headerBytes : headerBytes+int(length)]
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(data[8:]) {
		return 0, 0, nil
	}
	u = new(engine.Usage)
	kind = payload[0]
	if kind != kindReserve && kind != kindSettle || !parseUsage(payload[1:], u) {
		return 0, 0, nil
	}
	return headerBytes + int(length), kind, u
}
