package engine

// ModelState is what is known of a model when a request arrives, as rules and plugins see
// it. See Request.ModelState.
type ModelState struct {
	Health            string // of the Health constants
	LatencyMS         int64  // median of late; 0: not known
	CostNanoUSD       int64  // about what the request would cost on it; 0: free, or not known
	RemainingRequests int64  // NoLimit without a limit
	RemainingTokens   int64
}

// modelStates knows the state of models and targets for one request.
type modelStates interface {
	modelState(m *Model) ModelState
	health(m *Model, p *Provider) HealthState // m as served
}

// ModelState is the state of a model that the caller may use. Outside the pipeline it is
// neutral: HealthUnmeasured, 0 and NoLimit.
func (r *Request) ModelState(m *Model) ModelState {
	if r.states == nil {
		return unmeasured
	}
	return r.states.modelState(m)
}

// unmeasured is the state of a model of which nothing is known.
var unmeasured = ModelState{Health: HealthUnmeasured, RemainingRequests: NoLimit, RemainingTokens: NoLimit}

// Prefers is what counts where several models would do: the caller's preferences, and cost
// as well while a budget asks for it.
func (r *Request) Prefers() Prefer {
	p := r.Policy.Prefers()
	p.Cost = p.Cost || r.Budget.PreferCheaper
	return p
}

// LeftOfBudget is what the tightest hard budget leaves: in nano-USD and as a part of it,
// NoLimit and 1 without one.
func (r *Request) LeftOfBudget() (nanoUSD int64, fraction float64) {
	if !r.Budget.Bounded {
		return NoLimit, 1
	}
	return r.Budget.NanoUSD, r.Budget.Fraction
}

// health is what is known of a target; nothing outside the pipeline.
func (r *Request) health(m *Model, p *Provider) HealthState {
	if r.states == nil {
		return HealthState{}
	}
	return r.states.health(m, p)
}

func (x *execution) health(m *Model, p *Provider) HealthState {
	if x.p.cfg.Health == nil {
		return HealthState{}
	}
	x.healthAsked = HealthTarget{AccountID: p.AccountID, ProviderID: p.ID, UpstreamID: m.UpstreamID}
	return x.p.cfg.Health.State(&x.healthAsked)
}

// modelState is the same however often it is asked for: every rule sees one state.
func (x *execution) modelState(m *Model) ModelState {
	for i := range x.seen {
		if x.seen[i].Model == m.ID {
			return x.seen[i].ModelState
		}
	}
	s := x.stateOf(m)
	x.seen = append(x.seen, RecordedState{Model: m.ID, ModelState: s})
	return s
}

func (x *execution) stateOf(m *Model) ModelState {
	r := x.r
	s := unmeasured
	rates := x.catalogue.rates(r.Principal.AccountID, m.ProviderID, m.UpstreamID)
	if price, ok := rates.charge(r.Received, r.Features.Tokens); ok {
		s.CostNanoUSD = saturatingAdd(price.Cost(Tokens{Prompt: r.Features.Tokens, Completion: x.output(m)}), price.Images(r.Features.Images))
	}
	provider, known := x.catalogue.Provider(r.Principal.AccountID, m.ProviderID)
	if known {
		state := x.health(m, provider)
		if state.Status != "" {
			s.Health = string(state.Status)
		}
		s.LatencyMS = state.LatencyMS
	}
	if x.p.cfg.Limits == nil {
		return s
	}
	q := x.limitRequest(LimitOfAll)
	q.ModelOwner, q.ModelID, q.UpstreamID = m.AccountID, m.ID, m.UpstreamID
	if known {
		q.ProviderOwner, q.ProviderID = provider.AccountID, provider.ID
	}
	left := x.p.cfg.Limits.Peek(q)
	if left.Requests.Set {
		s.RemainingRequests = left.Requests.Remaining
	}
	if left.Tokens.Set {
		s.RemainingTokens = left.Tokens.Remaining
	}
	return s
}
