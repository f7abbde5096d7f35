package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
)

// postFaults takes a fault, or a list of them, as JSON.
func (s *Simulator) postFaults(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&raw); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
		raw = append(append(json.RawMessage("["), raw...), ']')
	}
	var faults []Fault
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&faults); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.Script(faults...)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Simulator) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	s.ClearScript()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Simulator) getLog(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": s.Log()})
}
