//go:build !linux

package spool

import "errors"

// openMapped is for Linux, where a file's space can be promised before it is used.
func openMapped(string, int64) (medium, error) { return nil, errors.ErrUnsupported }
