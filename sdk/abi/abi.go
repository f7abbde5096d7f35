// Package abi names the plugin boundary, version 1: every function, number and
// limit that a guest and its host agree on. The host (engine/wasm), the document
// layer (engine/document) and the Go SDK (sdk) import it; the SDKs of other
// languages are tested against it. It holds no behaviour and imports nothing of ours.
//
// Start with function.go (imports), entry.go (exports), then kind.go (numbers).
package abi

// Version is the boundary's version, the "abi" member of a manifest.
const Version = 1

// Module is the wasm import module of every host function. The version is in
// the name: functions are only ever added to it.
const Module = "pointsman_v1"

// ManifestSection is the name of the custom section that holds a plugin's manifest (JSON).
const ManifestSection = "pointsman.manifest"

// Kind of plugin, the "kind" member of a manifest.
const (
	KindRule     = "rule"
	KindProvider = "provider"
)
