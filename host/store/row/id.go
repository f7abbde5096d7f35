package row

import (
	"encoding/hex"
)

// PackID writes an id as the ledger holds it: a UUID in its usual form as a zero byte and its
// 16, anything else as its text, which has no NUL. UUIDs keep their order.
func PackID(id string) []byte {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return []byte(id)
	}
	packed := make([]byte, 17)
	at := 1
	for i := 0; i < len(id); {
		if id[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23) {
			i++
			continue
		}
		high, low := digit(id[i]), digit(id[i+1])
		if high > 15 || low > 15 {
			return []byte(id)
		}
		packed[at] = high<<4 | low
		at, i = at+1, i+2
	}
	return packed
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

// digit is the value of a lower-case hex digit, 255 of anything else.
func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
