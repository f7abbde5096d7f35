package openai

import (
	"bytes"

	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
	"github.com/pointsman/pointsman/sdk/abi"
)

// maxDelayMS is the longest wait that is believed: a day.
const maxDelayMS = 24 * 60 * 60 * 1000

// retryAfterMS is when the provider wants to be asked again, in milliseconds: from the
// headers, else from the message ("Please try again in 1.574s"), else, of a rate limit,
// from when the window that is used up begins anew. 0 when it did not say.
func retryAfterMS(class abi.Class, e sdk.Node) int64 {
	if ms := chat.RetryAfterMS(); ms > 0 {
		return ms
	}
	if ms := saidMS(messageOf(e)); ms > 0 || class != abi.ClassRateLimited {
		return ms
	}
	return resetMS(e.Get("type"))
}

// saidMS finds a delay in the words of an error.
func saidMS(text sdk.Node) int64 {
	for _, phrase := range [...]string{"try again in ", "retry after "} {
		at := text.Find(phrase)
		if at < 0 {
			continue
		}
		at += len(phrase)
		var room [32]byte
		return delayMS(text.Slice(at, min(at+len(room), text.Len())).AppendText(room[:0]))
	}
	return 0
}

// resetMS reads when the window of requests or of tokens begins anew, whichever is
// used up, and the later one when both are; the error's type names one of them.
func resetMS(kind sdk.Node) (ms int64) {
	for _, window := range [...]string{"requests", "tokens"} {
		if kind.Equal(window) || sdk.Field("x-ratelimit-remaining-"+window) == "0" {
			ms = max(ms, delayMS([]byte(sdk.Field("x-ratelimit-reset-"+window))))
		}
	}
	return ms
}

// delayMS reads a duration as OpenAI writes it ("1.574s", "20ms", "1m30s", "6 seconds") from the
// start of text, in milliseconds, rounded up and at most a day. What follows it is
// ignored; 0 when there is none.
func delayMS(text []byte) int64 {
	var total int64
	for {
		n := number(text)
		if n == 0 {
			return total
		}
		unit := text[n:]
		if len(unit) > 1 && unit[0] == ' ' {
			unit = unit[1:] // "6 seconds"
		}
		var scale int64
		switch {
		case bytes.HasPrefix(unit, []byte("milli")):
			scale = 1
		case len(unit) > 1 && unit[0] == 'm' && unit[1] == 's':
			scale, unit = 1, unit[1:]
		case len(unit) > 0 && unit[0] == 's':
			scale = 1000
		case len(unit) > 0 && unit[0] == 'm':
			scale = 60_000
		case len(unit) > 0 && unit[0] == 'h':
			scale = 3_600_000
		default:
			return total
		}
		total = min(total+scaled(text[:n], scale), maxDelayMS)
		text = unit[1:]
	}
}

// number is the length of the decimal number at the start of text; 0 when there is none.
func number(text []byte) int {
	n, dot := 0, false
	for ; n < len(text); n++ {
		switch c := text[n]; {
		case '0' <= c && c <= '9':
		case c == '.' && !dot && n > 0:
			dot = true
		default:
			return n
		}
	}
	return n
}

// scaled is a decimal number times scale, rounded up and at most a day.
func scaled(decimal []byte, scale int64) int64 {
	var value int64
	over, fraction := false, false
	for _, c := range decimal {
		digit := int64(c - '0')
		switch {
		case c == '.':
			fraction = true
		case !fraction:
			value = min(value*10+digit*scale, maxDelayMS)
		default:
			over = over || digit*scale%10 != 0
			value += digit * scale / 10
			scale /= 10
		}
	}
	if over {
		value++
	}
	return min(value, maxDelayMS)
}
