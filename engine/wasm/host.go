package wasm

import (
	"context"
	"fmt"
	"math"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/pointsman/pointsman/sdk/abi"
)

// hostFunction is one function that guests may import. call gets the parameters in
// s and leaves the result in s[0]; the upper halves of i32 parameters carry garbage.
// A panic in it is a trap of that guest.
type hostFunction struct {
	name   string
	params string // letters of sdk/abi
	result string
	call   func(in *instance, s []uint64)
}

// importName is a function's two names in an import section.
type importName struct{ module, name string }

// hostModules is all that a guest may import, by module.
var hostModules = map[string][]hostFunction{
	abi.Module: pointsmanFunctions(),
	wasiModule: wasiFunctions(),
	"env":      {{"abort", "iiii", "", envAbort}},
}

// offered is the allow-list of the structure stage.
var offered = func() map[importName]signature {
	all := map[importName]signature{}
	for module, functions := range hostModules {
		for _, f := range functions {
			all[importName{module, f.name}] = signature{f.params, f.result}
		}
	}
	return all
}()

// pointsmanFunctions pairs the boundary's list with what answers it.
// It panics when one is missing, which a test of this package would meet first.
func pointsmanFunctions() []hostFunction {
	var functions []hostFunction
	for _, f := range abi.Functions() {
		call, ok := frameCalls[f.Name]
		if !ok {
			panic("engine/wasm: no implementation of " + f.Name)
		}
		functions = append(functions, hostFunction{f.Name, f.Params, f.Result, call})
	}
	return functions
}

// instantiateHost makes every host module importable in the runtime.
func instantiateHost(ctx context.Context, r wazero.Runtime) error {
	for module, functions := range hostModules {
		b := r.NewHostModuleBuilder(module)
		for _, f := range functions {
			b.NewFunctionBuilder().
				WithGoModuleFunction(guarded(f.call), valueTypes(f.params), valueTypes(f.result)).
				Export(f.name)
		}
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("host module %s: %w", module, err)
		}
	}
	return nil
}

// guarded finds the instance and ends the guest after a call that broke a limit,
// or once its time is up. The context is the instance itself: see instance.
func guarded(call func(*instance, []uint64)) api.GoModuleFunc {
	return func(ctx context.Context, _ api.Module, s []uint64) {
		in := ctx.(*instance)
		if in.stopped() {
			panic(errOverdue)
		}
		call(in, s)
		if err := in.frame.Err(); err != nil {
			panic(err)
		}
	}
}

func i32(v uint64) int32     { return int32(uint32(v)) }
func fromI32(v int32) uint64 { return uint64(uint32(v)) }

func fromBool(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

// frameCalls is the boundary: each function of sdk/abi, in its order, as a call of the
// frame. Guest memory is passed as views: the frame copies what it keeps.
var frameCalls = map[string]func(in *instance, s []uint64){
	"doc":   func(in *instance, s []uint64) { s[0] = fromI32(in.frame.Doc(i32(s[0]))) },
	"parse": func(in *instance, s []uint64) { s[0] = fromI32(in.frame.Parse(i32(s[0]))) },
	"find": func(in *instance, s []uint64) {
		s[0] = fromI32(int32(in.frame.Find(i32(s[0]), in.view(s[1], s[2]))))
	},
	"slice": func(in *instance, s []uint64) {
		s[0] = fromI32(in.frame.Slice(i32(s[0]), i32(s[1]), i32(s[2])))
	},
	"pointer": func(in *instance, s []uint64) {
		s[0] = fromI32(in.frame.Pointer(i32(s[0]), in.view(s[1], s[2])))
	},
	"get": func(in *instance, s []uint64) {
		s[0] = fromI32(in.frame.Get(i32(s[0]), in.view(s[1], s[2])))
	},
	"at": func(in *instance, s []uint64) { s[0] = fromI32(in.frame.At(i32(s[0]), i32(s[1]))) },
	"key": func(in *instance, s []uint64) {
		s[0] = fromI32(int32(in.frame.Key(i32(s[0]), i32(s[1]), in.view(s[2], s[3]))))
	},
	"size": func(in *instance, s []uint64) { s[0] = fromI32(int32(in.frame.Size(i32(s[0])))) },
	"kind": func(in *instance, s []uint64) { s[0] = fromI32(int32(in.frame.Kind(i32(s[0])))) },
	"bool": func(in *instance, s []uint64) { s[0] = fromBool(in.frame.Bool(i32(s[0]))) },
	"int":  func(in *instance, s []uint64) { s[0] = uint64(in.frame.Int(i32(s[0]))) },
	"num":  func(in *instance, s []uint64) { s[0] = math.Float64bits(in.frame.Num(i32(s[0]))) },
	"text": func(in *instance, s []uint64) {
		s[0] = fromI32(int32(in.frame.Text(i32(s[0]), in.view(s[1], s[2]))))
	},
	"raw": func(in *instance, s []uint64) {
		s[0] = fromI32(int32(in.frame.Raw(i32(s[0]), in.view(s[1], s[2]))))
	},
	"equal": func(in *instance, s []uint64) {
		s[0] = fromBool(in.frame.Equal(i32(s[0]), in.view(s[1], s[2])))
	},
	"mentions": func(in *instance, s []uint64) {
		s[0] = fromBool(in.frame.Mentions(i32(s[0]), in.view(s[1], s[2])))
	},

	"emit":         func(in *instance, s []uint64) { in.frame.Emit(in.view(s[0], s[1])) },
	"emit_node":    func(in *instance, s []uint64) { in.frame.EmitNode(i32(s[0])) },
	"emit_members": func(in *instance, s []uint64) { in.frame.EmitMembers(i32(s[0]), in.view(s[1], s[2])) },
	"emit_key":     func(in *instance, s []uint64) { in.frame.EmitKey(i32(s[0]), i32(s[1])) },
	"emit_string":  func(in *instance, s []uint64) { in.frame.EmitString(in.view(s[0], s[1])) },
	"emit_int":     func(in *instance, s []uint64) { in.frame.EmitInt(int64(s[0])) },
	"emit_inner":   func(in *instance, s []uint64) { in.frame.EmitInner(i32(s[0])) },
	"emit_text":    func(in *instance, s []uint64) { in.frame.EmitText(in.view(s[0], s[1])) },
	"emit_quoted":  func(in *instance, s []uint64) { in.frame.EmitQuoted(i32(s[0])) },
	"flush":        func(in *instance, _ []uint64) { in.frame.Flush() },
	"state_load": func(in *instance, s []uint64) {
		s[0] = fromI32(int32(in.frame.StateLoad(in.view(s[0], s[1]))))
	},
	"state_save": func(in *instance, s []uint64) { in.frame.StateSave(in.view(s[0], s[1])) },

	"http_method": func(in *instance, s []uint64) { in.frame.HTTPMethod(in.view(s[0], s[1])) },
	"http_path":   func(in *instance, s []uint64) { in.frame.HTTPPath(in.view(s[0], s[1])) },
	"http_header": func(in *instance, s []uint64) {
		in.frame.HTTPHeader(in.view(s[0], s[1]), in.view(s[2], s[3]))
	},
	"event_name": func(in *instance, s []uint64) {
		s[0] = fromI32(int32(in.frame.EventName(in.view(s[0], s[1]))))
	},
	"http_status": func(in *instance, s []uint64) { s[0] = fromI32(in.frame.HTTPStatus()) },
	"http_field": func(in *instance, s []uint64) {
		s[0] = fromI32(int32(in.frame.HTTPField(in.view(s[0], s[1]), in.view(s[2], s[3]))))
	},

	"target":      func(in *instance, s []uint64) { in.frame.Target(in.view(s[0], s[1])) },
	"target_node": func(in *instance, s []uint64) { in.frame.TargetNode(i32(s[0])) },
	"reason":      func(in *instance, s []uint64) { in.frame.Reason(in.view(s[0], s[1])) },
	"tag":         func(in *instance, s []uint64) { in.frame.Tag(in.view(s[0], s[1]), in.view(s[2], s[3])) },
	"param":       func(in *instance, s []uint64) { in.frame.Param(in.view(s[0], s[1]), in.view(s[2], s[3])) },
	"hash":        func(in *instance, s []uint64) { s[0] = uint64(in.frame.Hash(i32(s[0]))) },

	"lossy":    func(in *instance, s []uint64) { in.frame.Lossy(in.view(s[0], s[1])) },
	"classify": func(in *instance, s []uint64) { in.frame.Classify(i32(s[0]), int64(s[1])) },
	"fail":     func(in *instance, s []uint64) { in.frame.Fail(i32(s[0]), in.view(s[1], s[2])) },
	"log":      func(in *instance, s []uint64) { in.frame.Log(i32(s[0]), in.view(s[1], s[2])) },
	"now_ms":   func(in *instance, s []uint64) { s[0] = uint64(in.frame.NowMS()) },
	"random":   func(in *instance, s []uint64) { s[0] = uint64(in.frame.Random()) },
}
