package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// testEncryptionKey is what processes of a test share that are on one database.
var testEncryptionKey = strings.Repeat("k", 32)

var warmed struct {
	once sync.Once
	dir  string
}

// warmDir returns a new folder for a process with testEncryptionKey, in which the built-in plugins
// are compiled already: that takes most of a first start.
func warmDir(t *testing.T) string {
	t.Helper()
	warmed.once.Do(func() {
		dir := filepath.Join(filepath.Dir(binary), "warm")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		p := serve(t, dir, "POINTSMAN_ENCRYPTION_KEY="+testEncryptionKey)
		p.kill()
		warmed.dir = filepath.Join(dir, "pointsman-data", "compiled")
	})
	dir := t.TempDir()
	if warmed.dir == "" {
		return dir // another test has failed with it
	}
	if err := os.CopyFS(filepath.Join(dir, "pointsman-data", "compiled"), os.DirFS(warmed.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}
