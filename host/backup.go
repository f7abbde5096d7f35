package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pointsman/pointsman/host/store"
)

// Backup saves the embedded database to a new file, also while a server has it open. keyFile is
// the file that holds the key without which the backup opens for nobody, "" when the environment
// has it.
func Backup(ctx context.Context, cfg Config, to string) (keyFile string, err error) {
	if err := store.Backup(ctx, cfg.databaseURL(), to); err != nil {
		return "", err
	}
	if cfg.EncryptionKey == "" {
		keyFile = filepath.Join(cfg.DataDir, encryptionKeyFile)
	}
	return keyFile, nil
}

// Restored is what Restore did.
type Restored struct {
	Kept     string // where the database is that was there before; "": there was none
	KeyFile  string // where the encryption key must be before the next start, "": it is there
	TookOver bool   // the key that Restore was given was put there
}

// Restore puts a backup in the place of the embedded database, which no server may hold. keyFile
// is a copy of the encryption key that belongs to the backup, "" for none; a different one that is
// there is never overwritten.
func Restore(ctx context.Context, cfg Config, from, keyFile string, now time.Time) (r Restored, err error) {
	place := filepath.Join(cfg.DataDir, encryptionKeyFile)
	key, err := keyToRestore(place, keyFile)
	if err != nil {
		return r, err
	}
	if r.Kept, err = store.Restore(ctx, cfg.databaseURL(), from, now); err != nil {
		return r, err
	}
	if key != nil {
		if err := writeDurably(place, key); err != nil {
			return r, fmt.Errorf("write encryption key: %w", err)
		}
		r.TookOver = true
	}
	if _, err := os.Stat(place); err != nil && cfg.EncryptionKey == "" {
		r.KeyFile = place
	}
	return r, nil
}

// keyToRestore is the key to be written, nil for none.
func keyToRestore(place, keyFile string) ([]byte, error) {
	if keyFile == "" {
		return nil, nil
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("read encryption key: %w", err)
	}
	if len(bytes.TrimSpace(key)) < minEncryptionKey {
		return nil, fmt.Errorf("%s holds no encryption key", keyFile)
	}
	switch there, err := os.ReadFile(place); {
	case errors.Is(err, fs.ErrNotExist):
		return key, os.MkdirAll(filepath.Dir(place), 0o700)
	case err != nil:
		return nil, fmt.Errorf("read encryption key: %w", err)
	case !bytes.Equal(bytes.TrimSpace(there), bytes.TrimSpace(key)):
		return nil, fmt.Errorf("%s is another key than %s: move it away first if the restored one is to be used", place, keyFile)
	}
	return nil, nil
}
