package engine

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"sync"
)

// maxWritten bounds what AppendWritten appends.
const maxWritten = MaxRecordedText + MaxRecordedMetadata + MaxRecordedBody + 3*binary.MaxVarintLen64

// AppendWritten appends what people wrote of a decision, for DeflateWritten.
func AppendWritten(dst []byte, in *DecisionInputs) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(in.Text)))
	dst = append(dst, in.Text...)
	for _, part := range [...][]byte{in.Metadata, in.Body} {
		dst = binary.AppendUvarint(dst, uint64(len(part)))
		dst = append(dst, part...)
	}
	return dst
}

var writtenDeflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic("engine: " + err.Error()) // it refuses only a level that there is not
	}
	return w
}}

var writtenInflaters = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

// DeflateWritten appends the end of a row's Data (RFC 1951). It takes up to milliseconds.
func DeflateWritten(dst, written []byte) []byte {
	out := bytes.NewBuffer(dst)
	w := writtenDeflaters.Get().(*flate.Writer)
	defer writtenDeflaters.Put(w)
	w.Reset(out)
	_, _ = w.Write(written) // into memory
	_ = w.Close()
	return out.Bytes()
}

// readWritten fills what people wrote from the end of a row's Data. Nothing is known of the
// JSON: Replay looks at it.
func readWritten(in *DecisionInputs, deflated []byte) error {
	rest := bytes.NewReader(deflated)
	r := writtenInflaters.Get().(io.ReadCloser)
	defer writtenInflaters.Put(r)
	if err := r.(flate.Resetter).Reset(rest, nil); err != nil {
		return err
	}
	written, err := io.ReadAll(io.LimitReader(r, maxWritten+1))
	if err != nil || len(written) > maxWritten || rest.Len() > 0 {
		return errDecisionData
	}
	part := func(most int) []byte {
		n, size := binary.Uvarint(written)
		if size <= 0 || n > uint64(most) || n > uint64(len(written)-size) {
			err = errDecisionData
			return nil
		}
		b := written[size : size+int(n) : size+int(n)]
		written = written[size+int(n):]
		if n == 0 {
			return nil
		}
		return b
	}
	text := part(MaxRecordedText)
	in.Metadata, in.Body = part(MaxRecordedMetadata), part(MaxRecordedBody)
	if err != nil || len(written) > 0 {
		return errDecisionData
	}
	in.Text = string(text)
	return nil
}
