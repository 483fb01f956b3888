package store

// SetReadAhead says whether the operating system should read more of the commit log's files than it is asked for, as it does by
// itself. Off, scattered reads of old messages bring in no pages that nobody wants, and reads in order wait more often. It holds for
// the files that are mapped now or later, and for those that are read by position (upstream's CommitLog.scanFileAndSetReadMode).
// A system that does not follow is reported as an event.
func (s *Store) SetReadAhead(on bool) {
	l := s.log
	l.scattered.Store(!on)
	segs := l.view.Load().segs
	l.mu.Lock()
	if l.next != nil {
		segs = append(segs[:len(segs):len(segs)], l.next)
	}
	l.mu.Unlock()
	for _, g := range segs {
		if h, ok := g.pin(); ok {
			l.adviseHot(h)
			h.unpin()
		}
	}
}

// adviseHot tells the system the mode of a mapped segment.
func (l *commitLog) adviseHot(h *hotSegment) {
	l.advised(h.mapp.ReadAhead(!l.scattered.Load()))
}

// adviseCold tells it the mode of an open file of a cold segment, if it has not heard.
func (l *commitLog) adviseCold(f *openFile) {
	if mode := l.scattered.Load(); f.scattered.Load() != mode && f.scattered.Swap(mode) != mode {
		l.advised(f.ReadAhead(!mode))
	}
}

// advised reports a failure; reads go on.
func (l *commitLog) advised(err error) {
	if err != nil {
		l.event(Event{Level: Warning, Text: "the system does not take the commit log's way of reading (SET_COMMITLOG_READ_MODE)", Err: err})
	}
}
