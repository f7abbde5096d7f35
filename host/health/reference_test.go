package health_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/health"
)

// plain is what a Service should do with one model, said as simply as possible: it remembers
// everything and counts it again each time.
type plain struct {
	th  health.Thresholds
	log []entry

	status    engine.HealthStatus
	streak    int
	ejections int
	relapses  int
	until     time.Time
	returned  time.Time
	fresh     int64 // what is not after it is not looked at
	calm      int64
	ticked    int64
	epoch     int

	open, early bool
	next        time.Time
	waited      int
	passed      int
	counted     int // trials of this round, but for those that said nothing
	round       int
	running     []*plainPass
	failedProbe bool // the last one
}

type entry struct {
	second   int64
	attempts int
	failures int
}

type plainPass struct {
	epoch  int // of a free one
	trial  bool
	forced bool
	round  int
	began  time.Time
}

func (p *plain) tally(within, now int64) (attempts, failures int) {
	for _, e := range slices.Backward(p.log) { // the newest is last
		if e.second <= now-within {
			break
		}
		if e.second > p.fresh && e.second <= now {
			attempts += e.attempts
			failures += e.failures
		}
	}
	return attempts, failures
}

func (p *plain) tick(now time.Time) {
	if second := now.Unix(); second != p.ticked {
		p.ticked = second
		p.judge(now)
	}
}

func (p *plain) judge(now time.Time) {
	if p.status == gone {
		return
	}
	second, window, enough := now.Unix(), int64(p.th.Window/time.Second), int(p.th.MinAttempts)
	attempts, failures := p.tally(window, second)
	if attempts >= enough && float64(failures) > p.th.DownShare*float64(attempts) {
		p.eject(now)
		return
	}
	for within := window; ; within++ {
		attempts, failures = p.tally(within, second)
		if attempts >= enough || within >= 60 {
			break
		}
	}
	share := float64(failures) / float64(max(attempts, 1))
	switch {
	case attempts >= enough && share >= p.th.DegradedShare:
		p.status, p.calm = weak, 0
	case p.status != weak:
	case attempts >= enough && share >= p.th.DegradedShare/2:
		p.calm = 0
	case p.calm == 0:
		p.calm = second
	case second-p.calm >= window:
		p.status, p.calm = up, 0
	}
}

func (p *plain) forgiven(now time.Time) int {
	if p.status == gone {
		return p.ejections
	}
	return max(0, p.ejections-int(now.Sub(p.returned)/p.th.Forgive))
}

func (p *plain) eject(now time.Time) {
	p.ejections = p.forgiven(now)
	p.relapses = p.ejections
	p.status, p.calm = gone, 0
	p.epoch++
	p.close()
	p.longer(now)
}

func (p *plain) close() {
	p.open, p.early, p.passed, p.counted, p.running = false, false, 0, 0, nil
	p.round++
}

func (p *plain) longer(now time.Time) {
	p.ejections++
	p.until = now.Add(min(time.Duration(p.ejections)*p.th.Eject, p.th.MaxEject))
}

func (p *plain) begin(now time.Time, last bool) *plainPass {
	if p.status != gone {
		return &plainPass{epoch: p.epoch}
	}
	if !p.open && !now.Before(p.until) {
		p.unlock(false)
	}
	if p.open {
		if t := p.trial(now); t != nil {
			return t
		}
	}
	if last {
		return &plainPass{forced: true}
	}
	return nil
}

func (p *plain) unlock(early bool) {
	p.open, p.early, p.next, p.waited, p.passed = true, early, time.Time{}, 0, 0
}

func (p *plain) waitsFor(now time.Time) (n int) {
	for _, t := range p.running {
		if now.Sub(t.began) < p.th.TrialTimeout {
			n++
		}
	}
	return n
}

func (p *plain) trial(now time.Time) *plainPass {
	p.waited++
	relapses := min(p.relapses, 3)
	if now.Before(p.next) && (relapses > 0 || p.waited < p.th.TrialEvery) {
		return nil
	}
	if p.early && p.passed == 0 && p.waitsFor(now) > 0 {
		return nil
	}
	if p.counted >= p.th.TrialSuccesses {
		if p.waitsFor(now) > 0 {
			return nil
		}
		p.passed, p.counted, p.running = 0, 0, nil
		p.round++
	}
	t := &plainPass{trial: true, round: p.round, began: now}
	p.running = append(p.running, t)
	p.counted++
	p.waited, p.next = 0, now.Add(time.Duration(max(relapses, 1))*p.th.TrialPace)
	return t
}

// end counts what became of an attempt: bad, good or neither, nil when it was canceled.
func (p *plain) end(now time.Time, t *plainPass, good, bad, canceled bool) {
	if !canceled {
		p.tick(now)
		e := entry{second: now.Unix(), attempts: 1}
		if bad {
			e.failures = 1
		}
		p.log = append(p.log, e)
	}
	switch {
	case t.trial:
		at := slices.Index(p.running, t)
		if t.round != p.round || at < 0 || p.status != gone {
			return
		}
		p.running = slices.Delete(p.running, at, at+1)
		switch {
		case good:
			if p.passed++; p.passed >= p.th.TrialSuccesses {
				p.status, p.calm, p.returned, p.fresh, p.streak = up, 0, now, now.Unix(), 0
				p.epoch++
				p.close()
			}
		case !bad:
			p.counted--
			p.next = time.Time{}
		case p.early && now.Before(p.until):
			p.close()
		default:
			p.close()
			p.longer(now)
		}
	case canceled:
	case t.forced:
		if good && p.status == gone && !p.open {
			p.unlock(now.Before(p.until))
		}
	case t.epoch != p.epoch:
	case good:
		p.streak = 0
	case bad:
		if p.streak++; p.streak >= p.th.ConsecutiveFailures {
			p.eject(now)
			return
		}
		p.judge(now)
	}
}

func (p *plain) probed(now time.Time, ok bool) {
	again := p.failedProbe
	p.failedProbe = !ok
	switch {
	case ok && p.status == gone && !p.open:
		p.unlock(now.Before(p.until))
	case ok && p.status == gone && p.waitsFor(now) == 0 && !p.early:
		p.next = time.Time{}
	case ok:
	case p.status == gone:
		if p.open && p.early && p.passed == 0 && p.waitsFor(now) == 0 {
			p.open, p.early = false, false
		}
	default:
		fresh := p.fresh
		p.fresh = 0
		attempts, failures := p.tally(int64(p.th.Window/time.Second), now.Unix())
		p.fresh = fresh
		if again || attempts > failures {
			if p.streak++; p.streak < p.th.ConsecutiveFailures {
				return
			}
		}
		p.eject(now)
	}
}

// Whatever happens, in whatever order, the service decides as the plain one does.
func TestAgainstReference(t *testing.T) {
	t.Parallel()
	runs := 25
	if os.Getenv("POINTSMAN_SOAK") != "" {
		runs = 20_000
	}
	reached := map[engine.HealthStatus]int{}
	for seed := range runs {
		r := rand.New(rand.NewPCG(uint64(seed), 8))
		th := health.Thresholds{
			ConsecutiveFailures: 2 + r.IntN(6), Window: time.Duration(2+r.IntN(20)) * time.Second, MinAttempts: 4 + r.Int64N(30),
			DownShare: 0.3 + 0.4*r.Float64(), DegradedShare: 0.05 + 0.2*r.Float64(),
			Eject: time.Duration(5+r.IntN(40)) * time.Second, MaxEject: time.Duration(60+r.IntN(200)) * time.Second,
			Forgive: time.Duration(10+r.IntN(100)) * time.Second, TrialEvery: 1 + r.IntN(12),
			TrialPace: time.Duration(200+r.IntN(2000)) * time.Millisecond, TrialSuccesses: 1 + r.IntN(5), TrialTimeout: time.Duration(5+r.IntN(30)) * time.Second,
		}
		l := newLab(t, th)
		p := &plain{th: l.Thresholds(), status: up, fresh: noon.Unix() - 60}
		target := engine.HealthTarget(gpt)
		type pair struct {
			pass  engine.HealthPass
			plain *plainPass
		}
		var open []pair
		failing, last := 0.0, false
		end := func(at pair) string {
			switch x := r.Float64(); {
			case x < failing:
				at.pass.Done([]engine.HealthOutcome{broken, late, unread, missing, overloaded}[r.IntN(5)])
				p.end(l.now(), at.plain, false, true, false)
				return "fails"
			case r.IntN(20) == 0:
				at.pass.Cancel()
				p.end(l.now(), at.plain, false, false, true)
				return "is canceled"
			case r.IntN(20) == 0:
				o := busy
				o.Pause = 0 // else the next ejection lasts as long
				at.pass.Done(o)
				p.end(l.now(), at.plain, false, false, false)
				return "is limited"
			}
			at.pass.Done(engine.HealthOutcome{Status: 200})
			p.end(l.now(), at.plain, true, false, false)
			return "is answered"
		}
		for step := range 1000 {
			what := ""
			switch n := r.IntN(1000); {
			case n < 5:
				failing = []float64{0, 0, 0.07, 0.3, 0.7, 1}[r.IntN(6)]
				last = r.IntN(8) == 0
				continue
			case n < 300:
				d := time.Duration(r.IntN(1500)) * time.Millisecond
				if r.IntN(60) == 0 {
					d = time.Duration(r.IntN(90)) * time.Second
				}
				for what = fmt.Sprint("wait ", d); d > 0; d -= time.Second {
					l.set(l.now().Add(min(d, time.Second)))
					l.Tick()
					if l.Len() > 0 {
						p.tick(l.now())
					}
				}
			case n < 320:
				ok := r.Float64() >= failing
				if what = "probe fails"; ok {
					what = "probe succeeds"
					l.ProbeSucceeded(gpt)
				} else {
					l.ProbeFailed(gpt, "probe")
				}
				p.probed(l.now(), ok)
			case n < 400 && len(open) > 0:
				at := r.IntN(len(open))
				what = "an earlier one " + end(open[at])
				open = slices.Delete(open, at, at+1)
			default:
				pass, ok := l.Begin(&target, last)
				plain := p.begin(l.now(), last)
				if ok != (plain != nil) {
					t.Fatalf("seed %d, step %d: Begin(last %v) = %v, want %v (%s until %v, %v)", seed, step, last, ok, plain != nil, p.status, p.until, l.now())
				}
				if what = "asks in vain"; ok {
					if what = "asks"; r.IntN(10) > 0 || len(open) > 20 {
						what += " and " + end(pair{pass, plain})
					} else {
						open = append(open, pair{pass, plain})
					}
				}
			}
			if l.Len() == 0 {
				continue
			}
			got := l.subject(gpt)
			p.tick(l.now())
			reached[p.status]++
			if got.Status != p.status || got.Ejections != p.forgiven(l.now()) || p.status == gone && !got.Until.Equal(p.until) {
				t.Fatalf("seed %d, step %d, %s: %s, %d ejections, until %v, want %s, %d, %v\n%+v", seed, step, what, got.Status, got.Ejections, got.Until, p.status, p.forgiven(l.now()), p.until, th)
			}
		}
		fresh := p.fresh
		p.fresh = 0
		attempts, failures := p.tally(60, l.now().Unix())
		p.fresh = fresh
		got := l.subject(gpt)
		if got.Attempts != int64(attempts) || got.Failures != int64(failures) {
			t.Fatalf("seed %d: %d failures of %d in the last minute, want %d of %d", seed, got.Failures, got.Attempts, failures, attempts)
		}
		var inCells, failedInCells int64
		for _, c := range got.Cells {
			inCells += c.Attempts
			failedInCells += c.Failures
		}
		if all, bad := p.tally(1<<40, l.now().Unix()); p.fresh == noon.Unix()-60 && (inCells != int64(all) || failedInCells != int64(bad)) {
			t.Fatalf("seed %d: cells have %d failures of %d, want %d of %d", seed, failedInCells, inCells, bad, all)
		}
		l.is(openai, up)
	}
	for _, s := range []engine.HealthStatus{up, weak, gone} {
		if reached[s] < 20*runs {
			t.Errorf("%s was reached %d times in %d runs: the test says little of it", s, reached[s], runs)
		}
	}
	t.Logf("steps by status: %v", reached)
}
