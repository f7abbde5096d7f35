package wasm

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// plugin is one loaded version of one account: its code and its instances.
// It is closed when the library and the last call have let go of it.
type plugin struct {
	lib     *Library
	ref     string // name@version
	digest  string // of the module, hex SHA-256
	version engine.PluginVersion
	kind    *kind
	code    *code

	slot    *slot        // that it fills; nil while an upload is tried
	share   *share       // of its account; nil for a global one
	used    atomic.Int64 // the library's tick when it was last called
	holders atomic.Int64
	own     *pool

	mu    sync.RWMutex     // guards what follows
	pools map[string]*pool // of a global rule plugin: by the account that calls
}

// newPlugin takes over the caller's hold on c, which letGo gives back.
func (l *Library) newPlugin(v engine.PluginVersion, c *code) *plugin {
	v.Module = nil
	v.Manifest, v.Name, v.Version, v.Kind = c.manifest, c.manifest.Name, c.manifest.Version, c.manifest.Kind
	p := &plugin{
		lib:     l,
		ref:     v.Name + "@" + v.Version,
		digest:  hex.EncodeToString(v.SHA256[:]),
		version: v,
		kind:    l.kinds[v.Kind],
		code:    c,
		own:     newPool(v.AccountID, l.cfg.PoolSize),
	}
	p.holders.Store(1)
	return p
}

// hold keeps the plugin from being closed; false when it is too late.
func (p *plugin) hold() bool {
	for {
		n := p.holders.Load()
		if n == 0 {
			return false
		}
		if p.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// touch notes that it is in use now.
func (p *plugin) touch() {
	if now := p.lib.ticks.Load(); p.used.Load() != now {
		p.used.Store(now)
	}
}

// press adds to what the account's instances take, and has room made when accounts' are too many.
func (l *Library) press(account string, bytes int64) {
	if account == "" {
		return
	}
	if l.tenantMemory.Add(bytes) > l.cfg.TenantBytes && bytes > 0 {
		select {
		case l.pressed <- struct{}{}:
		default:
		}
	}
}

// letGo undoes one hold; the last one closes the plugin.
func (p *plugin) letGo() {
	if p.holders.Add(-1) == 0 {
		p.close()
		p.lib.letGo(p.code)
		p.lib.gone()
	}
}

// close frees the idle instances. No call may be in progress.
func (p *plugin) close() {
	p.own.shrink(0)
	p.each(func(l *pool) { p.drop(l) })
}

// borrow takes an instance for a call of that account: see pool. The caller gives it back.
// Errors: ctx ended, or no instance could be made.
func (p *plugin) borrow(ctx context.Context, account string) (*instance, error) {
	if err := p.share.enter(ctx); err != nil {
		return nil, err
	}
	from := p.enter(account)
	in, err := p.take(ctx, from)
	if err != nil {
		from.leave()
		p.share.leave()
	}
	return in, err
}

// giveBack ends a borrow after a call that ended well; an instance that is no
// longer fit is replaced.
func (p *plugin) giveBack(in *instance) {
	if p.lib.cfg.AfterCall != nil {
		p.lib.cfg.AfterCall(p.ref, in.memory.view)
	}
	if p.lib.cfg.Spent != nil {
		p.lib.cfg.Spent(p.ref, in.frame.Entry(), in.tank.spent, in.frame.Calls())
	}
	in.metered("")
	in.weigh()
	if !in.fit() {
		p.forget(in)
		return
	}
	in.idle()
	in.served = true
	in.pool.warm <- in
	in.pool.leave()
	p.share.leave()
}

// forget ends a borrow after a failure: what state the guest is in nobody knows.
func (p *plugin) forget(in *instance) {
	in.discard()
	in.pool.leave()
	p.share.leave()
}

// discard frees the instance and lets another be made.
func (in *instance) discard() {
	in.close()
	in.pool.cold <- struct{}{}
}

// run makes one call on a borrowed instance, with a frame that was reset for it.
// On an error the instance is gone; else the caller reads the frame and gives it back.
// refusable entry points may return a negative number after fail.
func (p *plugin) run(in *instance, e entry, refusable bool) (int32, error) {
	began := p.begun()
	code, err := in.call(e)
	p.took(in, began)
	p.count(in)
	if err == nil && code < 0 {
		if _, _, said := in.frame.Failure(); !said || !refusable {
			err = fmt.Errorf("%s returned %d", entryNames[e], code)
		}
	}
	if err != nil {
		err = p.broke(in, err)
	}
	return code, err
}

// broke discards the instance and makes the error of its failure, with what the
// guest printed as it went.
func (p *plugin) broke(in *instance, err error) error {
	failure, kind := p.failed(err), trapOf(err)
	if kind == trapFuel && in.served && p.version.Kind == abi.KindRule {
		in.worn = true
		in.discard()
		in.pool.leave()
		p.share.leave()
		return failure
	}
	in.metered(trapNames[kind])
	if p.slot != nil && !in.dry {
		p.lib.failedOnce(p.slot, kind)
	}
	if logs := in.frame.Logs(); len(logs) > 0 {
		var said strings.Builder
		for _, line := range logs {
			said.WriteString("\n> ")
			said.WriteString(line.Text)
		}
		failure.Err = errors.New(truncate(said.String(), maxTrace) + "\n" + failure.Err.Error())
	}
	in.discard()
	in.pool.leave()
	p.share.leaveAfter(restAfter(kind, in.tank.spent))
	return failure
}

// count adds a call to what is known of the version.
func (p *plugin) count(in *instance) {
	if p.slot == nil || in.dry {
		return
	}
	t := &p.slot.telemetry
	t.calls.Add(1)
	t.fuel.add(in.tank.spent)
}

// logged keeps what the guest logged in the call at hand.
func (p *plugin) logged(in *instance, requestID string) {
	lines := in.frame.Logs()
	if p.slot == nil || in.dry || len(lines) == 0 {
		return
	}
	now := time.Now()
	for _, line := range lines {
		p.slot.telemetry.logs.add(now, requestID, line.Level, line.Text)
	}
}

// failed makes the error that a caller sees: safe words, and the trace for logs.
func (p *plugin) failed(err error) *engine.Error {
	return &engine.Error{
		Code:    engine.CodePluginFailed,
		Message: "plugin " + p.ref + " failed: " + cause(err),
		Err:     errors.New(truncate(strings.TrimSpace(err.Error()), maxTrace)),
	}
}

// gone counts a closed plugin.
func (l *Library) gone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live--
	if l.closed && l.live == 0 {
		close(l.empty)
	}
}
