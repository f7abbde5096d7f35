package host

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pointsman/pointsman/host/health"
	"github.com/pointsman/pointsman/host/simulator"
	"github.com/pointsman/pointsman/host/store/storetest"
)

// Three replicas on one Postgres: what one learns the others know, one of them probes, and one
// that starts later begins with what was known.
func TestHealthOfReplicas(t *testing.T) {
	if os.Getenv(storetest.PostgresVariable) == "" {
		t.Skip(storetest.PostgresVariable + " is not set: `make test` provides a server")
	}
	sim := simulator.New(simulator.Config{})
	origin, err := sim.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	url := storetest.PostgresURL(t)
	start := func() *gateway {
		return startGateway(t, func(c *Config, o *Options) {
			c.DatabaseURL, c.EncryptionKey = url, strings.Repeat("k", 32)
			o.Thresholds, c.ProbeInterval = health.Thresholds{}, time.Second
			c.Upstreams = Upstreams{OpenAIKey: firstKey, OpenAIBase: origin + "/openai/v1", AnthropicKey: anthropicKey, AnthropicBase: origin + "/anthropic"}
		})
	}
	all := []*gateway{start(), start(), start()}

	sim.Script(simulator.Fault{Provider: "openai", Model: "gpt-4o", Status: 503, Count: -1})
	for range 5 {
		(&ward{gateway: all[0]}).ask(1, "gpt-4o", "claude-haiku-4.5")
	}
	began := time.Now()
	for i, g := range all {
		var got string
		until(t, fmt.Sprintf("replica %d knows that the model is down", i), func() bool {
			list := g.shows(t, "?status=down&kind=model")
			got = fmt.Sprint(list)
			return len(list) == 1 && list[0].UpstreamID == "gpt-4o"
		}, &got)
	}
	took := time.Since(began)
	t.Logf("three replicas agree after %v", took)
	if os.Getenv("POINTSMAN_SOAK") != "" && took > 2*time.Second { // a machine that is busy may take longer
		t.Errorf("three replicas agree after %v, want at most 2 s", took)
	}

	// A second passes between two probes, less a tenth, however many replicas there are.
	began = time.Now()
	before, probes, seen := sim.Lists("openai"), 0, ""
	until(t, "there are probes", func() bool {
		probes = sim.Lists("openai") - before
		seen = fmt.Sprint(probes)
		return probes >= 3
	}, &seen)
	if most := int(time.Since(began)/(900*time.Millisecond)) + 1; probes > most {
		t.Errorf("%d probes in %v, want at most the %d of one replica", probes, time.Since(began), most)
	}

	// Nobody has asked the model since: the one that starts knows it from the store alone.
	fourth := start()
	if list := fourth.shows(t, "?status=down&kind=model"); len(list) != 1 || list[0].UpstreamID != "gpt-4o" || list[0].Reason == "" || len(list[0].Cells) == 0 {
		t.Errorf("a replica that starts shows %+v, want what was known", list)
	}
}
