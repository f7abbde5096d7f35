package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// latePrefix is how the name of a file begins that has the row of somebody who came late.
const latePrefix = "late-"

// lateParts is what files are called that become such ones.
const lateParts = latePrefix + "*.part"

// lateTries is how often a row is written of which other processes remove the file.
const lateTries = 3

// leave deals with a row that comes after Close. One that was reserved is estimated at the next
// start; another would be lost, and gets a file that the next start reads as any other. It is false
// when that could not be written.
func (s *Spool) leave(t Token, u *engine.Usage) bool {
	if t.segment != nil {
		s.cfg.Log.Error().Str("id", u.ID).Msg("usage comes after the spool was closed: the next start estimates it")
		return true
	}
	record := appendRecord(nil, kindSettle, u)
	err := s.writeLate(record)
	for tries := 1; errors.Is(err, fs.ErrNotExist) && tries < lateTries; tries++ {
		err = s.writeLate(record) // a process that started meanwhile took it for one that was left
	}
	if err != nil {
		s.cfg.Log.Error().Err(err).Str("id", u.ID).Msg("usage comes after the spool was closed, and cannot be written")
		return false
	}
	s.cfg.Log.Warn().Str("id", u.ID).Msg("usage comes after the spool was closed: the next start hands it on")
	return true
}

// writeLate makes a file that is whole when it has its name: another process may have the folder
// by now, and read what is in it. Errors: fs.ErrNotExist when it was removed before it had its name.
func (s *Spool) writeLate(record []byte) error {
	f, err := os.CreateTemp(s.cfg.Dir, lateParts)
	if err != nil {
		return err
	}
	_, err = f.Write(record)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		s.cfg.Failpoint("late")
		err = os.Rename(f.Name(), filepath.Join(s.cfg.Dir, latePrefix+uuid.NewString()+suffix))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(s.cfg.Dir)
}

// removeParts removes what processes left that ended amid writeLate.
func (s *Spool) removeParts() error {
	paths, err := filepath.Glob(filepath.Join(s.cfg.Dir, lateParts))
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.cfg.Log.Warn().Err(err).Str("file", path).Msg("the beginning of a usage spool file could not be removed")
		}
	}
	return err
}

// syncFolder makes a new name in the folder durable. Windows knows no such thing.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
