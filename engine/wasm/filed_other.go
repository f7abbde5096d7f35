//go:build !linux

package wasm

import "errors"

func remap(string, []byte) error { return errors.ErrUnsupported }
