package google

import (
	"math"
	"strconv"
	"strings"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// embeddings turns the answer into OpenAI's list. Only newer models count what they
// read; where none is said the host estimates.
func embeddings(answer sdk.Node) sdk.Result {
	list := answer.Get("embeddings")
	n := list.Len()
	one := answer.Get("embedding")
	if one != 0 {
		n = 1
	}
	if n == 0 || n > maxInputs {
		return chat.Unreadable("the provider sent an answer without embeddings")
	}
	packed := sdk.Request().Get("encoding_format").Equal("base64")
	w := chat.NewWriter()
	w.Emit(`{"object":"list","data":[`)
	for i := range n {
		embedding := one
		if one == 0 {
			embedding = list.At(i)
		}
		values := embedding.Get("values")
		if values.Kind() != abi.KindArray || values.Len() == 0 {
			return chat.Unreadable("the provider sent an embedding without values")
		}
		if i > 0 {
			w.Emit(`,`)
		}
		w.Emit(`{"object":"embedding","index":`)
		w.Int(int64(i))
		w.Emit(`,"embedding":`)
		if !packed {
			w.Node(values)
		} else if text, ok := pack(values.Raw()); ok {
			w.String(text)
		} else {
			return chat.Unreadable("the provider sent an embedding that holds more than numbers")
		}
		w.Emit(`}`)
	}
	w.Emit(`],"model":`)
	if id := sdk.Call().Get("target").Get("upstream_id"); chat.IsText(id) {
		w.Node(id)
	} else {
		w.Emit(`""`)
	}
	if count := answer.Get("usageMetadata").Get("promptTokenCount"); count.Kind() == abi.KindNumber {
		w.Emit(`,"usage":{"prompt_tokens":`)
		w.Int(chat.Count(count))
		w.Emit(`,"total_tokens":`)
		w.Int(chat.Count(count))
		w.Emit(`}`)
	}
	w.Emit(`}`)
	w.End()
	return sdk.OK
}

// pack writes a JSON array of numbers as OpenAI packs an embedding: base64 of
// little-endian 32-bit floats. ok is false for an array that holds anything else.
func pack(array string) (text string, ok bool) {
	rest := strings.TrimSpace(array)
	rest, ok = strings.CutPrefix(rest, "[")
	rest, closed := strings.CutSuffix(rest, "]")
	if !ok || !closed {
		return "", false
	}
	bytes := make([]byte, 0, len(rest)/2)
	for more := true; more; {
		var number string
		number, rest, more = strings.Cut(rest, ",")
		f, err := strconv.ParseFloat(strings.TrimSpace(number), 32)
		if err != nil {
			return "", false
		}
		bits := math.Float32bits(float32(f))
		bytes = append(bytes, byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24))
	}
	return encode64(bytes), true
}

const digits64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// encode64 is base64 with padding (RFC 4648, 4); the standard package brings
// reflection into the guest.
func encode64(b []byte) string {
	out := make([]byte, 0, (len(b)+2)/3*4)
	for ; len(b) >= 3; b = b[3:] {
		v := uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2])
		out = append(out, digits64[v>>18], digits64[v>>12&63], digits64[v>>6&63], digits64[v&63])
	}
	switch len(b) {
	case 1:
		v := uint(b[0]) << 16
		out = append(out, digits64[v>>18], digits64[v>>12&63], '=', '=')
	case 2:
		v := uint(b[0])<<16 | uint(b[1])<<8
		out = append(out, digits64[v>>18], digits64[v>>12&63], digits64[v>>6&63], '=')
	}
	return string(out)
}
