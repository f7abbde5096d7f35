package document

import "github.com/pointsman/pointsman/sdk/abi"

// parser is one run over a text. It keeps no stack: an open array or object holds the
// index of its parent in its own slot, so nesting costs nothing but tape.
type parser struct {
	src    []byte
	tape   []slot
	limits Limits
	work   *workspace
}

// fault is why and where a text was refused. An empty reason means that it was not.
type fault struct {
	reason string
	offset int
	open   uint32 // innermost open array or object, or none
	// inside: the place is the value that comes next in open, not open itself.
	inside bool
}

const none = ^uint32(0)

func (p *parser) run() fault {
	var (
		src       = p.src
		n         = len(src)
		tape      = p.tape
		maxSlots  = p.limits.Nodes
		maxDepth  = p.limits.Depth
		open      = none
		depth     int
		i         int
		c         byte
		inObject  bool
		reason    string
		end, drop int
		meta      uint32
	)
	if n > p.limits.Bytes {
		return fault{reason: reasonSize, offset: p.limits.Bytes, open: none}
	}
	if n >= 3 && src[0] == 0xEF && src[1] == 0xBB && src[2] == 0xBF {
		return fault{reason: reasonBOM, open: none}
	}

value:
	for i < n && blank[src[i]] {
		i++
	}
	if i == n {
		reason = reasonEnd
		goto insideFault
	}
	if len(tape) >= maxSlots {
		reason = reasonNodes
		goto insideFault
	}
	switch c = src[i]; c {
	case '"':
		end, drop, reason = scanString(src, i+1)
		if reason != "" {
			i = end
			goto insideFault
		}
		tape = append(tape, stringSlot(i, end, drop))
		i = end
	case '{', '[':
		if depth == maxDepth {
			reason = reasonDepth
			goto insideFault
		}
		depth++
		inObject = c == '{'
		meta = uint32(abi.KindArray)
		if inObject {
			meta = uint32(abi.KindObject)
		}
		tape = append(tape, slot{start: uint32(i), aux: open, meta: meta})
		open = uint32(len(tape) - 1)
		i++
		for i < n && blank[src[i]] {
			i++
		}
		if i == n {
			reason = reasonEnd
			goto openFault
		}
		if inObject {
			if src[i] == '}' {
				goto closed
			}
			goto name
		}
		if src[i] == ']' {
			goto closed
		}
		goto value
	case 't':
		if i+4 > n || string(src[i:i+4]) != "true" {
			reason = reasonValue
			goto insideFault
		}
		tape = append(tape, slot{start: uint32(i), end: uint32(i + 4), meta: uint32(abi.KindBool) | metaTrue})
		i += 4
	case 'f':
		if i+5 > n || string(src[i:i+5]) != "false" {
			reason = reasonValue
			goto insideFault
		}
		tape = append(tape, slot{start: uint32(i), end: uint32(i + 5), meta: uint32(abi.KindBool)})
		i += 5
	case 'n':
		if i+4 > n || string(src[i:i+4]) != "null" {
			reason = reasonValue
			goto insideFault
		}
		tape = append(tape, slot{start: uint32(i), end: uint32(i + 4), meta: uint32(abi.KindNull)})
		i += 4
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		end, meta, reason = scanNumber(src, i)
		if reason != "" {
			i = end
			goto insideFault
		}
		tape = append(tape, slot{start: uint32(i), end: uint32(end), meta: uint32(abi.KindNumber) | meta})
		i = end
	default:
		reason = reasonValue
		goto insideFault
	}

next:
	for i < n && blank[src[i]] {
		i++
	}
	if open == none {
		if i < n {
			reason = reasonTrailing
			goto openFault
		}
		p.tape = tape
		return fault{}
	}
	tape[open].meta += countOne
	if i == n {
		reason = reasonEnd
		goto openFault
	}
	switch c = src[i]; {
	case c == ',':
		i++
		if !inObject {
			goto value
		}
		for i < n && blank[src[i]] {
			i++
		}
		goto name
	case c == '}' && inObject, c == ']' && !inObject:
		goto closed
	}
	reason = reasonComma
	if inObject {
		reason = reasonObjectComma
	}
	goto openFault

name:
	if i == n {
		reason = reasonEnd
		goto openFault
	}
	if src[i] != '"' {
		reason = reasonName
		goto openFault
	}
	if len(tape) >= maxSlots {
		reason = reasonNodes
		goto openFault
	}
	end, drop, reason = scanString(src, i+1)
	if reason != "" {
		i = end
		goto openFault
	}
	meta = uint32(abi.KindString)
	if drop > 0 {
		// Rare: the object's names are compared decoded, when it closes.
		meta |= metaEscaped
		tape[open].meta |= metaEscaped
	}
	tape = append(tape, slot{start: uint32(i), end: uint32(end), aux: nameMark(src[i+1 : end-1]), meta: meta})
	i = end
	for i < n && blank[src[i]] {
		i++
	}
	if i == n {
		reason = reasonEnd
		goto insideFault
	}
	if src[i] != ':' {
		reason = reasonColon
		goto insideFault
	}
	i++
	goto value

closed:
	i++
	{
		s := &tape[open]
		parent := s.aux
		s.end, s.aux = uint32(i), uint32(len(tape))
		if inObject && s.count() > 1 {
			if twin := p.duplicate(tape, open); twin != none {
				s.aux = parent
				p.tape = tape[:twin+1]
				return fault{reason: reasonDuplicate, offset: int(tape[twin].start), open: open, inside: true}
			}
		}
		open = parent
		depth--
		inObject = open != none && tape[open].kind() == abi.KindObject
	}
	goto next

openFault:
	p.tape = tape
	return fault{reason: reason, offset: i, open: open}

insideFault:
	p.tape = tape
	return fault{reason: reason, offset: i, open: open, inside: true}
}

// blank marks the four white-space characters of JSON.
var blank = [256]bool{' ': true, '\t': true, '\n': true, '\r': true}
