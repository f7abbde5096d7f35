package main

import (
	"os"

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
			h, err := host.Open(cmd.Context(), cfg, host.Options{Log: newLogger(cfg.LogLevel), Banner: os.Stdout, Compiler: compiler(), Failpoint: failpoint()})
			if err != nil {
				return err
			}
			return h.Run(cmd.Context())
		},
	}
	configFlags(cmd, &file, &flags)
	return cmd
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
