package engine

import "github.com/pointsman/pointsman/engine/document"

// ConfigNode is the provider's Config as a document; absent when there is none.
func (p *Provider) ConfigNode() document.Node {
	if p.config == nil {
		return document.Node{}
	}
	return p.config.Root()
}
