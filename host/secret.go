package host

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// encryptionKeyFile holds the generated key of an embedded installation.
const encryptionKeyFile = "encryption.key"

// encryptionKey returns the configured key, else the one in the data folder,
// which it makes on the first start. inUse says that the store holds what was made
// with a key: a new one would make it worthless without a word.
func encryptionKey(c Config, inUse bool) (string, error) {
	key, err := storedEncryptionKey(c, inUse)
	if err != nil || key != "" {
		return key, err
	}
	raw := make([]byte, 32)
	rand.Read(raw)
	key = hex.EncodeToString(raw)
	if err := writeDurably(filepath.Join(c.DataDir, encryptionKeyFile), []byte(key+"\n")); err != nil {
		return "", fmt.Errorf("write encryption key: %w", err)
	}
	return key, nil
}

// storedEncryptionKey is encryptionKey that makes none: "" when there is none and none is missed.
func storedEncryptionKey(c Config, inUse bool) (string, error) {
	if c.EncryptionKey != "" {
		return c.EncryptionKey, nil
	}
	path := filepath.Join(c.DataDir, encryptionKeyFile)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && inUse:
		return "", fmt.Errorf("%s is missing, and the stored keys are only valid with it: restore it from a backup, or set POINTSMAN_ENCRYPTION_KEY if that was used before", path)
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read encryption key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if len(key) < minEncryptionKey {
		return "", fmt.Errorf("%s is damaged: restore it from a backup; without it no stored key is valid", path)
	}
	return key, nil
}

// writeDurably makes a private file appear whole or not at all, also after a power cut.
func writeDurably(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a new name in the folder durable. Windows knows no such thing.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// derive returns 32 bytes of the encryption key for one purpose.
func derive(key, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(key), nil, "pointsman/"+purpose, 32)
}

// deriveEach is derive for the key in force and for those before it, in that order.
func deriveEach(key string, previous []string, purpose string) ([][]byte, error) {
	all := make([][]byte, 0, 1+len(previous))
	for _, k := range append([]string{key}, previous...) {
		d, err := derive(k, purpose)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
