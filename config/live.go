package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Live is a process's configuration as it runs: an immutable T, made from the
// settings, that an update replaces as a whole. T is a struct with conf tags.
// All methods may be called at the same time.
type Live[T any] struct {
	finish func(*Settings, *T) error
	deny   map[string]bool

	updating sync.Mutex // one update at a time
	current  atomic.Pointer[state[T]]
}

type state[T any] struct {
	settings *Settings
	value    *T
}

// NewLive binds a T to the settings. finish, which may be nil, completes each
// new T with what no key says, and may refuse the settings.
func NewLive[T any](s *Settings, finish func(*Settings, *T) error) (*Live[T], error) {
	deny, err := denied(s)
	if err != nil {
		return nil, err
	}
	l := &Live[T]{finish: finish, deny: deny}
	st, err := l.bind(s.settled())
	if err != nil {
		return nil, err
	}
	l.current.Store(st)
	return l, nil
}

func (l *Live[T]) bind(s *Settings) (*state[T], error) {
	st := &state[T]{settings: s, value: new(T)}
	if err := s.Bind(st.value); err != nil {
		return nil, err
	}
	if l.finish != nil {
		if err := l.finish(s, st.value); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// Load is the configuration now. It must not be changed.
func (l *Live[T]) Load() *T { return l.current.Load().value }

// Settings are the settings that Load was made from.
func (l *Live[T]) Settings() *Settings { return l.current.Load().settings }

// ErrDenied is the error of an update that contains a key which no request may
// change. Upstream answers it with NO_PERMISSION and the text DeniedRemark.
var ErrDenied = errors.New("the key must not be changed by a request")

// DeniedRemark is upstream's wording for ErrDenied.
const DeniedRemark = "Can not update config in black list."

// Change tells what an update did.
type Change struct {
	Changed []string  // keys with a new value, by name
	Remarks []Warning // what could not be taken or has no effect, and why
}

// rules is what Live itself takes from the settings.
type rules struct {
	BlackList string `conf:"configBlackList" when:"start"`
}

// denied are the keys that no request may change: upstream's own, those that
// configBlackList names, and every other that names files, classes or whom to
// trust (the class of CVE-2023-33246 and CVE-2023-37582). As upstream's, the set
// is made once.
func denied(s *Settings) (map[string]bool, error) {
	deny := map[string]bool{}
	for _, key := range s.process.refused {
		deny[key] = true
	}
	var r rules
	if err := s.Bind(&r); err != nil {
		return nil, err
	}
	for key := range strings.SplitSeq(r.BlackList, ";") {
		deny[key] = true
	}
	for name, k := range s.process.index {
		if k.has(notRemote) {
			deny[name] = true
		}
	}
	return deny, nil
}

// Update changes settings by request, all or none. Values of the wrong form and
// keys that no class of the process has are ignored, as upstream does. The
// caller writes Settings().File() afterwards.
func (l *Live[T]) Update(values map[string]string) (Change, error) {
	l.updating.Lock()
	defer l.updating.Unlock()
	for key := range values {
		if l.deny[key] {
			return Change{}, fmt.Errorf("update of %s: %w", key, ErrDenied)
		}
	}
	old := l.current.Load()
	next := old.settings.clone()
	change := Change{}
	for key, text := range values {
		if why := next.change(key, text); why != "" {
			change.Remarks = append(change.Remarks, Warning{"the request", key, why})
		}
	}
	before, after := old.settings.Shown(), next.Shown()
	for key, text := range after {
		if was, ok := before[key]; !ok || was != text {
			change.Changed = append(change.Changed, key)
		}
	}
	slices.Sort(change.Changed)
	slices.SortFunc(change.Remarks, func(a, b Warning) int { return compareNames(a.Key, b.Key) })
	st, err := l.bind(next)
	if err != nil {
		return Change{}, err
	}
	l.current.Store(st)
	return change, nil
}

// change sets one key as an update does, and returns what is to be said about it.
func (s *Settings) change(key, text string) string {
	k, ok := s.process.Key(key)
	if ok && !s.process.answers(k.Family) {
		return key + " cannot be changed while the process runs"
	}
	_, inFile := s.file[key]
	if inFile {
		s.file[key] = text
	}
	if !ok && inFile {
		return ""
	}
	return s.take(Value{Key: key, Text: text}, "a request")
}
