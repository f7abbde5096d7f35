package host

import (
	"fmt"
	"strings"
)

// banner prints what a first-time user needs: the URL, the key once, and a curl
// line that works as printed.
func (h *Host) banner(secret string, simulated []string) {
	w := h.opts.Banner
	key := "$POINTSMAN_KEY"
	fmt.Fprintf(w, "Pointsman API   %s/v1\n", h.URL())
	fmt.Fprintf(w, "Dashboard       %s/ui/\n", h.URL())
	if secret != "" {
		key = secret
		fmt.Fprintf(w, "Super-admin key %s\n", secret)
		fmt.Fprintln(w, "                Keep it: it is shown this once. export POINTSMAN_KEY=… makes the lines of later starts work.")
	}
	if len(simulated) > 0 {
		if len(simulated) == len(h.cfg.Upstreams.settings()) {
			fmt.Fprintln(w, "Providers       all simulated in this process: no provider key is set. OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY makes them real.")
		} else {
			fmt.Fprintf(w, "Providers       simulated: %s\n", strings.Join(simulated, ", "))
		}
	}
	fmt.Fprintln(w, "Try             "+curlLine(h.URL(), key))
}

func curlLine(url, key string) string {
	quote := `'`
	if strings.HasPrefix(key, "$") {
		quote = `"`
	}
	return fmt.Sprintf(`curl %s/v1/chat/completions -H %sAuthorization: Bearer %s%s -H 'Content-Type: application/json' -d '{"model":"auto","messages":[{"role":"user","content":"Explain why the sky is blue."}]}'`,
		url, quote, key, quote)
}

// announceSubstitutes says at the start which catalogue ids their vendor has
// retired, and what serves them now.
func (h *Host) announceSubstitutes() {
	now := h.opts.Now()
	for _, m := range h.catalogue.Load().Models("") {
		if !m.Enabled {
			continue
		}
		served, substituted, ok := m.At(now)
		switch {
		case !ok:
			h.opts.Log.Warn().Str("model", m.ID).Str("upstream_id", m.UpstreamID).Msg("retired by its vendor, and substitution is off: skipped")
		case substituted:
			fmt.Fprintf(h.opts.Banner, "Model           %s: its vendor retired %s on %s; served by %s\n",
				m.ID, m.UpstreamID, m.RetiresAt.Format("2006-01-02"), served.UpstreamID)
		}
	}
}
