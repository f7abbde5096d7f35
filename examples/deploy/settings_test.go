// Package deploy has ways to run the gateway; its tests keep them in step with the program.
// They compare files with files: nothing is deployed.
package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// read returns a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sources returns the program's text below a folder, without its tests.
func sources(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob(%s) = %d files, %v", folder, len(files), err)
	}
	var all strings.Builder
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			all.WriteString(read(t, file))
		}
	}
	return all.String()
}

// settings are the environment variables that the program reads.
func settings(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:\benv:|os\.Getenv\()"([A-Z][A-Z0-9_]+)"`).FindAllStringSubmatch(sources(t, "host")+sources(t, "host/cmd/pointsman"), -1) {
		names[m[1]] = true
	}
	if len(names) < 30 || !names["POINTSMAN_LISTEN"] || !names["OTEL_EXPORTER_OTLP_ENDPOINT"] || !names["POINTSMAN_CONFIG"] {
		t.Fatalf("the program reads %d variables, want all of host.Config", len(names))
	}
	return names
}

// verbs are the commands of the program.
func verbs(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\s+Use:\s+"([a-z]+)[" ]`).FindAllStringSubmatch(sources(t, "host/cmd/pointsman"), -1) {
		names[m[1]] = true
	}
	for _, want := range []string{"serve", "migrate", "healthcheck", "doctor"} {
		if !names[want] {
			t.Fatalf("the program has no verb %s", want)
		}
	}
	return names
}

// ours are the names of variables that belong to the program or to the vendors whose keys it reads.
var ours = regexp.MustCompile(`\b(?:POINTSMAN|OPENAI|ANTHROPIC|GEMINI|GOOGLE|RAPTOR|OTEL)_[A-Z0-9_]+\b`)

func TestEveryVariableIsRead(t *testing.T) {
	t.Parallel()
	known := settings(t)
	known["POINTSMAN_SOAK"] = true // read by tests
	seen := 0
	check := func(path string) {
		for _, name := range ours.FindAllString(read(t, path), -1) {
			seen++
			if !known[name] {
				t.Errorf("%s names %s, which the program does not read", path, name)
			}
		}
	}
	check(filepath.Join(root, "Dockerfile"))
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".go") || d.Name() == ".env" {
			return err
		}
		check(path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 30 {
		t.Errorf("%d variables were looked at, want all of them", seen)
	}
}

// A committed secret would be everybody's.
func TestNoSecretHasAValue(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`(?m)^[#\s-]*\w*(?:PASSWORD|_KEY|SECRET|TOKEN|DATABASE_URL)[ \t]*[:=][ \t]*(.*)$`)
	// What is left for others to fill in: nothing, or what compose takes from .env.
	empty := regexp.MustCompile(`^(?:""|\$\{\w+(?::[-?][^}]*)?\}|postgres://pointsman:\$\{POSTGRES_PASSWORD:\?[^}]*\}@.*)?$`)
	seen := 0
	for _, pattern := range []string{"compose/*", "compose/.env*", "kubernetes/*", "systemd/*"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if filepath.Base(file) == ".env" {
				continue
			}
			for _, m := range secret.FindAllStringSubmatch(read(t, file), -1) {
				seen++
				if !empty.MatchString(m[1]) {
					t.Errorf("%s has a value for a secret: %s", file, m[0])
				}
			}
		}
	}
	if seen < 15 {
		t.Errorf("%d secrets were looked at, want all of them", seen)
	}
}

// stopBound is how many seconds a gateway takes at most from the signal to its end.
func stopBound(t *testing.T) int {
	t.Helper()
	sum := 0
	for _, c := range []struct {
		path  string
		names []string
	}{
		{"host/run.go", []string{"shutdownDelay", "shutdownTimeout", "shutdownGrace", "settleTimeout", "closeTimeout"}},
		{"host/cost/spool/drain.go", []string{"finalFlush"}},
		{"host/webhook/dispatcher.go", []string{"storeTime"}},
	} {
		text := read(t, filepath.Join(root, c.path))
		for _, name := range c.names {
			m := regexp.MustCompile(`\b` + name + `\s+=\s+(\d+) \* time\.Second`).FindStringSubmatch(text)
			if m == nil {
				t.Fatalf("%s does not say %s in seconds any more", c.path, name)
			}
			sum += number(t, m[1])
		}
	}
	grace := regexp.MustCompile(`orDefault\(&cfg\.Grace, (\d+)\*time\.Second\)`).FindStringSubmatch(read(t, filepath.Join(root, "host/webhook/dispatcher.go")))
	if grace == nil {
		t.Fatal("host/webhook/dispatcher.go does not say its grace any more")
	}
	return sum + number(t, grace[1])
}

// jobs is how many jobs there are that one process of all does at a time; whoever asks for one has a
// connection of its own meanwhile.
func jobs(t *testing.T) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(root, "host"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && slices.Contains([]string{"store", "node_modules", "web"}, d.Name()) {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		n += strings.Count(read(t, path), ".TryJob(")
		return nil
	})
	if err != nil || n == 0 {
		t.Fatalf("there are %d jobs, %v", n, err)
	}
	return n
}
