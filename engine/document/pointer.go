package document

import (
	"strings"

	"github.com/pointsman/pointsman/sdk/abi"
)

// Pointer returns the value that an RFC 6901 JSON Pointer names, seen from n: ""
// is n itself, "/messages/0/role" a member of an element. As an index of an array
// "-1" is the last element. Absent when p is malformed or names nothing.
func (n Node) Pointer(p string) Node {
	if n.slot() == nil {
		return Node{}
	}
	i, _ := n.d.pointer(n.i, p)
	return n.d.node(i)
}

// pointer resolves p from the value at i; steps is how many members and elements it passed.
func (d *Doc) pointer(i uint32, p string) (value uint32, steps int) {
	for p != "" {
		if p[0] != '/' {
			return none, steps
		}
		token := p[1:]
		if end := strings.IndexByte(token, '/'); end >= 0 {
			token = token[:end]
		}
		p = p[1+len(token):]
		passed := 0
		switch s := &d.tape[i]; s.kind() {
		case abi.KindObject:
			if strings.IndexByte(token, '~') >= 0 {
				i, passed = d.memberEscaped(i, token)
			} else {
				i, passed = d.member(i, token)
			}
		case abi.KindArray:
			at, ok := arrayIndex(token, s.count())
			if !ok {
				return none, steps
			}
			i, passed = d.child(i, at), at
		default:
			return none, steps
		}
		steps += passed
		if i == none {
			return none, steps
		}
	}
	return i, steps
}

// memberEscaped is member for a pointer token that holds "~0" (a tilde) or "~1" (a slash).
func (d *Doc) memberEscaped(object uint32, token string) (value uint32, steps int) {
	name := make([]byte, 0, 64)
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '~' {
			i++
			switch {
			case i < len(token) && token[i] == '0':
				c = '~'
			case i < len(token) && token[i] == '1':
				c = '/'
			default:
				return none, 0
			}
		}
		name = append(name, c)
	}
	return d.member(object, view(name))
}

// arrayIndex reads an index as RFC 6901 writes it, or "-1"; ok is false when it names none of count elements.
func arrayIndex(token string, count int) (i int, ok bool) {
	if token == "-1" {
		return count - 1, count > 0
	}
	if token == "" || len(token) > 9 || len(token) > 1 && token[0] == '0' {
		return 0, false
	}
	for j := range len(token) {
		c := token[j] - '0'
		if c > 9 {
			return 0, false
		}
		i = i*10 + int(c)
	}
	return i, i < count
}
