package postgres

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/store/storetest/migrated"
)

// An operator's default isolation may be stricter. Then an append that waited for another
// is repeated, or given up with a serialization failure; it never writes a second end.
func TestAuditUnderStricterIsolation(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"repeatable read", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			address := migrated.PostgresURL(t) + "&default_transaction_isolation=" + strings.ReplaceAll(isolation, " ", "%20")
			s := mustOpen(t, address, Config{})
			var appended int64
			var mu sync.Mutex
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for range 5 {
						err := s.AppendAudit(engine.Audited(t.Context(), time.UnixMilli(1), "a", "act", "o", nil))
						var refused *pgconn.PgError
						if err != nil && !(errors.As(err, &refused) && refused.Code == "40001") {
							t.Errorf("AppendAudit() = %v, want nil or a serialization failure", err)
						}
						if err == nil {
							mu.Lock()
							appended++
							mu.Unlock()
						}
					}
				})
			}
			group.Wait()
			if got, err := engine.CheckAudit(t.Context(), s, "a"); err != nil || got != appended || got == 0 {
				t.Errorf("CheckAudit() = %d, %v, want %d, nil", got, err, appended)
			}
			t.Logf("%d of 40 appends succeeded", appended)
		})
	}
}
