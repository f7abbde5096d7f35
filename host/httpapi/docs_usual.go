package httpapi

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// usual are the descriptions of operations that do what their kind does everywhere, with what is
// their own.
var usual = map[string]string{
	"list-accounts":    "A super admin sees all of them, every other key its own.",
	"create-account":   "It is empty: its users, keys and rules come after it.",
	"list-teams":       "A team lead sees its own team, an account's admins all of it.",
	"create-team":      "Teams are of one account; users are put into them by /users.",
	"list-users":       "A user sees itself, a team lead its team, an account's admins all of it.",
	"create-user":      "With a role not above the caller's own. A user needs a key to do anything: POST /api/v1/keys.",
	"list-keys":        "Without their texts. A user sees its own, a team lead those of its team, an account's admins all of it.",
	"revoke-key":       "Every replica refuses it within seconds; the one that answers at once. Its usage stays.",
	"get-key":          "Nobody can read its text again: it was shown when it was made.",
	"patch-key":        "To scopes and a time that the caller's own key has too. Its user and its text stay: see rotate.",
	"rotate-key":       "The new text is in this answer and never again.",
	"list-assignments": "Those of the levels that the caller is in, or manages.",
	"list-audit":       "Newest first, with filters, of one account; the export has everything in order.",
	"list-budgets":     "Those that count what the caller spends, or manages.",
	"list-alerts":      "Newest first. Each threshold is told once in a window.",
	"list-limits":      "Those that hold for the caller, or for whom it manages.",
	"effective-limits": "Of the key's own user if none is named, for the model that is named. Nothing is taken off a limit.",
	"reset-limit":      "What was used of it counts no more.",
	"cost-savings":     "What was spent beside what the same tokens would have cost at the baseline, by the prices of each time.",
	"top-costs":        "With the sum of all of them, and of how many are not listed.",
	"list-models":      "With the price in force and what each can do: the account's own and the global ones. /v1/models lists those that the key may use.",
	"get-model":        "The account's own before a global one of that id.",
	"list-providers":   "The account's own and the global ones, without their credentials.",
	"get-provider":     "The account's own before a global one of that id.",
	"list-credentials": "That of the environment first. A credential's text is encrypted, and never shown again.",
	"create-credential": "It is in force when this returns. Several share the requests by their weights, and stand in for one that is refused or" +
		" has used up its limits.",
	"get-credential":            "GET /api/v1/health tells how it does.",
	"patch-credential":          "A new text takes the place of the old one at once.",
	"delete-credential":         "Requests under way with it end by themselves.",
	"list-prices":               "Of each upstream id that serves the model, or its replacement.",
	"delete-price":              "Of a date to come alone: what was billed at a price keeps it.",
	"list-plugins":              "The account's own and the global ones, every version.",
	"get-plugin":                "404 for a name that the key does not see.",
	"plugin-logs":               "They are in memory: a restart ends them, and another replica has its own.",
	"plugin-stats":              "They are of this process alone; metrics add up what all of them say.",
	"replace-preferences":       "What is left out is unset.",
	"patch-preferences":         "What is left out stays, null unsets.",
	"delete-preferences":        "What a level above or below sets holds then.",
	"get-effective-preferences": "Of the key's own user if none is named: each value with the level that set it, and who locked or overrode it.",
	"set-override":              "It goes before everything that anybody sets at that level or below, and those below see it with its reason.",
	"remove-override":           "What was set before holds again.",
	"list-health-transitions":   "Newest first, with the reason of each change.",
	"get-decision-settings":     "Of the account that is named, or of all accounts without settings of their own.",
	"list-rollouts":             "Newest first, with those that ended.",
	"get-rollout":               "With the sums of both sides so far, over all replicas.",
	"patch-rollout":             "In percent of the requests. On this replica at once, on every other within seconds.",
	"promote-rollout":           "As a version of its own. 409 when the live rules are no longer those that the draft was made from.",
	"stop-rollout":              "The live rules decide everything again. What it has shown stays.",
	"list-rules":                "The account's own and the global ones, system rules too.",
	"get-rule":                  "With its ETag, for a change that must not undo another one.",
	"list-rule-cases":           "Each is a request, and the rule or model that it must lead to.",
	"get-rule-case":             "With the request, and what it must lead to.",
	"delete-rule-case":          "Rules are no longer held to it.",
	"get-rule-version":          "As publishing takes it: changed and sent back it makes a new one.",
	"diff-rule-versions":        "With `from` from that version, else from the one before.",
	"get-session":               "Its model, agent and turns so far. 404 for one that has ended.",
	"delete-note":               "No later model or agent is given it.",
	"list-webhooks":             "Without their secrets.",
	"get-webhook":               "`disabled_why` says it when the gateway disabled it.",
	"delete-webhook":            "With what it was sent, and what was to be sent.",
	"list-deliveries":           "Newest first, with their bodies and what the receiver answered.",
	"retry-delivery":            "At once, and once, under the same webhook-id.",
	"rotate-webhook":            "Both secrets sign until the overlap ends. The new one is in this answer and never again.",
}

// usually is what an operation of that kind does, for those that say nothing of their own.
func usually(op *huma.Operation) string {
	if text, ok := usual[op.OperationID]; ok {
		return text
	}
	match := ""
	for _, p := range op.Parameters {
		if p.Name == "If-Match" {
			match = " With If-Match only if nobody else changed it meanwhile: else 412."
		}
	}
	switch {
	case op.Method == http.MethodGet && strings.Contains(op.Path, "{"):
		return "404 for one that is not there, or is another account's. The answer's ETag is for If-Match."
	case op.Method == http.MethodPatch:
		return "Members that are left out stay as they are. It is in force when this returns." + match
	case op.Method == http.MethodPut:
		return "Members that are left out get their defaults. It is in force when this returns." + match
	case op.Method == http.MethodDelete:
		return "It is out of force when this returns." + match
	case op.Method == http.MethodPost:
		return "It is in force when this returns."
	}
	return ""
}
