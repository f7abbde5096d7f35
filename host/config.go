package host

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/goccy/go-yaml"
	"github.com/rs/zerolog"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/host/httpapi"
)

// Config is what a process is started with. The zero value is not valid: start
// from DefaultConfig, or LoadConfig. Precedence: flags, environment, file, defaults.
//
// The tag mask says what Settings shows of a value: nothing of it ("all"), or no user, password
// and query ("url"). The tag unset says by which value an unset one is served.
type Config struct {
	Listen        string `yaml:"listen" env:"POINTSMAN_LISTEN"`                        // host:port; default 127.0.0.1:8080
	DataDir       string `yaml:"data_dir" env:"POINTSMAN_DATA_DIR"`                    // folder of the embedded store, compiled guests and the generated key; default ./pointsman-data
	DatabaseURL   string `yaml:"database_url" env:"POINTSMAN_DATABASE_URL" mask:"url"` // sqlite:PATH or postgres://…; default SQLite in the data folder
	AdminKey      string `yaml:"-" env:"POINTSMAN_ADMIN_KEY" mask:"all"`               // seeds the super admin's key; never from a file
	EncryptionKey string `yaml:"-" env:"POINTSMAN_ENCRYPTION_KEY" mask:"all"`          // what key hashes and the encryption of secrets derive from: ≥ 32 characters; required on Postgres, else generated
	PreviousKeys  string `yaml:"-" env:"POINTSMAN_ENCRYPTION_KEY_PREVIOUS" mask:"all"` // encryption keys used before, comma-separated: what was made with them goes on working
	Simulate      bool   `yaml:"simulate" env:"POINTSMAN_SIMULATE"`                    // simulate the providers that have no key
	LogLevel      string `yaml:"log_level" env:"POINTSMAN_LOG_LEVEL" unset:"info"`     // debug, info (default), warn, error
	DefaultModel  string `yaml:"default_model" env:"POINTSMAN_DEFAULT_MODEL"`          // the default handler's target; default gpt-4o
	DefaultBackup string `yaml:"default_fallback" env:"POINTSMAN_DEFAULT_FALLBACK"`    // the default handler's fallback; default gpt-5-mini

	// LimitsWithoutDatabase says what holds for rate limits that replicas share while the
	// database is gone and what they have leased is used up: "refuse" (default), or "share", by
	// which each admits the limit divided by the replicas that it last knew of.
	LimitsWithoutDatabase string `yaml:"limits_without_database" env:"POINTSMAN_LIMITS_WITHOUT_DATABASE" unset:"refuse"`
	// KeysWithoutDatabase is for how long keys are accepted while a Postgres does not say whether
	// they still are what they were, from its last word on; then requests are answered 503. From
	// 10s to 24h; default 60s.
	KeysWithoutDatabase time.Duration `yaml:"keys_without_database" env:"POINTSMAN_KEYS_WITHOUT_DATABASE" unset:"60s"`
	// MaxInFlight bounds the requests under /v1 that are served at one moment; what is beyond
	// is answered 503 at once. Default 16,384. Memory pressure lowers it.
	MaxInFlight int `yaml:"max_in_flight" env:"POINTSMAN_MAX_IN_FLIGHT" unset:"16384"`

	// Unpriced says what becomes of a model whose price nobody knows: "refuse" (default), or
	// "ceiling": it is called and charged what the dearest model of the catalogue costs.
	Unpriced engine.Unpriced `yaml:"unpriced" env:"POINTSMAN_UNPRICED" unset:"refuse"`

	// ProbeInterval is between two free probes of a provider: a request for its list of models.
	// Default 60 s; negative: there are none.
	ProbeInterval time.Duration `yaml:"probe_interval" env:"POINTSMAN_PROBE_INTERVAL" unset:"60s"`

	// UnknownKeys is how many different unknown keys one address (of IPv6 a /64) may try in a minute; what
	// is beyond is answered 429. Keys that the gateway made are never refused for it. Default 60;
	// negative: there is no bound.
	UnknownKeys int `yaml:"unknown_keys_per_minute" env:"POINTSMAN_UNKNOWN_KEYS_PER_MINUTE" unset:"60"`

	// TrustedProxies are the addresses and networks, separated by commas, of the proxies in front
	// of the gateway: what they say of a client's address (X-Forwarded-For) is believed where unknown
	// keys are counted and at a login, and what they say of TLS at a login. Without it all callers
	// behind a proxy are one address.
	TrustedProxies string `yaml:"trusted_proxies" env:"POINTSMAN_TRUSTED_PROXIES"`

	// WebhookLoopback lets webhooks lead to receivers on this machine, over http too.
	WebhookLoopback bool `yaml:"webhook_loopback" env:"POINTSMAN_WEBHOOK_LOOPBACK"`

	// CORSOrigins are the web pages that may call /v1 and /api from a browser, with a key: origins,
	// separated by commas, or * for all. Default: none.
	CORSOrigins string `yaml:"cors_origins" env:"POINTSMAN_CORS_ORIGINS"`

	TLS       TLS       `yaml:"tls"`
	Shutdown  Shutdown  `yaml:"shutdown"`
	Telemetry Telemetry `yaml:"telemetry"`
	Timeouts  Timeouts  `yaml:"upstream"`
	Upstreams Upstreams `yaml:"-"`
}

// Shutdown is how a process ends that is told to. 0 is no time at all.
type Shutdown struct {
	// Delay is for how long new requests are still served after the process has said that it is not
	// ready, so that whoever sends them can notice; default 5 s. A person's Ctrl-C leaves it out.
	Delay time.Duration `yaml:"delay" env:"POINTSMAN_SHUTDOWN_DELAY"`
	// Timeout is what requests and streams that are open after it may take to end by themselves;
	// default 120 s. What then is left ends with an error that says why.
	Timeout time.Duration `yaml:"timeout" env:"POINTSMAN_SHUTDOWN_TIMEOUT"`
}

// Timeouts bound the stages of one attempt at a provider, and all attempts of a request.
// 0: the default.
type Timeouts struct {
	Connect   time.Duration `yaml:"connect_timeout" env:"POINTSMAN_UPSTREAM_CONNECT_TIMEOUT" unset:"10s"`       // name, TCP and TLS; default 10 s
	FirstByte time.Duration `yaml:"first_byte_timeout" env:"POINTSMAN_UPSTREAM_FIRST_BYTE_TIMEOUT" unset:"60s"` // until a stream's headers, and its first content; default 60 s
	Answer    time.Duration `yaml:"answer_timeout" env:"POINTSMAN_UPSTREAM_ANSWER_TIMEOUT" unset:"300s"`        // until a plain answer's headers; default 300 s
	Idle      time.Duration `yaml:"idle_timeout" env:"POINTSMAN_UPSTREAM_IDLE_TIMEOUT" unset:"60s"`             // between two reads, or two events; default 60 s
	Total     time.Duration `yaml:"total_timeout" env:"POINTSMAN_UPSTREAM_TOTAL_TIMEOUT" unset:"600s"`          // the whole request, all attempts together; default 600 s
}

// settings returns each setting's variable and value.
func (t Timeouts) settings() []timeout {
	return []timeout{
		{"CONNECT", t.Connect}, {"FIRST_BYTE", t.FirstByte}, {"ANSWER", t.Answer}, {"IDLE", t.Idle}, {"TOTAL", t.Total},
	}
}

type timeout struct {
	stage string
	value time.Duration
}

// maxTimeout is the most that any stage may be given.
const maxTimeout = 24 * time.Hour

// Upstreams are the operator's credentials and base URLs, under the names that
// the vendors' own SDKs read. They stay in memory.
type Upstreams struct {
	OpenAIKey     string `env:"OPENAI_API_KEY" mask:"all"`
	OpenAIBase    string `env:"OPENAI_BASE_URL" mask:"url"` // ends in /v1
	AnthropicKey  string `env:"ANTHROPIC_API_KEY" mask:"all"`
	AnthropicBase string `env:"ANTHROPIC_BASE_URL" mask:"url"` // an origin
	GeminiKey     string `env:"GEMINI_API_KEY" mask:"all"`
	GeminiBase    string `env:"GEMINI_BASE_URL" mask:"url"` // an origin
	GoogleBase    string `env:"GOOGLE_GEMINI_BASE_URL" mask:"url"`
	RaptorKey     string `env:"RAPTOR_API_KEY" mask:"all"`
	RaptorBase    string `env:"RAPTOR_BASE_URL" mask:"url"` // ends in /v1
}

// DefaultConfig returns the settings of a process that was told nothing.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:8080", DataDir: "pointsman-data", LogLevel: "info",
		DefaultModel: "gpt-4o", DefaultBackup: "gpt-5-mini",
		Shutdown:  Shutdown{Delay: shutdownDelay, Timeout: shutdownTimeout},
		Telemetry: Telemetry{TraceRatio: 1},
	}
}

// ErrConfig is the error of settings that cannot work: starting again does not help, changing them does.
var ErrConfig = errors.New("the settings cannot work")

// configError is an error that is ErrConfig.
type configError struct{ error }

// Is makes it ErrConfig.
func (configError) Is(target error) bool { return target == ErrConfig }

// Unwrap returns what is wrong.
func (e configError) Unwrap() error { return e.error }

// LoadConfig returns the defaults overlaid by the YAML file, if path is not empty,
// then by the environment. An unknown key in the file is an error that shows its place.
func LoadConfig(path string) (Config, error) {
	cfg := DefaultConfig()
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return cfg, configError{fmt.Errorf("read config: %w", err)}
		}
		if err := cfg.overlay(text); err != nil {
			return cfg, configError{fmt.Errorf("config %s:\n%s", path, yaml.FormatError(err, false, true))}
		}
	}
	if err := env.Parse(&cfg); err != nil {
		return cfg, configError{fmt.Errorf("read environment: %w", err)}
	}
	return cfg, nil
}

// overlay sets what the YAML text sets. A text that says nothing would otherwise
// clear everything.
func (c *Config) overlay(text []byte) error {
	var content any
	if err := yaml.Unmarshal(text, &content); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if content == nil {
		return nil
	}
	return yaml.UnmarshalWithOptions(text, c, yaml.Strict())
}

// databaseURL is DatabaseURL, or the embedded database in DataDir.
func (c Config) databaseURL() string {
	if c.DatabaseURL != "" {
		return c.DatabaseURL
	}
	return "sqlite:" + filepath.Join(c.DataDir, "pointsman.db")
}

// previousKeys is PreviousKeys, one by one.
func (c Config) previousKeys() []string {
	var keys []string
	for key := range strings.SplitSeq(c.PreviousKeys, ",") {
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func (c Config) embedded() bool { return strings.HasPrefix(c.databaseURL(), "sqlite:") }

// validate reports the first setting that cannot work, with the next step.
func (c Config) validate() error {
	if n := len(c.AdminKey); n > 0 && n < minSecret {
		return fmt.Errorf("POINTSMAN_ADMIN_KEY has %d characters; it needs at least %d", n, minSecret)
	}
	if n := len(c.EncryptionKey); n > 0 && n < minEncryptionKey {
		return fmt.Errorf("POINTSMAN_ENCRYPTION_KEY has %d characters; it needs at least %d: `openssl rand -hex 32` makes one", n, minEncryptionKey)
	}
	for i, key := range c.previousKeys() {
		if n := len(key); n < minEncryptionKey {
			return fmt.Errorf("key %d of POINTSMAN_ENCRYPTION_KEY_PREVIOUS has %d characters; none had fewer than %d", i+1, n, minEncryptionKey)
		}
	}
	if !c.embedded() && c.EncryptionKey == "" {
		return errors.New("POINTSMAN_ENCRYPTION_KEY is required with Postgres, the same on every replica: `openssl rand -hex 32` makes one")
	}
	if c.Listen == "" {
		return errors.New("POINTSMAN_LISTEN is empty; the default is 127.0.0.1:8080")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("POINTSMAN_LISTEN is %q; it is an address and a port, as 127.0.0.1:8080 or :8080", c.Listen)
	}
	if _, err := zerolog.ParseLevel(c.LogLevel); err != nil {
		return fmt.Errorf("POINTSMAN_LOG_LEVEL is %q, which is unknown: debug, info, warn or error", c.LogLevel)
	}
	switch c.LimitsWithoutDatabase {
	case "", limitsRefuse, limitsShare:
	default:
		return fmt.Errorf("POINTSMAN_LIMITS_WITHOUT_DATABASE is %q; it is refuse or share", c.LimitsWithoutDatabase)
	}
	if d := c.KeysWithoutDatabase; d != 0 && (d < minKeysAlone || d > maxTimeout) {
		return fmt.Errorf("POINTSMAN_KEYS_WITHOUT_DATABASE is %v; it may be from %v to 24h, as in 90s", d, minKeysAlone)
	}
	if c.MaxInFlight < 0 {
		return fmt.Errorf("POINTSMAN_MAX_IN_FLIGHT is %d; it is how many requests are served at one moment", c.MaxInFlight)
	}
	if c.Unpriced != "" && c.Unpriced != engine.UnpricedRefuse && c.Unpriced != engine.UnpricedCeiling {
		return fmt.Errorf("POINTSMAN_UNPRICED is %q; it is refuse or ceiling", c.Unpriced)
	}
	for _, t := range c.Timeouts.settings() {
		if t.value < 0 || t.value > maxTimeout {
			return fmt.Errorf("POINTSMAN_UPSTREAM_%s_TIMEOUT is %v; it may be up to 24h, as in 90s", t.stage, t.value)
		}
	}
	for _, t := range []timeout{{"DELAY", c.Shutdown.Delay}, {"TIMEOUT", c.Shutdown.Timeout}} {
		if t.value < 0 || t.value > maxTimeout {
			return fmt.Errorf("POINTSMAN_SHUTDOWN_%s is %v; it may be from 0s to 24h, as in 90s", t.stage, t.value)
		}
	}
	if err := c.Telemetry.validate(); err != nil {
		return err
	}
	if err := c.TLS.validate(); err != nil {
		return err
	}
	if _, err := httpapi.ParseOrigins(c.CORSOrigins); err != nil {
		return fmt.Errorf("POINTSMAN_CORS_ORIGINS: %w", err)
	}
	for _, s := range c.Upstreams.settings() {
		if s.base != "" && !isBaseURL(s.base) {
			return fmt.Errorf("%s is not a URL such as https://host/path", s.baseFrom)
		}
	}
	return nil
}

func isBaseURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

const (
	minSecret        = 24
	minEncryptionKey = 32
)
