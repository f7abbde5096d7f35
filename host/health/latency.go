package health

import (
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
)

const (
	buckets = len(engine.LatencyBuckets{})
	periods = 20 // of periodLength: five minutes
	recent  = 2  // the periods that are said to be of late
)

// periodLength is in seconds.
const periodLength = 15

// latency counts how long answers took, by periods. Counting is one atomic step; all else is
// done under the subject's lock.
type latency struct {
	at     atomic.Int64 // the index of the present period
	counts [periods][buckets]atomic.Uint32

	period int64 // its number
	usual  engine.LatencyBuckets
	// told is what was usual before this process began, in ms; it holds until usual says something.
	told int64
}

func (l *latency) add(bucket int) { l.counts[l.at.Load()][bucket].Add(1) }

// advance makes the period of that second the present one. What was counted in those before
// becomes part of what is usual.
func (l *latency) advance(second int64) {
	period := second / periodLength
	if l.period == 0 {
		l.period = period
		l.at.Store(period % periods)
	}
	if period <= l.period {
		return
	}
	l.learn()
	for n := min(period-l.period, periods); n > 0; n-- {
		of := &l.counts[(period-n+1)%periods]
		for i := range of {
			of[i].Store(0)
		}
	}
	l.period = period
	l.at.Store(period % periods)
}

// Every period says as much of what is usual, however much went on in it: half of what is
// usual is forgotten after 12 h of use.
const (
	periodWeight = 16
	usualWeight  = 2 * 12 * 3600 / periodLength * periodWeight
	usualEnough  = 4 * periodWeight // less of it says nothing
)

// learn adds the present period to what is usual.
func (l *latency) learn() {
	of := l.sum(1)
	total := of.Count()
	if total == 0 {
		return
	}
	for i, n := range of {
		if total > periodWeight {
			n = (n*periodWeight + total/2) / total
		}
		l.usual[i] += n
	}
	if l.usual.Count() > usualWeight {
		for i := range l.usual {
			l.usual[i] /= 2
		}
	}
}

// sum is what the last n periods counted.
func (l *latency) sum(n int64) (b engine.LatencyBuckets) {
	for i := range min(n, periods) {
		of := &l.counts[(l.period-i+periods)%periods]
		for j := range of {
			b[j] += int64(of[j].Load())
		}
	}
	return b
}

// usualMS is the median in the long run, 0 when it is not known.
func (l *latency) usualMS() int64 {
	if l.usual.Count() < usualEnough {
		return l.told
	}
	return int64(l.usual.Quantile(0.5))
}

func quantileMS(b *engine.LatencyBuckets, q float64) int64 {
	if b.Count() == 0 {
		return 0
	}
	return max(int64(b.Quantile(q)), 1)
}

// slowness is by how much answers are too slow: value where allowed is the most.
type slowness struct{ value, allowed int64 }

// slow compares the last periods with what is allowed; part makes that less: 0.5 is half.
func (l *latency) slow(t *Thresholds, most time.Duration, part float64) (s slowness, is bool) {
	b := l.sum(recent)
	if b.Count() < t.SlowMinSamples {
		return slowness{}, false
	}
	if s = (slowness{quantileMS(&b, 0.95), most.Milliseconds()}); float64(s.value) > part*float64(s.allowed) {
		return s, true
	}
	usual := l.usualMS()
	if usual == 0 {
		return slowness{}, false
	}
	s = slowness{quantileMS(&b, 0.5), usual}
	return s, float64(s.value) > part*max(t.SlowFactor*float64(usual), float64(t.SlowFloor.Milliseconds()))
}
