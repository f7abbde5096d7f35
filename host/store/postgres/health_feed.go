package postgres

import "sync"

// healthChannel is where processes tell each other of health; its payload is the schema.
// Watch listens to it.
const healthChannel = "pointsman_health"

// feed wakes followers. The zero value has none.
type feed struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{} // each holds one wake-up; nobody closes them
}

func (f *feed) join() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == nil {
		f.watchers = map[chan struct{}]struct{}{}
	}
	wake := make(chan struct{}, 1)
	f.watchers[wake] = struct{}{}
	return wake
}

func (f *feed) leave(wake chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.watchers, wake)
}

// tell never blocks: a follower that has not looked yet sees this change too.
func (f *feed) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for wake := range f.watchers {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}
