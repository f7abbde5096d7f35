package wasm

import (
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

// A function keeps the stack of its deepest call for as long as it lives, outside of all
// sums. Past maxStack an instance is not used again; only a call that spent deepFuel can
// have come near.
const (
	maxStack = 1 << 20
	deepFuel = maxStack / framePerUnit / 2
)

// stackOf is how many bytes of stack wazero holds for the function; it has no method
// that says. 0 where another wazero keeps them elsewhere.
func stackOf(f api.Function) int {
	v := reflect.Indirect(reflect.ValueOf(f))
	if v.Kind() != reflect.Struct {
		return 0
	}
	if stack := v.FieldByName("stack"); stack.Kind() == reflect.Slice {
		return stack.Len()
	}
	return 0
}
