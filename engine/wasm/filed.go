package wasm

import (
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

// filedFrom is how much native code is worth a file, bytes.
const filedFrom = 1 << 20

// file has the native code of a global plugin's instance stand in a file instead of in memory that only this process can
// give back: pages of it that no call touches take none. That it cannot costs that memory.
// See RATIONALE.md, "Where does native code stand?".
func (l *Library) file(guest api.Module) {
	code := executableOf(guest)
	if l.codeCache.dir == "" || len(code) < l.cfg.filedFrom {
		return
	}
	l.docking.Lock()
	defer l.docking.Unlock()
	// Modules that differ in their manifests alone share it.
	if l.filed[&code[0]] {
		return
	}
	if err := remap(l.codeCache.dir, code); err != nil {
		l.cfg.Logger.Debug().Err(err).Msg("native code stays in memory")
		return
	}
	l.filed[&code[0]] = true
}

// executableOf is the native code of the module that this is an instance of; wazero has no method that tells. Nil
// where another wazero keeps it elsewhere.
func executableOf(guest api.Module) []byte {
	v := reflect.ValueOf(guest)
	for _, name := range []string{"Engine", "parent", "executables", "executable"} {
		for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return nil
		}
		v = v.FieldByName(name)
	}
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Uint8 {
		return nil
	}
	return v.Bytes()
}
