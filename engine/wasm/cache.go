package wasm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// codeCache keeps native code between runs, each entry in a file that is
// authenticated: what is loaded from it runs in this process. The zero value keeps nothing.
// Safe for concurrent use, also by processes that share the folder and the key.
type codeCache struct {
	dir   string // "": nothing is kept
	key   []byte
	bytes int64 // of all files
}

// openCodeCache makes the folder: one below dir that is named after everything the code
// depends on beside the module. wazero calls itself "dev" in some builds, and would then load
// another version's code.
func openCodeCache(dir string, key []byte, bytes int64) (codeCache, error) {
	if dir == "" {
		return codeCache{}, nil
	}
	build := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		build = "dev"
		if v := info.Main.Version; v != "" && v != "(devel)" {
			build = v
		}
		for _, m := range info.Deps {
			if m.Path == "github.com/tetratelabs/wazero" {
				build += "-wazero-" + m.Version
			}
		}
	}
	dir = filepath.Join(dir, build+"-"+runtime.Version())
	return codeCache{dir: dir, key: key, bytes: bytes}, os.MkdirAll(dir, 0o700)
}

// compiledEntry is a compiled module as wazero writes it, and the name of the file where
// wazero looks for it.
type compiledEntry struct {
	file string
	code []byte
}

// nameSize is the length of such a name: a hash in hexadecimal digits.
const nameSize = 2 * sha256.Size

// get returns what is kept under that key: see codeKey. What is not there, or was not
// written with this key, does not exist.
func (c codeCache) get(sum [32]byte) (compiledEntry, bool) {
	if c.dir == "" {
		return compiledEntry{}, false
	}
	path := c.path(sum)
	b, err := os.ReadFile(path)
	if err != nil || len(b) < sha256.Size+nameSize {
		return compiledEntry{}, false
	}
	mac, rest := b[:sha256.Size], b[sha256.Size:]
	if !hmac.Equal(mac, c.mac(sum, rest)) {
		_ = os.Remove(path)
		return compiledEntry{}, false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // so that trim knows what is in use
	return compiledEntry{file: string(rest[:nameSize]), code: rest[nameSize:]}, true
}

// put keeps an entry. It is replaced as a whole, so that nobody reads half of one.
func (c codeCache) put(sum [32]byte, e compiledEntry) error {
	if c.dir == "" {
		return nil
	}
	rest := slices.Concat([]byte(e.file), e.code)
	temp, err := os.CreateTemp(c.dir, ".new-")
	if err != nil {
		return fmt.Errorf("keep compiled plugin: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(c.mac(sum, rest))
	if err == nil {
		_, err = temp.Write(rest)
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), c.path(sum))
	}
	if err != nil {
		return fmt.Errorf("keep compiled plugin: %w", err)
	}
	c.trim()
	return nil
}

func (c codeCache) path(sum [32]byte) string {
	return filepath.Join(c.dir, hex.EncodeToString(sum[:]))
}

func (c codeCache) mac(sum [32]byte, rest []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	h.Write(sum[:])
	h.Write(rest)
	return h.Sum(nil)
}

// trim removes what was not used for longest while there is too much.
func (c codeCache) trim() {
	files, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	var kept []os.FileInfo
	var sum int64
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() {
			kept = append(kept, info)
			sum += info.Size()
		}
	}
	slices.SortFunc(kept, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range kept {
		if sum <= c.bytes {
			return
		}
		if os.Remove(filepath.Join(c.dir, f.Name())) == nil {
			sum -= f.Size()
		}
	}
}
