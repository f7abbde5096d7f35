package wasm

import (
	"context"
	"fmt"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// ruleGuest is a rule plugin as the rules see it. It does not keep the plugin
// alive: after that was replaced and drained it only answers so.
type ruleGuest struct{ p *plugin }

// RuleGuest returns the rule plugin that ref names; see [engine.RuleGuests]. A
// version that is not active is loaded now, which may take seconds.
func (l *Library) RuleGuest(accountID, ref string) (engine.RuleGuest, error) {
	p, err := l.lookup(accountID, ref, abi.KindRule)
	if err != nil {
		return nil, err
	}
	return ruleGuest{p}, nil
}

// Ref returns name@version.
func (g ruleGuest) Ref() string { return g.p.ref }

// Digest returns the SHA-256 of the module, in hex.
func (g ruleGuest) Digest() string { return g.p.digest }

// Decide implements [engine.RuleGuest]. ctx bounds only the wait for an instance: the call
// itself ends by its limit.
func (g ruleGuest) Decide(ctx context.Context, call *engine.RuleCall, answer *engine.RuleAnswer) error {
	p, err := g.p.held()
	if err != nil {
		return err
	}
	defer p.letGo()
	for {
		in, err := p.borrow(ctx, call.AccountID)
		if err != nil {
			return err
		}
		worn, err := p.decide(in, call, answer)
		if !worn {
			return err
		}
	}
}

// decide makes the call on a borrowed instance, and ends the borrow. worn reports that it ran out of
// fuel on an instance that has served before: perhaps it collected the garbage of other
// calls, and another instance answers. See RATIONALE.md, "Is fuel deterministic?".
func (p *plugin) decide(in *instance, call *engine.RuleCall, answer *engine.RuleAnswer) (worn bool, err error) {
	in.random.Seed(call.RequestID, 0, p.version.Name)
	in.reset(document.FrameInput{
		Request: call.Request,
		Context: call.Context,
		Rest:    call.Rest,
		Text:    call.Text,
		Config:  call.Config,
		Random:  &in.random,
		NowMS:   call.NowMS,
		Unkept:  unkept(call), UnkeptRequest: call.Unkept.Request,
	}, entryDecide)
	in.dry = call.Dry
	verdict, err := p.run(in, entryDecide, false)
	answer.Fuel = in.tank.spent
	if err != nil && in.worn {
		return true, err
	}
	missed := in.frame.Missed()
	p.logged(in, call.RequestID)
	if err == nil {
		if err = read(&in.frame, verdict, answer); err != nil {
			err = p.broke(in, err)
		} else {
			p.giveBack(in)
		}
	}
	if missed {
		return false, engine.ErrUndecided
	}
	return false, err
}

// unkept are the values of the context that a call that is made again does not have.
func unkept(call *engine.RuleCall) []document.Node {
	u := &call.Unkept
	if !u.Text && !u.Metadata && !u.Models {
		return nil
	}
	nodes := make([]document.Node, 0, 3)
	for _, part := range [...]struct {
		lost bool
		at   string
	}{{u.Text, "/request/text"}, {u.Metadata, "/request/metadata"}, {u.Models, "/models"}} {
		if part.lost {
			nodes = append(nodes, call.Context.Pointer(part.at))
		}
	}
	return nodes
}

// read copies the guest's answer out of the frame. Errors: it is none that v1 knows.
func read(f *document.Frame, verdict int32, answer *engine.RuleAnswer) error {
	answer.Verdict = engine.Verdict(verdict)
	answer.Targets = append(answer.Targets[:0], f.Targets()...)
	answer.Reason = f.ReasonText()
	answer.Tags = appendPairs(answer.Tags[:0], f.Tags())
	answer.Params = appendPairs(answer.Params[:0], f.Params())
	answer.Logs = answer.Logs[:0]
	for _, line := range f.Logs() {
		answer.Logs = append(answer.Logs, engine.LogLine(line))
	}
	answer.Status, answer.Message = 0, ""
	switch answer.Verdict {
	case engine.VerdictDecided, engine.VerdictAbstain:
		return nil
	case engine.VerdictReject:
		status, message, said := f.Failure()
		if !said || status < minReject || status > maxReject {
			return fmt.Errorf("rejected with status %d (%d to %d)", status, minReject, maxReject)
		}
		answer.Status, answer.Message = int(status), message
		return nil
	}
	return fmt.Errorf("%s returned %d", abi.EntryDecide, verdict)
}

// What a rule may reject with: faults of the caller, as HTTP counts them.
const minReject, maxReject = 400, 451

func appendPairs(dst []engine.Pair, pairs [][2]string) []engine.Pair {
	for _, p := range pairs {
		dst = append(dst, engine.Pair{Name: p[0], Value: p[1]})
	}
	return dst
}

// Configure implements [engine.RuleGuest].
func (g ruleGuest) Configure(ctx context.Context, config []byte) error {
	return g.p.configure(ctx, config)
}

// configure checks a config against the schema, then shows it to the guest.
func (p *plugin) configure(ctx context.Context, config []byte) error {
	doc, err := checkConfig(p.code.schema, config)
	if err != nil {
		return err
	}
	defer doc.Release()
	if !p.code.entries[entryConfigure] {
		return nil
	}
	p, err = p.held()
	if err != nil {
		return err
	}
	defer p.letGo()
	in, err := p.borrow(ctx, "")
	if err != nil {
		return err
	}
	in.random.Seed("", 0, p.version.Name)
	in.reset(document.FrameInput{Config: doc.Root(), Random: &in.random}, entryConfigure)
	code, err := p.run(in, entryConfigure, true)
	if err != nil {
		return &engine.Error{Code: engine.CodeInvalid, Param: "config", Message: messageOf(err), Err: err}
	}
	if p.divided() && p.slot != nil {
		defer p.forget(in) // the next config may be another account's
	} else {
		defer p.giveBack(in)
	}
	if code < 0 {
		_, message, _ := in.frame.Failure()
		e := refuse("config: %s", message)
		e.Param = "config"
		return e
	}
	return nil
}

// held returns the plugin, kept from being closed, or what fills its slot since it was
// unloaded for want of room. Errors: it was replaced.
func (p *plugin) held() (*plugin, error) {
	for range 10 {
		if p.hold() {
			return p, nil
		}
		if p.slot == nil {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
		next, err := p.lib.filledNow(ctx, p.slot)
		cancel()
		if err != nil || next == p {
			break
		}
		p = next
	}
	return nil, p.replaced()
}

func (p *plugin) replaced() error {
	return engine.Errorf(engine.CodePluginFailed, "plugin %s was replaced", p.ref)
}

// messageOf returns the part of an error that is safe to show.
func messageOf(err error) string {
	if e, ok := err.(*engine.Error); ok {
		return e.Message
	}
	return "the plugin failed"
}
