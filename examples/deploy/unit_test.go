package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const unitFile = "systemd/pointsman.service"

// unit is the [Service] section; a name that comes twice has the last value.
func unit(t *testing.T) map[string]string {
	t.Helper()
	values, section := map[string]string{}, ""
	for line := range strings.Lines(read(t, unitFile)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		if name, value, ok := strings.Cut(line, "="); ok && section == "[Service]" && !strings.HasPrefix(line, "#") {
			values[name] = value
		}
	}
	return values
}

func TestUnit(t *testing.T) {
	t.Parallel()
	service := unit(t)
	for name, want := range map[string]string{
		"DynamicUser": "yes", "StateDirectory": "pointsman", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "",
		"Environment":            "POINTSMAN_DATA_DIR=/var/lib/pointsman",
		"ExecReload":             "", // a SIGHUP would end the program
		"MemoryDenyWriteExecute": "", // plugins are compiled to machine code
	} {
		if got := service[name]; got != want {
			t.Errorf("%s=%s, want %q", name, got, want)
		}
	}
	if words := strings.Fields(service["ExecStart"]); len(words) != 2 || !verbs(t)[words[1]] {
		t.Errorf("ExecStart=%s, want a verb of the program", service["ExecStart"])
	}
	if got, least := number(t, service["TimeoutStopSec"]), stopBound(t); got < least {
		t.Errorf("TimeoutStopSec=%d, want at least %v", got, time.Duration(least)*time.Second)
	}
	if strings.Contains(sources(t, "host/cmd/pointsman"), "SIGHUP") {
		t.Error("the program knows SIGHUP now: the unit should have an ExecReload")
	}
}

func TestUnitIsVerified(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("there is no systemd-analyze: the unit was not verified")
		return
	}
	// The program need not be installed where the unit wants it.
	text := strings.Replace(read(t, unitFile), "ExecStart=/usr/local/bin/pointsman", "ExecStart=/bin/true", 1)
	verify := func(text string) []byte {
		file := filepath.Join(t.TempDir(), "pointsman.service")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput()
		if err != nil {
			out = append(out, err.Error()...)
		}
		return bytes.TrimSpace(out)
	}
	if out := verify(text); len(out) > 0 {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	if out := verify(strings.Replace(text, "NoNewPrivileges=", "NoNewPriviliges=", 1)); len(out) == 0 {
		t.Error("systemd-analyze verify finds no fault in an unknown setting")
	}
}
