package deploy

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// an instruction is a line of a Dockerfile: its name, its text, and the words of a JSON list.
type instruction struct {
	name, text string
	words      []string
}

// stages are those of a Dockerfile, each from its FROM on.
type stages [][]instruction

func dockerfile(t *testing.T) stages {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(read(t, filepath.Join(root, "Dockerfile")), "")
	text = regexp.MustCompile(`\\\n\s*`).ReplaceAllString(text, "")
	var all stages
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			continue
		}
		i := instruction{name: name, text: strings.TrimSpace(rest)}
		if at := strings.Index(rest, "["); at >= 0 {
			if err := json.Unmarshal([]byte(rest[at:]), &i.words); err != nil {
				t.Fatalf("%s has no list of words: %v", line, err)
			}
		}
		if name == "FROM" {
			all = append(all, nil)
		}
		if len(all) == 0 {
			t.Fatalf("%s stands before the first FROM", line)
		}
		all[len(all)-1] = append(all[len(all)-1], i)
	}
	if len(all) < 2 {
		t.Fatalf("the Dockerfile has %d stages, want one that builds and one that is kept", len(all))
	}
	return all
}

// last returns the instruction of the stage that is kept.
func (s stages) last(name string) (found instruction) {
	for _, i := range s[len(s)-1] {
		if i.name == name {
			found = i
		}
	}
	if found.words == nil {
		found.words = []string{""}
	}
	return found
}

// env returns a variable of the image.
func (s stages) env(name string) string {
	for _, i := range s[len(s)-1] {
		if i.name != "ENV" {
			continue
		}
		for pair := range strings.FieldsSeq(i.text) {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value
			}
		}
	}
	return ""
}

func TestImage(t *testing.T) {
	t.Parallel()
	image := dockerfile(t)
	for name, want := range map[string]string{
		"FROM": "scratch", "USER": "65532:65532", "STOPSIGNAL": "SIGTERM", "ENTRYPOINT": `["/pointsman"]`, "CMD": `["serve"]`,
	} {
		if got := image.last(name).text; got != want {
			t.Errorf("%s %s, want %s", name, got, want)
		}
	}
	check := image.last("HEALTHCHECK").words
	if len(check) != 2 || check[0] != "/pointsman" || !verbs(t)[check[1]] {
		t.Errorf("the health check runs %q, want a verb of the program", check)
	}
	if _, port, _ := strings.Cut(image.env("POINTSMAN_LISTEN"), ":"); port == "" || port != image.last("EXPOSE").text {
		t.Errorf("the image exposes %q and listens on %q", image.last("EXPOSE").text, image.env("POINTSMAN_LISTEN"))
	}
	// What is copied was made.
	var made strings.Builder
	for _, stage := range image[:len(image)-1] {
		for _, i := range stage {
			made.WriteString(i.text + "\n")
		}
	}
	for _, i := range image[len(image)-1] {
		if i.name != "COPY" {
			continue
		}
		if m := regexp.MustCompile(`--from=build .*?(/out/\w+)`).FindStringSubmatch(i.text); m != nil && !strings.Contains(made.String(), m[1]) {
			t.Errorf("COPY %s: nobody made %s", i.text, m[1])
		}
	}
	want := regexp.MustCompile(`\ngo (\d+\.\d+)`).FindStringSubmatch(read(t, filepath.Join(root, "go.mod")))
	if !strings.Contains(image[1][0].text, "golang:"+want[1]) {
		t.Errorf("FROM %s, want Go %s as go.mod has it", image[1][0].text, want[1])
	}
	targets := regexp.MustCompile(`\bmake ([a-z ]+)`).FindStringSubmatch(made.String())
	for target := range strings.FieldsSeq(targets[1]) {
		if !regexp.MustCompile(`(?m)^` + target + `:`).MatchString(read(t, filepath.Join(root, "Makefile"))) {
			t.Errorf("make %s: the Makefile has no such target", target)
		}
	}
}

// buildCommand is how the Dockerfile builds the program, with the environment that it does so in.
func buildCommand(t *testing.T) (words, environment []string) {
	t.Helper()
	for _, i := range dockerfile(t)[1] {
		if i.name == "ENV" {
			environment = append(environment, strings.Fields(i.text)...)
		}
		if at := strings.Index(i.text, "go build "); i.name == "RUN" && at >= 0 {
			for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(i.text[at:], -1) {
				words = append(words, strings.Trim(word, `"`))
			}
		}
	}
	if len(words) == 0 || len(environment) == 0 {
		t.Fatal("the Dockerfile has no go build")
	}
	return words, environment
}

// An image without a C library needs a program without C. That none of its packages has any is seen
// at once; that the file is static, by building it, which takes minutes (POINTSMAN_SOAK=1).
func TestImageProgramIsStaticSoak(t *testing.T) {
	t.Parallel()
	words, environment := buildCommand(t)
	if !strings.Contains(strings.Join(environment, " "), "CGO_ENABLED=0") {
		t.Errorf("the build's environment is %q, want CGO_ENABLED=0", environment)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{if or .CgoFiles .SwigFiles}}{{.ImportPath}}{{end}}`, words[len(words)-1])
	list.Dir, list.Env = root, append(os.Environ(), environment...)
	out, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		t.Errorf("these packages need C: %s", text)
	}
	if os.Getenv("POINTSMAN_SOAK") == "" {
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("the image is built for Linux")
	}
	file := filepath.Join(t.TempDir(), "pointsman")
	for i, word := range words {
		if word == "-o" {
			words[i+1] = file
		}
	}
	build := exec.CommandContext(t.Context(), words[0], words[1:]...)
	build.Dir, build.Env = root, append(os.Environ(), environment...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", words, err, out)
	}
	program, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a %v: it is not static", p.Type)
		}
	}
	if libraries, err := program.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the program needs %q", libraries)
	}
	if out, err := exec.CommandContext(t.Context(), file, "version").CombinedOutput(); err != nil {
		t.Errorf("version: %v\n%s", err, out)
	}
}
