package sqlite

import (
	"context"
	"sync"
)

// TryJob implements engine.JobLock. One process owns the file, so the lock is in memory.
func (s *Store) TryJob(ctx context.Context, name string, job func(context.Context) error) (ran bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if !s.jobs.take(name) {
		return false, nil
	}
	defer s.jobs.drop(name)
	return true, job(ctx)
}

// jobs is the jobs that run. The zero value has none.
type jobs struct {
	mu      sync.Mutex
	running map[string]struct{}
}

func (j *jobs) take(name string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, runs := j.running[name]; runs {
		return false
	}
	if j.running == nil {
		j.running = map[string]struct{}{}
	}
	j.running[name] = struct{}{}
	return true
}

func (j *jobs) drop(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.running, name)
}
