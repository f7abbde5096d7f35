package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pointsman/pointsman/host"
)

func newServe() *cobra.Command {
	var file string
	var flags host.Config
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configure(cmd, file, flags)
			if err != nil {
				return err
			}
			ctx, hurry, done := stages(cmd.Context())
			defer done()
			h, err := host.Open(ctx, cfg, host.Options{Log: newLogger(cfg.LogLevel), Banner: os.Stdout, Compiler: compiler(), Failpoint: failpoint(), Hurry: hurry})
			if err != nil {
				return err
			}
			go h.TendMemory(ctx)
			return h.Run(ctx)
		},
	}
	configFlags(cmd, &file, &flags)
	return cmd
}

// stages are those of a stop. The first signal ends ctx: SIGTERM, which a service manager sends, with
// the delay in which it notices, and an interrupt, which a person sends, without. The second closes
// hurry. The third ends the process as it stands. done takes it all back.
func stages(parent context.Context) (ctx context.Context, hurry <-chan struct{}, done func()) {
	signals, hurried := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// The parent ends with the first signal too, but does not say with which.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	go func() {
		var why error
		if first := firstOf(parent, signals); first == os.Interrupt {
			why = host.ErrInterrupted
		}
		cancel(why)
		<-signals
		signal.Stop(signals)
		close(hurried)
	}()
	return ctx, hurried, func() { signal.Stop(signals) }
}

// configFlags adds the flags that outrank the environment and the file.
func configFlags(cmd *cobra.Command, file *string, flags *host.Config) {
	f := cmd.Flags()
	f.StringVar(file, "config", os.Getenv("POINTSMAN_CONFIG"), "YAML file with settings")
	f.StringVar(&flags.Listen, "listen", "", "address to serve on (default 127.0.0.1:8080)")
	f.StringVar(&flags.DataDir, "data-dir", "", "folder of the embedded store and caches (default ./pointsman-data)")
	f.StringVar(&flags.DatabaseURL, "database-url", "", "sqlite:PATH or postgres://… (default: SQLite in the data folder)")
	f.StringVar(&flags.LogLevel, "log-level", "", "debug, info, warn or error (default info)")
	f.StringVar(&flags.LimitsWithoutDatabase, "limits-without-database", "", "shared rate limits while the database is gone: refuse or share (default refuse)")
	f.IntVar(&flags.MaxInFlight, "max-in-flight", 0, "requests served at one moment (default 16384)")
	f.BoolVar(&flags.Simulate, "simulate", false, "simulate the providers that have no key")
}

func configure(cmd *cobra.Command, file string, flags host.Config) (host.Config, error) {
	cfg, err := host.LoadConfig(file)
	if err != nil {
		return cfg, err
	}
	for _, o := range []struct {
		name string
		to   *string
		from string
	}{
		{"listen", &cfg.Listen, flags.Listen}, {"data-dir", &cfg.DataDir, flags.DataDir},
		{"database-url", &cfg.DatabaseURL, flags.DatabaseURL}, {"log-level", &cfg.LogLevel, flags.LogLevel},
		{"limits-without-database", &cfg.LimitsWithoutDatabase, flags.LimitsWithoutDatabase},
	} {
		if cmd.Flags().Changed(o.name) {
			*o.to = o.from
		}
	}
	if cmd.Flags().Changed("max-in-flight") {
		cfg.MaxInFlight = flags.MaxInFlight
	}
	if cmd.Flags().Changed("simulate") {
		cfg.Simulate = flags.Simulate
	}
	return cfg, nil
}

// newLogger logs to standard error. An empty level is info, as everywhere.
func newLogger(level string) zerolog.Logger {
	l, err := zerolog.ParseLevel(level)
	if err != nil || l == zerolog.NoLevel {
		l = zerolog.InfoLevel
	}
	return zerolog.New(os.Stderr).Level(l).With().Timestamp().Logger()
}

// firstOf waits for the first signal. One that came before they were listened to ended the parent
// alone; any other ends it at the same time.
func firstOf(parent context.Context, signals <-chan os.Signal) os.Signal {
	select {
	case s := <-signals:
		return s
	case <-parent.Done():
	}
	select {
	case s := <-signals:
		return s
	case <-time.After(time.Second):
		return syscall.SIGTERM
	}
}
