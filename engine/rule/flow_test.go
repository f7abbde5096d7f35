package rule

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/pointsman/pointsman/engine"
)

// seeds are expressions of every form; both ways of running are held to them.
var seeds = []string{
	"true", "false", "not true", "!(request.stream)",
	"mentions('typo')", "mentions('nothing', 'TYPO')", "mentions('fix the') and not mentions('xyz')",
	"request.has_image or mentions('screenshot', 'analyze this')",
	"request.tokens > 100000 or mentions('document', 'summarize')",
	"mentions('fix', 'typo', 'syntax') and request.chars < 500",
	"request.chars == 31", "request.chars != 31", "request.chars >= 31", "request.chars <= 30", "31 < request.chars", "31 == request.chars",
	"1 < request.chars < 100", "time.hour in 9..17", "time.hour in 22..22", "time.weekday in [0, 6]", "time.weekday not in [1, 2]", "request.chars in -5..40",
	"budget.left_fraction < 0.5", "budget.left_fraction >= 1", "1 == budget.left_fraction", "budget.left_fraction > 1",
	"request.text contains 'typo'", "request.text not contains 'typo'", "request.text startsWith 'fix'", "request.text endsWith 'please'",
	"request.text matches '(?i)TYPO'", "request.text matches '^$'", "request.text == ''", "request.task_type in ['coding', '']",
	"caller.team == 'core'", "'core' == caller.team", "caller.agent != 'laptop'", "request.command == '/fast'",
	"request.metadata.tier == 'gold'", "request.metadata['tier'] == ''", "'tier' in request.metadata", "request.metadata.tier in ['gold', 'silver']",
	"request.metadata.n == '1.50'", "request.metadata.list == ''", "request.metadata[request.model] == 'found'",
	"request.stream == true", "request.stream == false", "request.stream != false", "false == request.has_code",
	"request.stream ? mentions('typo') : request.has_code", "if request.has_code { request.chars > 3 } else { false }", "(request.has_code ? 1 : 2) == 1",
	"any(models, .id == 'gpt-4o')", "all(models, .context_window > 1000 and .health == 'healthy')", "none(models, .tier == 'economy')", "count(models, .premium < 1) == 2", "one(models, # .provider == 'openai')",
	"any(['typo', 'x'], request.text contains #)", "len(models) == 2", "models[0].id == 'gpt-4o'", "models[-1].premium > 0.3",
	"let n = request.chars; n > 3 and n < 100", "request.chars + 1 == 32", "request.chars * 2 - 2 == 60", "request.chars / 2 > 15.4", "request.chars % 2 == 1", "-request.chars < -3", "2 ** 3 == 8",
	"lower(request.text) startsWith 'fix'", "upper(request.command) == ''", "trim(' x ') == 'x'", "indexOf(request.text, 'typo') > 0", "lastIndexOf(request.text, 'e') > 3", "hasPrefix(request.text, 'fix')", "hasSuffix(request.text, 'x')",
	"max(1, request.chars) > min(1, 2)", "abs(-3) == 3", "round(2.5) == 3", "floor(2.5) + ceil(2.5) == 5", "int('3') == 3", "float('2.5') > 2", "request.text[0:3] == 'fix'", "request?.text != ''", "request.stream; true",
	"request.model == 'auto'", "session.id == '' and session.turn == 0 and session.model == ''", "prefer.vision and not prefer.speed and !prefer.cost", "time.unix_ms > 1700000000000", "budget.left_nano_usd > 1000000000",
}

// requests are what the seeds are asked of.
func requests(t testing.TB) []*engine.Request {
	bodies := []string{
		`{"model":"auto","messages":[` + message("fix the typo in main.go, please") + `]}`,
		`{"model":"auto","messages":[` + message("") + `]}`,
		`{"model":"auto","messages":[` + message("/fast hi") + `],"stream":true,"metadata":{"tier":"gold","n":1.50,"list":[1],"auto":"found","task_type":"coding"}}`,
		`{"model":"auto","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"Analyze\n THIS"}]}],"metadata":{"tier":"silver"}}`,
		`{"model":"auto","messages":[` + message(words(20_000)+"é screenshot") + `],"metadata":{"time_sensitive":"true"}}`,
		`{"model":"auto","messages":[` + message(strings.Repeat("é", 16<<10)) + `],"tools":[{}]}`,
	}
	var list []*engine.Request
	for _, body := range bodies {
		list = append(list, asked(t, body))
	}
	return list
}

// byMachine compiles for expr's machine what compile would make a flow.
func byMachine(t testing.TB, source string) *program {
	t.Helper()
	c, err := parse(source)
	if err != nil {
		t.Fatalf("parse(%q) = %v", source, err)
	}
	machine, err := c.compile()
	if err != nil {
		t.Fatalf("compile(%q) = %v", source, err)
	}
	return &program{machine: machine, calls: c.calls, needs: c.needs, cost: c.cost}
}

// compared runs the source both ways and reports whether a flow was one of them.
func compared(t testing.TB, source string, reqs []*engine.Request) (flowing bool) {
	t.Helper()
	p, err := compile(source)
	if err != nil {
		t.Fatalf("compile(%q) = %v", source, err)
	}
	m := byMachine(t, source)
	for _, req := range reqs {
		s, e := prepared(req, p)
		got, err := s.evaluate(e, DefaultWork)
		s.release()
		s, e = prepared(req, m)
		want, wantErr := s.evaluate(e, DefaultWork)
		s.release()
		if got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("%q of %.40q = %v, %v as compiled, %v, %v on the machine", source, req.Features.Text, got, err, want, wantErr)
		}
	}
	return p.flow != nil
}

func TestFlowAgreesWithMachine(t *testing.T) {
	t.Parallel()
	reqs := requests(t)
	flows := 0
	for _, source := range seeds {
		if compared(t, source, reqs) {
			flows++
		}
	}
	if flows < 50 {
		t.Errorf("%d of %d expressions are flows, want at least 50", flows, len(seeds))
	}
}

// Random trees of what flows are made of.
func TestFlowAgreesWithMachineAtRandom(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	reqs := requests(t)
	n := 2_000
	if testing.Short() {
		n = 200
	}
	for range n {
		if source := expression(random, 4); !compared(t, source, reqs) {
			t.Errorf("%q is not a flow", source)
		}
	}
}

func FuzzFlow(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, "fix the typo", uint8(3))
	}
	f.Fuzz(func(t *testing.T, seed uint64, text string, depth uint8) {
		source := expression(rand.New(rand.NewPCG(seed, 0)), int(depth%5))
		body := `{"model":"auto","messages":[` + message(text) + `],"metadata":{"tier":` + message(text) + `}}`
		compared(t, source, []*engine.Request{asked(t, body)})
	})
}

// expression is a random condition of which every part has a test in a flow.
func expression(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(4) == 0 {
		return condition(r)
	}
	a, b := expression(r, depth-1), expression(r, depth-1)
	switch r.IntN(6) {
	case 0, 1:
		return "(" + a + " and " + b + ")"
	case 2, 3:
		return "(" + a + " || " + b + ")"
	case 4:
		return "not (" + a + ")"
	}
	return "(" + a + " ? " + b + " : " + expression(r, depth-1) + ")"
}

func condition(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	literals := []string{"''", "'typo'", "'fix'", "'gold'", "'core'", "'/fast'", "'é'"}
	text := pick(names(texts)...)
	if r.IntN(4) == 0 {
		text = pick("request.metadata.tier", "request.metadata['n']", "request.metadata.none")
	}
	switch r.IntN(8) {
	case 0:
		return pick("mentions('typo')", "mentions('fix', 'screenshot')", "mentions('analyze this')", "mentions('é')", "mentions('quick brown', 'lazy')")
	case 1:
		return pick(names(flags)...) + pick("", " == true", " != true", " == false")
	case 2:
		return pick(names(numbers)...) + pick(" < ", " > ", " <= ", " >= ", " == ", " != ") + pick("-1", "0", "8", "22", "31", "500", "9007199254740991")
	case 3:
		return pick("0", "8", "31") + pick(" < ", " > ", " <= ", " >= ", " == ", " != ") + pick(names(numbers)...)
	case 4:
		return pick(names(numbers)...) + pick(" in 0..31", " in [0, 8, 22]", " not in [1]", " in -3..-1")
	case 5:
		return pick(names(floats)...) + pick(" < ", " > ", " <= ", " >= ", " == ", " != ") + pick("0", "1", "0.5", "-1.5")
	case 6:
		return text + pick(" == ", " != ", " contains ", " startsWith ", " endsWith ", " not contains ") + pick(literals...)
	}
	return pick("'tier' in request.metadata", "'none' not in request.metadata", text+" in ['typo', '', 'gold']", text+" matches '^[a-z]+$'", text+" not matches 'f.x'")
}

func names[T any](list []variable[T]) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.name)
	}
	return out
}

// The tables cover every plain member of Env, each with the right getter.
func TestFlowVariables(t *testing.T) {
	t.Parallel()
	known := map[string]func(*Env) any{}
	for _, v := range flags {
		known[v.name] = func(e *Env) any { return v.get(e) }
	}
	for _, v := range numbers {
		known[v.name] = func(e *Env) any { return v.get(e) }
	}
	for _, v := range floats {
		known[v.name] = func(e *Env) any { return v.get(e) }
	}
	for _, v := range texts {
		known[v.name] = func(e *Env) any { return v.get(e) }
	}
	env := &Env{}
	for i := range envType.NumField() {
		group := envType.Field(i)
		if group.Type.Kind() != reflect.Struct {
			continue
		}
		for k := range group.Type.NumField() {
			member := group.Type.Field(k)
			name := group.Tag.Get("expr") + "." + member.Tag.Get("expr")
			value := reflect.ValueOf(env).Elem().Field(i).Field(k)
			switch value.Kind() {
			case reflect.Bool:
				value.SetBool(true)
			case reflect.Int:
				value.SetInt(int64(100*i + k + 1))
			case reflect.Float64:
				value.SetFloat(float64(100*i + k + 1))
			case reflect.String:
				value.SetString(name)
			default:
				continue
			}
			get := known[name]
			if get == nil {
				t.Errorf("no flow can ask for %s", name)
				continue
			}
			if got := fmt.Sprint(get(env)); got != fmt.Sprint(value.Interface()) {
				t.Errorf("%s = %s, want %v", name, got, value.Interface())
			}
			value.SetZero()
			if got := get(env); !reflect.ValueOf(got).IsZero() {
				t.Errorf("%s = %v when it is not set, want the zero value", name, got)
			}
			delete(known, name)
		}
	}
	for name := range known {
		t.Errorf("%s is not a member of Env", name)
	}
}
