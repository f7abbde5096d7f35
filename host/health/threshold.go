package health

import "time"

// Thresholds are what is judged by. A zero field means its default.
type Thresholds struct {
	// ConsecutiveFailures without an answer between them take a subject out. Default 5.
	ConsecutiveFailures int
	// Window is over how long shares are taken, in whole seconds, at most 60 s. Default 10 s.
	Window time.Duration
	// MinAttempts within the window make a share of it mean something. Default 20.
	MinAttempts int64
	// DownShare of attempts, when more fail, takes a subject out. Default 0.5.
	DownShare float64
	// DegradedShare of attempts, when as many fail, degrades. Less than half of it for a whole
	// window is health again. Default 0.1.
	DegradedShare float64

	// A model is slow when the 95th percentile is beyond SlowFirstByte for answers that stream
	// (default 15 s) or SlowLatency for the others (default 90 s), or the median is beyond
	// SlowFactor times what is usual there (default 3) and beyond SlowFloor (default 2 s).
	// Below half of what it was beyond for a whole window it is slow no more.
	SlowFirstByte time.Duration
	SlowLatency   time.Duration
	SlowFactor    float64
	SlowFloor     time.Duration
	// SlowMinSamples are as many answers of the last 15 to 30 s as say that it is slow. Default 20.
	SlowMinSamples int64

	// Eject is for how long a subject is out the first time; the n-th time n times as long,
	// at most MaxEject. Defaults 30 s, 5 min.
	Eject    time.Duration
	MaxEject time.Duration
	// Forgive takes one from n for each time that it is not out for so long. Default 1 min.
	Forgive time.Duration

	// TrialEvery is which of the requests for a subject that may be tried is a trial: one in so
	// many. Default 10.
	TrialEvery int
	// TrialPace is after how long the next request is a trial, however few there are. A subject
	// that was out before lately waits for it each time, n-1 times, at most three. Default 1 s.
	TrialPace time.Duration
	// TrialSuccesses in a row end an ejection, and as many trials may be under way. Default 3.
	TrialSuccesses int
	// TrialTimeout is after how long trials that have not ended hold up no others. Default 30 s.
	TrialTimeout time.Duration
}

func (t *Thresholds) defaults() {
	or(&t.ConsecutiveFailures, 5)
	or(&t.Window, 10*time.Second)
	t.Window = min(max(t.Window.Truncate(time.Second), time.Second), longWindow*time.Second)
	or(&t.MinAttempts, 20)
	or(&t.DownShare, 0.5)
	or(&t.DegradedShare, 0.1)
	or(&t.SlowFirstByte, 15*time.Second)
	or(&t.SlowLatency, 90*time.Second)
	or(&t.SlowFactor, 3)
	or(&t.SlowFloor, 2*time.Second)
	or(&t.SlowMinSamples, 20)
	or(&t.Eject, 30*time.Second)
	or(&t.MaxEject, 5*time.Minute)
	or(&t.Forgive, time.Minute)
	or(&t.TrialEvery, 10)
	or(&t.TrialPace, time.Second)
	or(&t.TrialSuccesses, 3)
	t.TrialSuccesses = min(t.TrialSuccesses, maxTrials)
	or(&t.TrialTimeout, 30*time.Second)
}

// or sets what is not positive to its default.
func or[T int | int64 | float64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
