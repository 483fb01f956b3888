package config

// Explanation is all that is to be said about a key of a kind of process.
type Explanation struct {
	Key     string `json:"key"`
	Process string `json:"process"`
	Meaning string `json:"meaning"`
	Values  string `json:"values"` // what it takes
	Default string `json:"default"`
	Value   string `json:"value"` // in effect, as far as the key has one
	From    string `json:"from"`  // where the value comes from, as Settings.Origin says it

	Honoured bool   `json:"honoured"`
	Why      string `json:"why,omitempty"`     // it has no effect; "it" stands for the key
	Changes  string `json:"changes,omitempty"` // when a new value of an honoured key counts

	Flag        string `json:"flag"`
	Environment string `json:"environment"`
}

// Explain says all about a key; ok is false when the process has no such key.
func (s *Settings) Explain(key string) (e Explanation, ok bool) {
	k, ok := s.process.Key(key)
	if !ok {
		return e, false
	}
	standard := &Settings{process: s.process, machine: s.machine}
	e = Explanation{
		Key: key, Process: s.process.Name, Meaning: k.Meaning, Values: k.Values(), From: s.Origin(key),
		Flag: "--" + key, Environment: EnvironmentName(key),
	}
	e.Default, _ = standard.Get(key)
	e.Value, _ = s.Get(key)
	if e.Why = k.Effect(s.process); e.Why == "" {
		e.Honoured, e.Changes = true, k.Changes(s.process).String()
	}
	return e, true
}

func (w When) String() string {
	switch w {
	case AtOnce:
		return "live: an update counts at once"
	case AtStart:
		return "at start: an update is written to the configuration file and counts when the process is next started"
	}
	return "at start: no update may change it"
}
