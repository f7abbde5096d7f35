package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/valyala/fasthttp"
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
	inner bool  // a chunk's data was read, its line end not yet
	done  bool
	err   error
}

// startBody reads from the head how the body is framed. A body that is chunked
// although it has a length is chunked; 204 and 304 have none.
func (x *exchange) startBody() {
	length := int64(x.head.ContentLength())
	switch code := x.head.StatusCode(); {
	case code == fasthttp.StatusNoContent, code == fasthttp.StatusNotModified:
		x.body = body{done: true}
	case length >= 0:
		x.body = body{kind: byLength, size: length, left: length, done: length == 0}
	case length == -1:
		x.body = body{kind: byChunks, size: -1}
	default:
		x.body = body{kind: byClose, size: -1}
	}
}

func (x *exchange) length() int64 { return x.size }

// Read implements answer. A body that ends with the connection ends properly as
// far as HTTP can tell; whether it was whole is for its content to say.
func (x *exchange) Read(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	n, err := x.read(p)
	if err != nil {
		x.err = err
	}
	return n, err
}

func (x *exchange) read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for x.left == 0 && !x.done && x.kind == byChunks {
		if err := x.nextChunk(x.conn.br); err != nil {
			return 0, err
		}
	}
	if x.done {
		return 0, io.EOF
	}
	if x.kind != byClose && int64(len(p)) > x.left {
		p = p[:x.left]
	}
	n, err := x.conn.br.Read(p)
	switch {
	case x.kind != byClose:
		x.left -= int64(n)
		x.inner = x.kind == byChunks
		x.done = x.kind == byLength && x.left == 0
		if n > 0 {
			return n, nil
		}
		return 0, short(err)
	case errors.Is(err, io.EOF):
		x.done = true
	}
	return n, err
}

// nextChunk reads the line before a chunk; for the last one also what follows.
func (x *exchange) nextChunk(br *bufio.Reader) error {
	if x.inner {
		if line, err := chunkLine(br); err != nil || len(line) > 0 {
			return either(err, errChunk)
		}
		x.inner = false
	}
	line, err := chunkLine(br)
	if err != nil {
		return err
	}
	size, ok := chunkSize(line)
	if !ok {
		return errChunk
	}
	if x.left = size; size > 0 {
		return nil
	}
	for total := 0; ; {
		line, err := chunkLine(br)
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

// chunkLine reads a line that ends in CR LF, and returns it without. It must fit the buffer.
func chunkLine(br *bufio.Reader) ([]byte, error) {
	line, err := br.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errChunk
	}
	if err != nil {
		return nil, short(err)
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || bytes.IndexByte(line, '\r') >= 0 {
		return nil, errChunk
	}
	return line, nil
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
// free. An end of chunks that has arrived already is taken; nothing is waited for.
func (x *exchange) finish() bool {
	if x.done || x.err != nil || x.kind != byChunks || x.left > 0 {
		return x.done && (x.err == nil || errors.Is(x.err, io.EOF))
	}
	end := "0\r\n\r\n"
	if x.inner {
		end = "\r\n" + end
	}
	br := x.conn.br
	if br.Buffered() != len(end) {
		return false
	}
	if rest, _ := br.Peek(len(end)); string(rest) != end {
		return false
	}
	_, _ = br.Discard(len(end))
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
