package wasm

import (
	"fmt"
	"unicode/utf8"
)

// cursor reads a part of a module's binary form and never past its end. The
// first fault sticks and every later read returns zero, so a caller may read a
// whole record and look at err once.
type cursor struct {
	b    []byte // what is left
	at   int    // offset of b in the module, for messages
	err  error
	part string // section being read, for messages
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s, at byte %d: %s", c.part, c.at, fmt.Sprintf(format, args...))
	}
	c.b = nil
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.fail("ends too early")
		return 0
	}
	v := c.b[0]
	c.b, c.at = c.b[1:], c.at+1
	return v
}

// take returns the next n bytes, a view of the module.
func (c *cursor) take(n uint32) []byte {
	if uint64(n) > uint64(len(c.b)) {
		c.fail("wants %d bytes where %d are left", n, len(c.b))
		return nil
	}
	v := c.b[:n]
	c.b, c.at = c.b[n:], c.at+int(n)
	return v
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
// https://webassembly.github.io/spec/core/binary/values.html#integers
func (c *cursor) u32() uint32 {
	var v uint32
	for shift := 0; ; shift += 7 {
		b := c.byte()
		if c.err != nil {
			return 0
		}
		if shift == 28 && b > 0x0f {
			c.fail("number of more than 32 bits")
			return 0
		}
		v |= uint32(b&0x7f) << shift
		if b&0x80 == 0 {
			return v
		}
	}
}

// skipLEB reads over a LEB128 number of at most max bytes, whatever it says.
func (c *cursor) skipLEB(max int) {
	for range max {
		if c.byte()&0x80 == 0 {
			return
		}
	}
	c.fail("number too long")
}

// name reads a length-prefixed UTF-8 string of at most maxName bytes.
func (c *cursor) name() string {
	n := c.u32()
	if n > maxName {
		c.fail("name of %d bytes (at most %d)", n, maxName)
		return ""
	}
	b := c.take(n)
	if !utf8.Valid(b) {
		c.fail("name is not UTF-8")
		return ""
	}
	return string(b)
}

// count reads the length of a vector whose elements take at least size bytes each.
// A length that the rest of the section cannot hold is the bomb that this file
// exists for: a decoder that allocates before it reads would die of it.
func (c *cursor) count(what string, size, max int) int {
	n := c.u32()
	if c.err == nil && uint64(n)*uint64(size) > uint64(len(c.b)) {
		c.fail("%d %s claimed where %d bytes are left", n, what, len(c.b))
	}
	if c.err == nil && uint64(n) > uint64(max) {
		c.fail("%d %s (at most %d)", n, what, max)
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}

// end checks that everything was read.
func (c *cursor) end() {
	if c.err == nil && len(c.b) > 0 {
		c.fail("%d bytes too many", len(c.b))
	}
}

// The other way: encoding.

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendS32 appends a signed LEB128 number.
func appendS32(b []byte, v int32) []byte {
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

func appendName(b []byte, s string) []byte {
	return append(appendU32(b, uint32(len(s))), s...)
}

func appendSection(m []byte, id byte, content []byte) []byte {
	return append(appendU32(append(m, id), uint32(len(content))), content...)
}
