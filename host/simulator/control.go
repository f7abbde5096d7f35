package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
)

// control serves /_simulator/: the same as Script, Log and Release, for tests
// outside the process.
func (s *Simulator) control() {
	s.mux.HandleFunc("POST /_simulator/faults", s.postFaults)
	s.mux.HandleFunc("GET /_simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, s.Scripted())
	})
	s.mux.HandleFunc("DELETE /_simulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearScript()
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("GET /_simulator/log", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, s.Log())
	})
	s.mux.HandleFunc("DELETE /_simulator/log", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearLog()
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("POST /_simulator/release", func(w http.ResponseWriter, _ *http.Request) {
		s.Release()
		w.WriteHeader(http.StatusNoContent)
	})
}

func reply(w http.ResponseWriter, list any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(fields{"data", list}))
}

// postFaults takes a fault, or a list of them, as JSON.
func (s *Simulator) postFaults(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&raw); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text := strings.TrimSpace(string(raw))
	if strings.HasPrefix(text, "{") {
		text = "[" + text + "]"
	}
	var faults []Fault
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&faults); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.Script(faults...)
	w.WriteHeader(http.StatusNoContent)
}
