package wasm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/tetratelabs/wazero"
	"golang.org/x/sync/singleflight"

	"github.com/pointsman/pointsman/engine"
)

// Config of a Library. The zero value works.
type Config struct {
	// CacheDir keeps compiled guests between runs, in a folder per build. What it
	// holds is native code, authenticated with CacheKey: without one, nobody else may write
	// there. "" keeps them in memory only.
	CacheDir string
	CacheKey []byte
	// CacheBytes bounds the folder; what was not used for longest goes. 0: 2 GiB.
	CacheBytes int64
	// Compiler is the command that compiles a module in a process of its own, where it can be
	// killed: one that calls [CompileChild]. Its last argument will be a folder. Empty:
	// modules are compiled in this process, which nothing can end.
	Compiler []string
	// CompileLimit is when that process is killed, with an upload; with what is stored
	// already, six times as late. 0: 20 s.
	CompileLimit time.Duration
	// PoolSize is how many instances of a plugin version run at once; a call beyond
	// that waits. 0: twice the cores.
	PoolSize int
	// RuleLimit and ProviderLimit bound one call, in wall time. A call is stopped at its
	// limit, or up to two scans (5 ms each) later; later still where the machine
	// is overloaded. 0: 100 ms and 1 s.
	RuleLimit, ProviderLimit time.Duration
	// Grace is how long a replaced version serves those who still hold it, unless the
	// next Sync comes first. 0: 5 s.
	Grace time.Duration
	// TenantBytes bounds what accounts' plugins may take while they are loaded, native code and
	// instances together; beyond it the one longest unused is unloaded. 0: 1 GiB.
	TenantBytes int64
	// OnSuspend, when set, is told when a version is suspended. It must not wait.
	OnSuspend func(engine.PluginSuspension)
	// Meter, when set, returns what counts the calls of a version. It is asked once for each that
	// is offered.
	Meter func(accountID, name, version string) engine.PluginMeter
	// AfterCall, when set, sees the plugin's name@version and the guest's whole memory
	// after each call that ended well. It is for tests, which look for what must not be there.
	AfterCall func(plugin string, memory []byte)
	// Spent, when set, is told the entry point, the fuel and the host calls of each call that ended
	// well. It is for tests, which bound them.
	Spent func(plugin, entry string, fuel int64, hostCalls int)
	// Logger takes what provider guests log and what goes wrong where no caller waits.
	Logger zerolog.Logger

	compilerEnv []string      // for a test binary that is the compiler
	fixtureTime time.Duration // of all cases of an upload
	startLimit  time.Duration // of _initialize
	scanEvery   time.Duration // of the watchdog
	filedFrom   int           // bytes
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.RuleLimit, 100*time.Millisecond)
	set(&c.ProviderLimit, time.Second)
	set(&c.Grace, 5*time.Second)
	set(&c.CompileLimit, compileTime)
	if c.CacheBytes <= 0 {
		c.CacheBytes = 2 << 30
	}
	if c.TenantBytes <= 0 {
		c.TenantBytes = 1 << 30
	}
	set(&c.startLimit, startLimit)
	set(&c.fixtureTime, maxFixtureTime)
	set(&c.scanEvery, 5*time.Millisecond)
	if c.filedFrom <= 0 {
		c.filedFrom = filedFrom
	}
	if c.PoolSize <= 0 {
		c.PoolSize = 2 * runtime.GOMAXPROCS(0)
	}
	return c
}

// Library holds the plugin versions that can be called. What it offers is one
// immutable generation, replaced by Sync. Safe for concurrent use.
type Library struct {
	cfg          Config
	cache        wazero.CompilationCache // wazero's, over dock
	codeCache    codeCache
	dock         loadingDock
	docking      sync.Mutex     // held while a file is brought and loaded; guards filed
	filed        map[*byte]bool // where native code begins that stands in a file
	compilers    *compilers
	newcomers    *share // of accounts that have no plugin yet
	kinds        map[string]*kind
	watchdog     *watchdog
	stopDog      context.CancelFunc // and the house keeper
	housekept    chan struct{}      // closed when that has ended
	pressed      chan struct{}      // 1 slot: accounts\' instances take too much
	tenantMemory atomic.Int64       // bytes of those
	ticks        atomic.Int64       // of the house keeper: a clock that costs no reading

	current atomic.Pointer[generation]
	loading singleflight.Group // by hash: compiling; by version: loading

	syncMu  sync.Mutex // one Sync at a time; guards what follows
	leaving []*slot    // of the generation before, still usable
	timer   *time.Timer

	mu       sync.Mutex // guards what follows
	codes    map[[32]byte]*code
	prepared []*code // kept for the next Sync
	live     int     // plugins that are not closed
	closed   bool
	empty    chan struct{} // closed when closed and live is 0
}

var (
	_ engine.RuleGuests = (*Library)(nil)
	_ engine.Adapters   = (*Library)(nil)
)

// Open starts a library without plugins: Sync brings them. It starts two goroutines,
// which Close ends.
// Errors: the machine is none that guests can be compiled for, or the cache folder is unusable.
func Open(ctx context.Context, cfg Config) (*Library, error) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		return nil, fmt.Errorf("open plugin library: guests are compiled for amd64 and arm64, not %s", runtime.GOARCH)
	}
	l := &Library{
		cfg:       cfg.withDefaults(),
		compilers: newCompilers(cfg),
		newcomers: newShare(),
		codes:     map[[32]byte]*code{},
		filed:     map[*byte]bool{},
		empty:     make(chan struct{}),
	}
	l.current.Store(&generation{})
	var err error
	if l.codeCache, err = openCodeCache(l.cfg.CacheDir, l.cfg.CacheKey, l.cfg.CacheBytes); err != nil {
		return nil, fmt.Errorf("open plugin library: %w", err)
	}
	if l.dock, l.cache, err = openDock(); err != nil {
		return nil, fmt.Errorf("open plugin library: %w", err)
	}
	if l.kinds, err = newKinds(ctx, l.cfg, l.cache); err != nil {
		return nil, errors.Join(fmt.Errorf("open plugin library: %w", err), l.closeRuntimes(ctx))
	}
	dogCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.watchdog, l.stopDog = newWatchdog(l.cfg.scanEvery), stop
	go func() {
		defer close(l.watchdog.done)
		engine.Keep(dogCtx, l.cfg.Logger, "guests' watchdog", l.watchdog.run)
	}()
	l.housekept, l.pressed = make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer close(l.housekept)
		engine.Keep(dogCtx, l.cfg.Logger, "plugins' janitor", l.keepHouse)
	}()
	return l, nil
}

// Close refuses new calls, waits for those in progress and for open adapters, and
// frees everything. It may be called again.
// Errors: ctx ended first; then nothing is freed, as guests still run in it.
func (l *Library) Close(ctx context.Context) error {
	l.shut()
	select {
	case <-l.empty:
	case <-ctx.Done():
		return fmt.Errorf("close plugin library: calls in progress: %w", ctx.Err())
	}
	l.stopDog()
	<-l.watchdog.done
	<-l.housekept
	return l.closeRuntimes(ctx)
}

// shut takes everything off offer.
func (l *Library) shut() {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	l.mu.Lock()
	if !l.closed && l.live == 0 {
		close(l.empty)
	}
	l.closed = true
	l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.retire(append(l.current.Swap(&generation{}).slots(), l.leaving...))
	l.leaving = nil
	l.releasePrepared()
}

func (l *Library) closeRuntimes(ctx context.Context) error {
	var errs []error
	for _, k := range l.kinds {
		if k.runtime != nil {
			errs = append(errs, k.runtime.Close(ctx))
		}
	}
	errs = append(errs, l.cache.Close(ctx))
	l.dock.close()
	return errors.Join(errs...)
}
