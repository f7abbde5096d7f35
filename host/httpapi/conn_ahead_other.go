//go:build !unix

package httpapi

// canReadNow: where a socket cannot be asked so, a request's first byte is read by itself.
const canReadNow = false

func readNow(uintptr, []byte) (n int, later bool, err error) { return 0, false, nil }
