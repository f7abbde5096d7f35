package row

import (
	"encoding/json"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/sdk/abi"
)

// CheckPlugin says why a plugin version cannot be stored: an *engine.Error with
// CodeInvalid, or nil. It does not look into the module.
func CheckPlugin(p engine.PluginVersion) error {
	var c check
	c.account(p.AccountID)
	c.key("name", p.Name)
	c.key("version", p.Version)
	if p.Kind != abi.KindRule && p.Kind != abi.KindProvider {
		c.refuse("kind", "is neither rule nor provider")
	}
	c.count("size", p.Size)
	if b, err := json.Marshal(p.Manifest); err != nil {
		c.refuse("manifest", "is not valid JSON")
	} else {
		c.json("manifest", b)
	}
	c.time("created_at", p.CreatedAt)
	return c.result()
}
