//go:build unix

package spool

import (
	"context"
	"syscall"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// BenchmarkReserveSettle is what an attempt's two records cost, by each way to write them.
// cpu-ns/op is what all of the process took, the rows' way to the database with it.
func BenchmarkReserveSettle(b *testing.B) {
	for _, medium := range []struct {
		name  string
		plain bool
	}{{"mapped", false}, {"plain", true}} {
		b.Run(medium.name, func(b *testing.B) {
			s := open(b, Config{Dir: b.TempDir(), plain: medium.plain})
			ctx, stop := context.WithCancel(b.Context())
			ran := make(chan error, 1)
			go func() {
				ran <- s.Run(ctx, func(context.Context, []engine.Usage) error { return nil })
			}()
			u := attempt("0190d6f2-7a1e-7c3e-9d3a-1f0c5a7b9e21")
			b.ReportAllocs()
			before := processor(b)
			for b.Loop() {
				token, err := s.Reserve(u)
				if err != nil {
					b.Fatal(err)
				}
				s.Settle(token, u)
			}
			b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
			stop()
			<-ran
			_ = s.Close()
		})
	}
}

// processor is the time in nanoseconds that processors have spent on this process.
func processor(b *testing.B) int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
