package row

import (
	"encoding/hex"
)

// PackID writes an id as the ledger holds it: a UUID in its usual form as a zero byte and its
// 16, anything else as its text, which has no NUL. UUIDs keep their order.
func PackID(id string) []byte { return AppendID(make([]byte, 0, min(len(id), 17)), id) }

// AppendID appends what PackID writes.
func AppendID(b []byte, id string) []byte {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return append(b, id...)
	}
	var packed [17]byte
	at := 1
	for i := 0; i < len(id); {
		if id[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23) {
			i++
			continue
		}
		high, low := digits[id[i]], digits[id[i+1]]
		if (high|low)&0xf0 != 0 {
			return append(b, id...)
		}
		packed[at] = high<<4 | low
		at, i = at+1, i+2
	}
	return append(b, packed[:]...)
}

// ParseID reads what PackID wrote.
func ParseID(b []byte) string {
	if len(b) != 17 || b[0] != 0 {
		return string(b)
	}
	var text [36]byte
	b = b[1:]
	hex.Encode(text[0:8], b[0:4])
	hex.Encode(text[9:13], b[4:6])
	hex.Encode(text[14:18], b[6:8])
	hex.Encode(text[19:23], b[8:10])
	hex.Encode(text[24:36], b[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// digits has the values of lower-case hex digits, 255 for anything else.
var digits = func() (values [256]byte) {
	for c := range values {
		switch {
		case c >= '0' && c <= '9':
			values[c] = byte(c - '0')
		case c >= 'a' && c <= 'f':
			values[c] = byte(c - 'a' + 10)
		default:
			values[c] = 255
		}
	}
	return values
}()
