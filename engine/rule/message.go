package rule

import (
	"regexp"
	"strings"
)

// rewrites turn expr's messages into ours: what a rule's author can act on, without
// Go type names. The first that matches wins; $1 and so on that name a type are put
// through plainType.
var rewrites = []struct {
	pattern *regexp.Regexp
	message string
	types   bool // submatches are Go types
}{
	{regexp.MustCompile(`^unexpected token EOF$`), `the rule ends too early`, false},
	{regexp.MustCompile(`^unexpected end of expression$`), `the rule ends too early`, false},
	{regexp.MustCompile(`^unexpected token Operator\("="\)$`), `unexpected "="; to compare, write ==`, false},
	{regexp.MustCompile(`^unexpected token \w+\((.*)\)$`), `unexpected $1`, false},
	{regexp.MustCompile(`^unrecognized character: U\+[0-9A-F]+(?: '(.)')?$`), `unexpected character "$1"`, false},
	{regexp.MustCompile(`^literal not terminated$`), `this text has no closing quote`, false},
	{regexp.MustCompile(`exceeds maximum allowed nodes`), `the rule has more than 500 parts`, false},
	{regexp.MustCompile(`^expected name$`), `a name is expected here`, false},
	{regexp.MustCompile(`^invalid char escape|^invalid syntax|^unable to unescape`), `this escape is not valid`, false},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types (.+) and (.+)\)$`), `"$1" does not work between $2 and $3`, true},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched type (.+)\)$`), `"$1" does not work on $2`, true},
	{regexp.MustCompile(`^non-bool expression \(type (.+)\) used as condition$`), `a condition must be true or false, but this is $1`, true},
	{regexp.MustCompile(`^predicate should return boolean \(got (.+)\)$`), `this must be true or false, but it is $1`, true},
	{regexp.MustCompile(`^array elements can only be selected using an integer \(got (.+)\)$`), `a list's element is selected by a number, not by $1`, true},
	{regexp.MustCompile(`^cannot slice (.+)$`), `no part can be taken of $1`, true},
	{regexp.MustCompile(`^non-integer slice index (.+)$`), `the bounds of a part are numbers, not $1`, true},
	{regexp.MustCompile(`^invalid argument for (\w+) \(type (.+)\)$`), `$1 does not take $2`, true},
	{regexp.MustCompile(`^cannot use (.+) as argument \(type (.+)\) to call (\S+)\s*$`), `$3 takes $2, not $1`, true},
	{regexp.MustCompile(`^cannot use (.+) as type (.+) in (?:array|map key)$`), `$1 cannot be among values that are $2`, true},
	{regexp.MustCompile(`^cannot use (.+) to get an element from (.+)$`), `$1 cannot be a key here`, true},
	{regexp.MustCompile(`^type (.+)\[.+\] is undefined$`), `$1 has no elements to select`, true},
	{regexp.MustCompile(`^type (.+) has no (?:field|method) (\S+)$`), `$1 has no member $2`, true},
	{regexp.MustCompile(`^(.+) is not callable$`), `$1 is not a function`, true},
	{regexp.MustCompile(`^(not enough|too many) arguments to call (\w+)$`), `$1 arguments for $2`, false},
	{regexp.MustCompile(`^invalid number of arguments \(expected (\d+), got (\d+)\)$`), `this function takes $1 argument, not $2`, false},
	{regexp.MustCompile(`^expected bool, but got (.+)$`), `a rule must be true or false, but this is $1`, true},
	{regexp.MustCompile(`^compile error: integer divide by zero$|^integer divide by zero$`), `division by zero`, false},
	{regexp.MustCompile(`^cannot redeclare (?:builtin |function |variable )?(\S+)$`), `the name $1 is taken`, false},
	{regexp.MustCompile(`^cannot use pointer accessor outside predicate$`), `"#" stands for an element inside any, all, none, one and count only`, false},
	{regexp.MustCompile(`^unknown pointer (\S+)$`), `$1 is not known; "#" stands for the element`, false},
}

// friendly returns the message in our words.
func friendly(message string) string {
	for _, r := range rewrites {
		m := r.pattern.FindStringSubmatch(message)
		if m == nil {
			continue
		}
		out := r.message
		for i := len(m) - 1; i > 0; i-- {
			part := m[i]
			if r.types {
				part = plainType(part)
			}
			out = strings.ReplaceAll(out, "$"+string(rune('0'+i)), part)
		}
		return out
	}
	return goType.ReplaceAllStringFunc(message, plainType)
}

// goType matches the spellings of Go types in a message that no rewrite knows.
var goType = regexp.MustCompile(`\*?rule\.\w+|map\[string\][\w.]+|map\[[^\]]*\]struct {}|\[\][\w.]+(?: {})?|interface {}|func\([^)]*\)(?: \w+)?|\b(?:float64|int64|uint8|struct {})\b`)

// plainType says what a Go type is, as typeName does, from its spelling.
func plainType(s string) string {
	s = strings.TrimPrefix(s, "*")
	switch {
	case s == "bool":
		return "true or false"
	case s == "string":
		return "text"
	case s == "int", s == "float64", s == "int64", s == "uint8":
		return "a number"
	case s == "unknown", s == "interface {}", s == "nil", s == "<nil>":
		return "a value of unknown kind"
	case strings.HasPrefix(s, "[]"):
		return "a list"
	case strings.HasPrefix(s, "map["):
		return "a map"
	case strings.HasPrefix(s, "func("):
		return "a function"
	case strings.HasPrefix(s, "rule."):
		return "the group " + strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(s, "rule."), "Env"))
	}
	return s
}
