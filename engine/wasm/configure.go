package wasm

import (
	"context"

	"github.com/pointsman/pointsman/sdk/abi"
)

// ConfigureAdapter checks a provider's config, nil for none, against the manifest's schema,
// then with pm_configure_v1 if the guest has it; see [engine.AdapterChecker].
func (l *Library) ConfigureAdapter(ctx context.Context, accountID, plugin string, config []byte) error {
	p, err := l.lookup(accountID, plugin, abi.KindProvider)
	if err != nil {
		return err
	}
	return p.configure(ctx, config)
}
