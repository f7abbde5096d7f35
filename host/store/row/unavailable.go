package row

import (
	"time"

	"github.com/pointsman/pointsman/engine"
)

// retryAfter is when a caller is told to come again: a restart takes a few seconds.
const retryAfter = 2 * time.Second

// Unavailable is what a caller is told while the database cannot serve; err is for the log.
func Unavailable(err error) error {
	return &engine.Error{
		Code: engine.CodeDatabaseUnavailable, Message: "The database does not answer now. Try again shortly.",
		After: retryAfter, Err: err,
	}
}
