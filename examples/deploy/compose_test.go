package deploy

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func compose(t *testing.T) document {
	t.Helper()
	docs := documents(t, "compose/compose.yaml")
	if len(docs) != 1 {
		t.Fatalf("compose.yaml has %d documents, want 1", len(docs))
	}
	return docs[0]
}

var gateways = []string{"gateway-1", "gateway-2", "gateway-3"}

func TestComposeIsOfItsSchema(t *testing.T) {
	t.Parallel()
	s := schema(t, "compose.json", "")
	doc := compose(t)
	if err := s.Validate(map[string]any(doc)); err != nil {
		t.Error(err)
	}
	for _, broken := range []map[string]any{
		{"services": map[string]any{"a": map[string]any{"imagine": "a"}}},
		{"services": map[string]any{"a": map[string]any{"healthcheck": map[string]any{"test": 1.0}}}},
		{"service": map[string]any{}},
	} {
		if err := s.Validate(broken); err == nil {
			t.Errorf("Validate(%v) = nil, want an error", broken)
		}
	}
	if exec.CommandContext(t.Context(), "docker", "compose", "version").Run() != nil {
		t.Log("docker has no compose here: `docker compose config` was not run")
		return
	}
	cmd := exec.CommandContext(t.Context(), "docker", "compose", "-f", "compose/compose.yaml", "config", "--quiet")
	cmd.Env = append(cmd.Environ(), "POSTGRES_PASSWORD=p", "POINTSMAN_ENCRYPTION_KEY=k", "POINTSMAN_ADMIN_KEY=a")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("docker compose config: %v\n%s", err, out)
	}
}

func TestComposeGateways(t *testing.T) {
	t.Parallel()
	doc := compose(t)
	image := dockerfile(t)
	volumes := map[string]bool{}
	for _, name := range gateways {
		service := "services." + name + "."
		doc.has(t, name, map[string]any{
			service + "read_only":                    true,
			service + "cap_drop.0":                   "ALL",
			service + "security_opt.0":               "no-new-privileges:true",
			service + "healthcheck.test.0":           "CMD",
			service + "healthcheck.test.1":           image.last("ENTRYPOINT").words[0],
			service + "healthcheck.test.2":           "healthcheck",
			service + "depends_on.migrate.condition": "service_completed_successfully",
			service + "environment.POINTSMAN_LISTEN": nil, // the image's
			service + "ports":                        nil, // only Caddy is reached from outside
			service + "networks.0":                   "inside",
			service + "build":                        nil, // one build, of migrate
		})
		grace, err := time.ParseDuration(doc.text(service + "stop_grace_period"))
		if least := time.Duration(stopBound(t)) * time.Second; err != nil || grace < least {
			t.Errorf("%s has %v to stop (%v), want at least %v", name, grace, err, least)
		}
		if proxy, err := time.ParseDuration(doc.text("services.caddy.stop_grace_period")); err != nil || proxy <= grace {
			t.Errorf("Caddy has %v to stop (%v), want more than a gateway's %v", proxy, err, grace)
		}
		volume, folder, _ := strings.Cut(doc.text(service+"volumes.0"), ":")
		if volumes[volume] || folder != image.env("POINTSMAN_DATA_DIR") {
			t.Errorf("%s keeps its data in %s at %s, want a volume of its own at %s", name, volume, folder, image.env("POINTSMAN_DATA_DIR"))
		}
		volumes[volume] = true
		if doc.text("services.caddy.depends_on."+name+".condition") != "service_healthy" {
			t.Errorf("Caddy does not wait for %s", name)
		}
	}
	if verb := doc.text("services.migrate.command.0"); !verbs(t)[verb] {
		t.Errorf("migrate runs %q, which is no verb", verb)
	}
	if context := filepath.Join("compose", doc.text("services.migrate.build.context")); filepath.Clean(context) != filepath.Clean(root) {
		t.Errorf("the image is built from %s, want %s", context, root)
	}
	if doc.at("services.postgres.ports") != nil {
		t.Error("Postgres is reached from outside")
	}
	trusted, subnet := doc.text("services.gateway-1.environment.POINTSMAN_TRUSTED_PROXIES"), doc.text("networks.inside.ipam.config.0.subnet")
	if trusted == "" || trusted != subnet {
		t.Errorf("proxies in %q are believed, and the network is %q", trusted, subnet)
	}
	// What is asked for and has no default is in the example.
	example := read(t, "compose/.env.example")
	for _, m := range regexp.MustCompile(`\$\{(\w+):\?`).FindAllStringSubmatch(read(t, "compose/compose.yaml"), -1) {
		if !strings.Contains(example, "\n"+m[1]+"=") {
			t.Errorf(".env.example lacks %s", m[1])
		}
	}
}

func TestCaddyfile(t *testing.T) {
	t.Parallel()
	text := regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(read(t, "compose/Caddyfile"), "")
	directives := map[string][]string{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			directives[words[0]] = words[1:]
		}
	}
	_, port, _ := strings.Cut(dockerfile(t).env("POINTSMAN_LISTEN"), ":")
	var upstreams []string
	for _, name := range gateways {
		upstreams = append(upstreams, name+":"+port)
	}
	if got := directives["reverse_proxy"]; !slices.Equal(slices.DeleteFunc(got, func(w string) bool { return w == "{" }), upstreams) {
		t.Errorf("Caddy sends to %q, want %q", got, upstreams)
	}
	for directive, want := range map[string]string{"flush_interval": "-1", "health_uri": "/readyz", "admin": "off"} {
		if got := strings.Join(directives[directive], " "); got != want {
			t.Errorf("%s = %q, want %q", directive, got, want)
		}
	}
	// A connection that a gateway is about to close must not be taken for a request.
	idle := regexp.MustCompile(`orDefault\(&c\.IdleTimeout, (\d+)\*time\.Second\)`).FindStringSubmatch(sources(t, "host/httpapi"))
	keep, err := time.ParseDuration(strings.Join(directives["keepalive"], " "))
	if idle == nil || err != nil || keep >= time.Duration(number(t, idle[1]))*time.Second {
		t.Errorf("keepalive = %v (%v), want less than the gateway's %v", keep, err, idle)
	}
	if strings.Count(text, "{") != strings.Count(text, "}") {
		t.Error("the braces do not match")
	}
	caddy, err := exec.LookPath("caddy")
	if err != nil {
		t.Log("there is no caddy: `caddy validate` was not run")
		return
	}
	if out, err := exec.CommandContext(t.Context(), caddy, "validate", "--adapter", "caddyfile", "--config", "compose/Caddyfile").CombinedOutput(); err != nil {
		t.Errorf("caddy validate: %v\n%s", err, out)
	}
}
