package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pointsman/pointsman/engine"
	"github.com/pointsman/pointsman/engine/graph"
)

type graphOutput struct{ Body graph.Graph }

func (s *Server) registerRuleGraph() {
	operation(s, huma.Operation{OperationID: "graph-rules", Method: http.MethodGet, Path: "/api/v1/rules/graph", Summary: "The rules as a ladder, with coordinates", Description: "In the order in which they are tried, the default handler last. `pointsman rules graph -o svg` draws it.", Tags: []string{"rules"}}, s.graphRules)
}

func (s *Server) graphRules(ctx context.Context, in *RuleHome) (*graphOutput, error) {
	p := principalOf(ctx)
	g, err := s.cfg.RuleGraph(ctx, p, homeOf(p, in.AccountID))
	if err != nil {
		return nil, err
	}
	return &graphOutput{g}, nil
}

// noRuleGraph is the ladder of a server that was given none.
func noRuleGraph(context.Context, engine.Principal, string) (graph.Graph, error) {
	return graph.New(graph.Input{}), nil
}
