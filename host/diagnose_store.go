package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store"
)

// diagnoseStore opens the database as it is, changing nothing, and says whether it can be used,
// whether its clock is this machine's, whether accounts' rows are kept apart, and whether the audit
// log was tampered with.
func diagnoseStore(ctx context.Context, cfg Config, now time.Time) []Finding {
	kind := "Postgres"
	if cfg.embedded() {
		kind = "embedded SQLite in " + cfg.DataDir
	}
	if cfg.DatabaseURL == "" {
		if _, err := os.Stat(filepath.Join(cfg.DataDir, "pointsman.db")); errors.Is(err, fs.ErrNotExist) {
			return []Finding{{Check: "store", Level: LevelOK, Text: kind + ": the first start makes the database"}}
		}
	}
	s, err := store.Open(ctx, cfg.databaseURL(), store.Options{NoMigrate: true})
	switch {
	case errors.Is(err, store.ErrInUse):
		return []Finding{
			{Check: "store", Level: LevelOK, Text: kind + ": a server has it open"},
			{"audit", LevelWarning, "not checked, since " + err.Error(), "while the server runs, ask it: GET /api/v1/audit/verify"},
		}
	case errors.Is(err, store.ErrBehind):
		return []Finding{{"store", LevelWarning, kind + ": " + err.Error(), "save it first (`pointsman backup`, or pg_dump); the next start migrates it too, and the audit log is checked after that"}}
	case err != nil:
		return []Finding{{"store", LevelError, kind + ": " + err.Error(), "see that the database is there, is of this version, and lets this user in"}}
	}
	defer s.Close()
	found := []Finding{{Check: "store", Level: LevelOK, Text: kind + ": reachable, every migration is applied"}}
	found = append(found, diagnoseKey(ctx, cfg, s)...)
	found = append(found, diagnoseClock(ctx, s, now)...)
	if stands, advice := store.RowSecurity(s); stands {
		found = append(found, Finding{Check: "rows", Level: LevelOK, Text: "each account's are protected by the database"})
	} else if advice != "" {
		found = append(found, Finding{"rows", LevelWarning, "not protected by the database", advice})
	}
	return append(found, diagnoseAudit(ctx, s)...)
}

// diagnoseKey says whether the encryption key is there, without which no stored key is valid.
func diagnoseKey(ctx context.Context, cfg Config, s engine.Store) []Finding {
	keys, err := s.ListKeys(ctx)
	sealed, sealedErr := s.ListCredentials(ctx)
	if err = errors.Join(err, sealedErr); err != nil {
		return []Finding{{"key", LevelError, "the stored keys cannot be read: " + err.Error(), "see that the database answers"}}
	}
	key, err := storedEncryptionKey(cfg, len(keys)+len(sealed) > 0)
	switch {
	case err != nil:
		what, next, ok := strings.Cut(err.Error(), ": ")
		if !ok {
			next = "see that the user of the server can read it"
		}
		return []Finding{{"key", LevelError, what, next}}
	case key == "":
		return []Finding{{Check: "key", Level: LevelOK, Text: "the first start makes the encryption key"}}
	case cfg.EncryptionKey != "":
		return []Finding{{Check: "key", Level: LevelOK, Text: "POINTSMAN_ENCRYPTION_KEY is set"}}
	}
	return []Finding{{Check: "key", Level: LevelOK, Text: filepath.Join(cfg.DataDir, encryptionKeyFile) + " is there; keep a copy of it away from the database's"}}
}

// maxSkew is how far the clocks of a replica and its database may be apart: leases and days of the
// ledger are cut by them.
const maxSkew = 2 * time.Second

// diagnoseClock compares this machine's clock with the database's, where that has one.
func diagnoseClock(ctx context.Context, s engine.Store, now time.Time) []Finding {
	started := time.Now()
	theirs, ok, err := store.Clock(ctx, s)
	if !ok {
		return nil
	}
	if err != nil {
		return []Finding{{"clock", LevelError, err.Error(), "see that the database answers"}}
	}
	// Half of what the question took is the answer's way.
	took := time.Since(started)
	skew := theirs.Sub(now.Add(took / 2))
	text := fmt.Sprintf("the database is %v ahead (asking took %v)", skew.Round(time.Millisecond), took.Round(time.Millisecond))
	if skew.Abs()-took/2 > maxSkew {
		return []Finding{{"clock", LevelWarning, text, "keep both machines' time by NTP: `timedatectl` says whether it is synchronised"}}
	}
	return []Finding{{Check: "clock", Level: LevelOK, Text: text}}
}

// diagnoseAudit checks every chain of the audit log.
func diagnoseAudit(ctx context.Context, s engine.AuditStore) (found []Finding) {
	accounts, err := s.AuditedAccounts(ctx)
	if err != nil {
		return []Finding{{"audit", LevelError, "cannot be read: " + err.Error(), "see that the database answers"}}
	}
	entries, broken := int64(0), 0
	for _, account := range accounts {
		holds, err := engine.CheckAudit(ctx, s, account)
		entries += holds
		if err == nil {
			continue
		}
		broken++
		next := "see that the database answers"
		if b := (*engine.AuditBreak)(nil); errors.As(err, &b) {
			name := "account_id=" + account
			if account == "" {
				name = "global=true"
			}
			next = fmt.Sprintf("keep the database as evidence, and compare it from there on with a backup or an earlier export (GET /api/v1/audit/export?%s&after=%d)", name, b.Seq-1)
		}
		found = append(found, Finding{"audit", LevelError, err.Error(), next})
	}
	text := fmt.Sprintf("%d entries of %d accounts, every chain holds", entries, len(accounts))
	sum := Finding{Check: "audit", Level: LevelOK, Text: text}
	if broken > 0 {
		sum = Finding{"audit", LevelError, fmt.Sprintf("%d of %d chains are broken", broken, len(accounts)), "do for each what is told of it next"}
	}
	return append([]Finding{sum}, found...)
}

// diagnoseDisk says how much room is left where the process writes; free returns bytes.
func diagnoseDisk(dir string, free func(string) (uint64, error)) []Finding {
	const few, none = 1 << 30, 100 << 20
	place := dir
	for { // the first start makes it
		if _, err := os.Stat(place); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(place) == place {
			break
		}
		place = filepath.Dir(place)
	}
	left, err := free(place)
	if err != nil {
		return []Finding{{"disk", LevelWarning, fmt.Sprintf("%s: %v", dir, err), "see that the data folder can be read"}}
	}
	text := fmt.Sprintf("%d MiB are free for %s", left>>20, dir)
	const next = "make room, or move the data folder (POINTSMAN_DATA_DIR) to a larger disk"
	switch {
	case left < none:
		return []Finding{{"disk", LevelError, text + ": what is used may soon not be written down", next}}
	case left < few:
		return []Finding{{"disk", LevelWarning, text, next}}
	}
	return []Finding{{Check: "disk", Level: LevelOK, Text: text}}
}

// diagnoseCache looks at the folder of compiled plugins, which is made anew whenever it is missing.
func diagnoseCache(dataDir string) Finding {
	dir := filepath.Join(dataDir, "compiled")
	files, bytes := 0, int64(0)
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) { // a server at work
			return nil
		}
		if err == nil {
			files, bytes = files+1, bytes+info.Size()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return Finding{Check: "cache", Level: LevelOK, Text: "no compiled plugins yet: the first start compiles them, which takes seconds"}
	}
	if err != nil {
		return Finding{"cache", LevelWarning, strings.TrimSpace(err.Error()), "let the user of the server own " + dir + ", or remove it: it is made anew"}
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o022 != 0 {
		return Finding{"cache", LevelWarning, fmt.Sprintf("%s can be written to by others (%v)", dir, info.Mode().Perm()), "chmod 700 " + dir}
	}
	return Finding{Check: "cache", Level: LevelOK, Text: fmt.Sprintf("%d files of compiled plugins, %d MiB", files, bytes>>20)}
}
