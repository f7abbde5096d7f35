//go:build !failpoint

package schema

import "io/fs"

// later is for tests that have migrations of a version to come: see later_on.go.
func later(_ string, files fs.FS) fs.FS { return files }
