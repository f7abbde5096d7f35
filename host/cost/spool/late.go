package spool

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/pointsman/pointsman/engine"
)

// latePrefix is how the name of a file begins that has the row of somebody who came late.
const latePrefix = "late-"

// leave deals with a row that comes after Close. One that was reserved is estimated at the next
// start; another would be lost, and gets a file that the next start reads as any other. It is false
// when that could not be written.
func (s *Spool) leave(t Token, u *engine.Usage) bool {
	if t.segment != nil {
		s.cfg.Log.Error().Str("id", u.ID).Msg("usage comes after the spool was closed: the next start estimates it")
		return true
	}
	if err := writeLate(s.cfg.Dir, appendRecord(nil, kindSettle, u)); err != nil {
		s.cfg.Log.Error().Err(err).Str("id", u.ID).Msg("usage comes after the spool was closed, and cannot be written")
		return false
	}
	s.cfg.Log.Warn().Str("id", u.ID).Msg("usage comes after the spool was closed: the next start hands it on")
	return true
}

// writeLate makes a file that is whole when it has its name: another process may have the folder
// by now, and read what is in it.
func writeLate(dir string, record []byte) error {
	f, err := os.CreateTemp(dir, "late-*.part")
	if err != nil {
		return err
	}
	_, err = f.Write(record)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, latePrefix+uuid.NewString()+suffix))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
