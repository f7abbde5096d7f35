// Package pointsman holds the SDK's sources as files, for tools that hand them to the
// authors of plugins. It is not the SDK: that is package sdk. Nor is it a library for
// embedding the gateway: that is package host.
package pointsman

import "embed"

// SDK has the folder sdk, and the packages below it that a Go plugin's tests need. For each
// language there is sdk/LANGUAGE/template, a plugin's first files; a language whose files
// are not there is not offered. The patterns name files by their depth, so that what
// compilers leave behind in those folders stays out.
//
//go:embed sdk/*.go sdk/*/*.* sdk/*/*/*.* sdk/*/template/src
//go:embed engine/document/*.go
var SDK embed.FS
