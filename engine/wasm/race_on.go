//go:build race

package wasm

// raceDetector: it maps more address space than any limit allows.
const raceDetector = true
