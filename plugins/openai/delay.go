package openai

import (
	"github.com/pointsman/pointsman/plugins/chat"
	"github.com/pointsman/pointsman/sdk"
)

// maxDelayMS is the longest wait that is believed: a day.
const maxDelayMS = 24 * 60 * 60 * 1000

// retryAfterMS is when the provider wants to be asked again, in milliseconds:
// from the headers, else from the message ("Please try again in 1.574s").
// 0 when it did not say.
func retryAfterMS(e sdk.Node) int64 {
	if ms := chat.RetryAfterMS(); ms > 0 {
		return ms
	}
	const phrase = "try again in "
	text := messageOf(e)
	at := text.Find(phrase)
	if at < 0 {
		return 0
	}
	at += len(phrase)
	var room [32]byte
	return delayMS(text.Slice(at, min(at+len(room), text.Len())).AppendText(room[:0]))
}

// delayMS reads a duration as OpenAI writes it ("1.574s", "20ms", "1m30s") from the
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
		var scale int64
		switch {
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
