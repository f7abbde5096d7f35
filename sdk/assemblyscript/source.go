// Package assemblyscript holds the SDK for plugins in AssemblyScript as files, for
// "pointsman plugin new", which writes them beside a new plugin. It is no Go API for
// plugins. Start with pointsman/index.ts.
package assemblyscript

import "embed"

// Source is the SDK: the files of a plugin's folder, below "pointsman".
//
//go:embed pointsman
var Source embed.FS

// Template is a new plugin's folder, below "template". Its name is "plugin-name" in every file.
//
//go:embed all:template
var Template embed.FS
