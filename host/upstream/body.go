package upstream

import (
	"bytes"
	"errors"
	"io"
)

// framed says how the end of a body is known (RFC 9112, 6.3).
type framed int

const (
	byLength framed = iota
	byChunks
	byClose
)

// maxTrailer bounds the trailer section after a chunked body, in bytes.
const maxTrailer = 8 << 10

// body is the position in the body of an answer.
type body struct {
	kind  framed
	size  int64 // announced; -1 unknown
	left  int64 // of the body, or of the current chunk
	inner bool  // a chunk has begun, and its line end was not read
	done  bool
	err   error
}

// startBody reads from the head how the body is framed. A body that is chunked
// although it has a length is chunked; 204 and 304 have none.
func (x *exchange) startBody() {
	switch length := x.head.length; {
	case !x.head.hasBody():
		x.body = body{done: true}
	case length >= 0:
		x.body = body{kind: byLength, size: length, left: length, done: length == 0}
	case length == lengthChunked:
		x.body = body{kind: byChunks, size: -1}
	default:
		x.body = body{kind: byClose, size: -1}
	}
}

func (x *exchange) length() int64 { return x.size }

// Read implements answer. A body that ends with the connection ends properly as
// far as HTTP can tell; whether it was whole is for its content to say.
func (x *exchange) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c := x.conn; c.r == c.w && x.err == nil && !x.done && x.left != 0 && (x.kind == byLength || len(p) >= readBuffer) {
		// Nothing is in the buffer, and what comes is the body's: it need not go there.
		n, err := c.Read(p[:min(int64(len(p)), x.left)])
		x.used(n)
		return n, x.ended(err)
	}
	b, err := x.more()
	if err != nil {
		return 0, err
	}
	n := copy(p, b)
	x.take(n)
	return n, nil
}

// more implements source.
func (x *exchange) more() ([]byte, error) {
	if x.err != nil {
		return nil, x.err
	}
	for x.left == 0 && !x.done && x.kind == byChunks {
		if err := x.nextChunk(); err != nil {
			x.err = err
			return nil, err
		}
	}
	c := x.conn
	if x.done {
		x.err = io.EOF
		return nil, x.err
	}
	for c.r == c.w {
		if err := c.fill(len(c.buf)); err != nil {
			return nil, x.ended(err)
		}
	}
	b := c.unread()
	if x.kind != byClose && int64(len(b)) > x.left {
		b = b[:x.left]
	}
	return b, nil
}

// take implements source.
func (x *exchange) take(n int) {
	x.conn.r += n
	x.used(n)
}

// used counts bytes of the body that were handed out.
func (x *exchange) used(n int) {
	if x.kind != byClose {
		x.left -= int64(n)
		x.done = x.kind == byLength && x.left == 0
	}
}

// ended notes that no more of the body can be read.
func (x *exchange) ended(err error) error {
	if err == nil {
		return nil
	}
	if x.kind == byClose && errors.Is(err, io.EOF) {
		x.done = true
	} else {
		err = short(err)
	}
	x.err = err
	return err
}

// nextChunk reads the line before a chunk; for the last one also what follows.
func (x *exchange) nextChunk() error {
	c := x.conn
	if x.inner {
		if line, err := c.readLine(); err != nil || len(line) > 0 {
			return either(err, errChunk)
		}
		x.inner = false
	}
	line, err := c.readLine()
	if err != nil {
		return err
	}
	size, ok := chunkSize(line)
	if !ok {
		return errChunk
	}
	if x.left = size; size > 0 {
		x.inner = true
		return nil
	}
	for total := 0; ; {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			x.done = true
			return nil
		}
		if total += len(line); total > maxTrailer {
			return errChunk
		}
	}
}

// chunkSize reads the hexadecimal size before a chunk; an extension is ignored.
func chunkSize(line []byte) (int64, bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	size := int64(0)
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		size = size<<4 | int64(c)
	}
	return size, true
}

// finish reports whether the body was read to its end, so that the connection is
// free. An end that has arrived already is taken; nothing is waited for.
func (x *exchange) finish() bool {
	if x.done {
		return x.err == nil || errors.Is(x.err, io.EOF)
	}
	rest := x.conn.unread()
	if x.err != nil || x.kind == byClose || int64(len(rest)) < x.left {
		return false
	}
	end := ""
	if x.kind == byChunks {
		end = "0\r\n\r\n"
		if x.inner {
			end = "\r\n" + end
		}
	}
	if string(rest[x.left:]) != end {
		return false
	}
	x.conn.r = x.conn.w
	return true
}

// short is err, where the end of the connection is not the end of the body.
func short(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func either(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
