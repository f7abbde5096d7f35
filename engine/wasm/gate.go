package wasm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// upload is a module on its way through the gate. Each stage may rely on what the
// earlier ones filled in.
type upload struct {
	version engine.PluginVersion
	module  []byte
	fresh   bool // somebody waits for it to be uploaded

	sum       [32]byte           // size
	structure *structure         // structure
	manifest  engine.Manifest    // manifest
	schema    *jsonschema.Schema // manifest
	metered   []byte             // meter: what is compiled; of what is stored only if it has to be
	code      *code              // compile: held by the upload
}

// stage is one step of the gate. Its name stands in errors and logs.
type stage struct {
	name  string
	check func(context.Context, *upload) error
}

// Stages in order. What a later stage does is only safe after the earlier ones: no
// decoder but our own sees a module that structure has not passed. What bounds the cost
// of compiling belongs before meter, and a compiler in another process in the
// place of compile.
func (l *Library) stages() []stage {
	return append(inspectStages(), stage{"compile", l.compile}, stage{"try", l.try}, stage{"fixtures", l.tryFixtures})
}

// loadStages are those that a stored module passes again: what it was tried with does
// not change. It is metered again where it is compiled again, and not where native code is kept.
func loadStages(l *Library) []stage {
	return append(formStages(), stage{"compile", l.compile})
}

func inspectStages() []stage { return append(formStages(), stage{"meter", meterUpload}) }

func formStages() []stage {
	return []stage{{"size", checkSize}, {"structure", checkStructure}, {"manifest", checkIdentity}}
}

// pass sends the upload through the stages. Errors: *engine.Error with CodeInvalid
// and a message for the author, whose Param names the stage, as "module.compile", or what
// else kept a stage from being done.
func pass(ctx context.Context, stages []stage, u *upload) error {
	for _, s := range stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.check(ctx, u); err != nil {
			if engine.CodeOf(err) == engine.CodeInvalid {
				return at(s.name, err)
			}
			return fmt.Errorf("plugin gate, %s: %w", s.name, err)
		}
	}
	return nil
}

// at says in a refusal which stage it is of.
func at(stage string, err error) error {
	var e *engine.Error
	if !errors.As(err, &e) || e.Param != "" {
		return err
	}
	named := *e
	named.Param = "module." + stage
	return &named
}

// Inspect passes the module through the stages that neither compile nor run it, and
// returns its manifest.
// Errors: *engine.Error with CodeInvalid whose message names section or function.
func (l *Library) Inspect(module []byte) (engine.Manifest, error) { return inspect(module) }

func inspect(module []byte) (engine.Manifest, error) {
	u := &upload{module: module}
	err := pass(context.Background(), inspectStages(), u)
	return u.manifest, err
}

// Prepare passes the version's module through the whole gate: Inspect, then compile,
// start an instance and show it an empty config. The compiled code is kept for the next Sync.
// The version's name, version and kind, when set, must be the manifest's.
// Errors: *engine.Error with CodeInvalid and a message for the author.
func (l *Library) Prepare(ctx context.Context, v engine.PluginVersion) error {
	u := &upload{version: v, module: v.Module, fresh: true}
	if err := pass(ctx, l.stages(), u); err != nil {
		if u.code != nil {
			l.letGo(u.code)
		}
		return err
	}
	l.keepPrepared(u.code)
	return nil
}

func checkSize(_ context.Context, u *upload) error {
	if len(u.module) == 0 {
		return refuse("no module")
	}
	if len(u.module) > abi.ProviderModule {
		return refuse("module of %d bytes (at most %d)", len(u.module), abi.ProviderModule)
	}
	u.sum = sha256.Sum256(u.module)
	if want := u.version.SHA256; want != [32]byte{} && want != u.sum {
		return refuse("module has hash %x, not %x: it was damaged", u.sum, want)
	}
	return nil
}

func checkStructure(_ context.Context, u *upload) error {
	s, err := readStructure(u.module)
	if err != nil {
		return refuse("%v", err)
	}
	u.structure = s
	return nil
}

func meterUpload(_ context.Context, u *upload) error {
	var err error
	if u.metered, err = meter(u.structure); err != nil {
		return refuse("%v", err)
	}
	return nil
}

// checkIdentity reads the manifest and holds the module to its kind.
func checkIdentity(_ context.Context, u *upload) error {
	m, err := parseManifest(u.structure.manifest)
	if err != nil {
		return err
	}
	if v := u.version; v.Name != "" && (v.Name != m.Name || v.Version != m.Version || v.Kind != "" && v.Kind != m.Kind) {
		return refuse("manifest is of %s@%s, a %s, not of %s@%s", m.Name, m.Version, m.Kind, v.Name, v.Version)
	}
	schema, err := compileSchema(m.ConfigSchema)
	if err != nil {
		return refuse("manifest: %s", truncate(err.Error(), 4*maxCause))
	}
	u.manifest, u.schema = m, schema

	size, memory := abi.RuleModule, uint64(abi.RuleMemory)
	if m.Kind == abi.KindProvider {
		size, memory = abi.ProviderModule, abi.ProviderMemory
	}
	if len(u.module) > size {
		return refuse("module of %d bytes (at most %d for a %s)", len(u.module), size, m.Kind)
	}
	s := u.structure
	if e, ok := s.exports[abi.Memory]; !ok || e.kind != 2 {
		return refuse("export section: no memory named %q", abi.Memory)
	}
	if least := uint64(s.minPages) * abi.PageSize; least > memory {
		return refuse("memory section: %d bytes at the start (at most %d for a %s)", least, memory, m.Kind)
	}
	for _, name := range abi.RequiredEntries(m.Kind) {
		if _, ok := s.function(name); !ok {
			return refuse("export section: no function %q, which a %s must have", name, m.Kind)
		}
	}
	for e, name := range entryNames {
		want := entrySignature
		if entry(e) == entryInitialize {
			want = signature{}
		}
		if got, ok := s.function(name); ok && got != want {
			return refuse("export section: %q is %v; it must be %v", name, got, want)
		}
		if other, ok := s.exports[name]; ok && other.kind != 0 {
			return refuse("export section: %q is no function", name)
		}
	}
	return nil
}

// try starts an instance and, where the schema allows an empty config, has the
// guest check one. A guest may refuse it; it must not break.
func (l *Library) try(ctx context.Context, u *upload) error {
	turn, err := l.turn(ctx, u.version.AccountID)
	if err != nil {
		return err
	}
	defer turn.leave()
	p := l.newPlugin(u.version, u.code)
	defer p.close()
	in, err := p.instantiate(p.own)
	if err != nil {
		return refuse("%s", cause(err))
	}
	defer in.close()
	doc, err := checkConfig(p.code.schema, nil)
	if err != nil || in.calls[entryConfigure] == nil {
		return nil // it needs a config, which only a rule or provider brings
	}
	defer doc.Release()
	in.reset(document.FrameInput{Config: doc.Root(), Random: &in.random}, entryConfigure)
	code, err := in.call(entryConfigure)
	if err != nil {
		return refuse("%s with an empty config: %s", abi.EntryConfigure, cause(err))
	}
	if _, _, refused := in.frame.Failure(); code < 0 && !refused {
		return refuse("%s with an empty config: returned %d without saying why", abi.EntryConfigure, code)
	}
	return nil
}

// maxPrepared bounds the code that waits for a Sync.
const maxPrepared = 4

func (l *Library) keepPrepared(c *code) {
	l.mu.Lock()
	if l.closed || slices.Contains(l.prepared, c) {
		l.mu.Unlock()
		l.letGo(c)
		return
	}
	l.prepared = append(l.prepared, c)
	var old *code
	if len(l.prepared) > maxPrepared {
		old, l.prepared = l.prepared[0], l.prepared[1:]
	}
	l.mu.Unlock()
	if old != nil {
		l.letGo(old)
	}
}

func (l *Library) releasePrepared() {
	l.mu.Lock()
	prepared := l.prepared
	l.prepared = nil
	l.mu.Unlock()
	for _, c := range prepared {
		l.letGo(c)
	}
}
