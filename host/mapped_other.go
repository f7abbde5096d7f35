//go:build !linux

package host

func mapped() uint64 { return 0 }

func unmap() {}
