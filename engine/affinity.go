package engine

import "slices"

// reasonSession is why the default handler's turn went to the model of the one before.
const reasonSession = "session"

// stay puts the session's last model before the ranking of a turn that only the default
// handler decides, when that model can be asked now. Otherwise it returns why not, which is
// to be recorded after every other skip: it is no reason to refuse somebody who asked for auto.
// See RATIONALE.md, "Who may move a session to another model?".
func (p *Pipeline) stay(r *Request, c *Catalogue, d *Decision, ranking []string) ([]string, *Skip) {
	model := r.Session.Model
	if model == "" || d.Source != SourceDefault || len(ranking) > 0 && ranking[0] == model {
		return ranking, nil
	}
	if _, skip := p.clip(r, c, model); skip != nil {
		if slices.Contains(ranking, model) {
			skip = nil // it is skipped in its place
		}
		return ranking, skip
	}
	d.Reason = reasonSession
	return append([]string{model}, ranking...), nil
}
