package rule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/document"
	"github.com/pointsman/pointsman/sdk/abi"
)

// Bounds of a rule's members, beside those in package engine.
const (
	maxID          = 64
	maxNameChars   = 128
	maxDescription = 4 << 10
	maxFallbacks   = 16
	maxConfig      = 64 << 10
	maxPluginRef   = 128

	configureTimeout = 5 * time.Second
)

// CheckRule implements engine.RuleChecker. The message names what to change; Param
// is the member at fault, as "fallbacks[1]". Whether the models exist is not checked here.
func (r *Router) CheckRule(rule engine.Rule) error {
	if err := validate(&rule); err != nil {
		return err
	}
	if rule.When != "" {
		if _, err := compile(rule.When); err != nil {
			return err
		}
		return nil
	}
	if _, err := parseConfig(rule.Config); err != nil {
		return err
	}
	return r.checkPlugin(&rule)
}

func (r *Router) checkPlugin(rule *engine.Rule) error {
	var guest engine.RuleGuest
	err := error(engine.ErrNotFound)
	if r.guests != nil {
		guest, err = r.guests.RuleGuest(rule.AccountID, rule.Plugin)
	}
	if errors.Is(err, engine.ErrNotFound) {
		return invalid("plugin", "There is no rule plugin '%s'. Upload it with POST /api/v1/plugins.", clip(rule.Plugin, maxPluginRef))
	}
	if err != nil {
		return fmt.Errorf("find plugin %s: %w", rule.Plugin, err)
	}
	config := rule.Config
	if len(config) == 0 {
		config = []byte("{}")
	}
	ctx, cancel := context.WithTimeout(context.Background(), configureTimeout)
	defer cancel()
	if err := guest.Configure(ctx, config); err != nil {
		var e *engine.Error
		if errors.As(err, &e) && e.Code == engine.CodeInvalid {
			return &engine.Error{Code: engine.CodeInvalid, Param: "config", Message: e.Message, Err: e.Err}
		}
		return &engine.Error{Code: engine.CodeInvalid, Param: "config", Message: "The plugin failed while it checked the config.", Err: err}
	}
	return nil
}

// reserved ids are what the x-pointsman-rule header says when no rule decided.
var reserved = map[string]bool{
	engine.SourceDefault: true, engine.SourcePinned: true, engine.SourceAssignment: true, engine.SourceOverride: true,
	engine.SourceExternal: true, // of what was spent elsewhere
}

// validate checks what needs neither compiler nor plugin.
func validate(r *engine.Rule) error {
	switch {
	case !isSlug(r.ID):
		return invalid("id", "A rule's id is 1 to 64 lower-case letters, digits and single hyphens, as 'screenshot-analysis'.")
	case reserved[r.ID]:
		return invalid("id", "'%s' is what responses say when no rule decided; choose another id.", r.ID)
	case !isLine(r.Name) || utf8.RuneCountInString(r.Name) > maxNameChars:
		return invalid("name", "A rule's name is one line of at most 128 characters.")
	case !utf8.ValidString(r.Description) || len(r.Description) > maxDescription:
		return invalid("description", "A rule's description is at most 4 KiB of UTF-8.")
	case r.Priority < 0 || r.Priority > engine.MaxPriority:
		return invalid("priority", "A rule's priority is 0 to 10,000; %d is not.", r.Priority)
	case r.When == "" && r.Plugin == "":
		return invalid("when", "A rule needs 'when' (an expression) or 'plugin'.")
	case r.When != "" && r.Plugin != "":
		return invalid("plugin", "A rule has either 'when' or 'plugin', not both.")
	case r.Plugin != "" && !isPluginRef(r.Plugin):
		return invalid("plugin", "A plugin is named as 'name' or 'name@version'.")
	case r.Plugin == "" && len(r.Config) > 0:
		return invalid("config", "Only a rule with 'plugin' has a 'config'.")
	case r.OnFailure != "" && r.OnFailure != engine.FailureSkip && r.OnFailure != engine.FailureRefuse:
		return invalid("on_failure", "'on_failure' is 'skip' or 'refuse'.")
	case len(r.Fallbacks) > maxFallbacks:
		return invalid("fallbacks", "A rule has at most 16 fallbacks.")
	case !isModelID(r.Target):
		return invalid("target", "A rule needs the id of a model as 'target'.")
	}
	for i, id := range r.Fallbacks {
		if !isModelID(id) {
			return invalid(fmt.Sprintf("fallbacks[%d]", i), "A fallback is the id of a model.")
		}
	}
	return nil
}

func invalid(param, format string, args ...any) *engine.Error {
	e := engine.Errorf(engine.CodeInvalid, format, args...)
	e.Param = param
	return e
}

func isSlug(s string) bool {
	if s == "" || len(s) > maxID || s[0] == '-' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// isLine reports whether s is valid UTF-8 on one line, without control characters.
func isLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// isModelID reports whether s can be a model's id: visible ASCII, since it goes into headers.
func isModelID(s string) bool {
	if s == "" || len(s) > maxModelID {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func isPluginRef(s string) bool {
	name, version, cut := strings.Cut(s, "@")
	return isModelID(name) && len(s) <= maxPluginRef && (!cut || isModelID(version) && !strings.Contains(version, "@"))
}

// parseConfig reads a plugin's config: a JSON object, {} when there is none. The
// document keeps b.
func parseConfig(b []byte) (*document.Doc, error) {
	if len(b) > maxConfig {
		return nil, invalid("config", "A rule's config is at most 64 KiB.")
	}
	if len(b) == 0 {
		b = []byte("{}")
	}
	doc, err := document.Parse(b, document.Limits{Bytes: maxConfig})
	if err != nil {
		return nil, invalid("config", "The config is not valid JSON: %v.", err)
	}
	if doc.Root().Kind() != abi.KindObject {
		return nil, invalid("config", "A rule's config is a JSON object.")
	}
	return doc, nil
}
