package sql92

// Behind a plus sign upstream's parser reads the whole operand ahead before it
// takes the sign, so that a mistake in the operand is reported at the sign. The
// scan below tells only whether there is an operand.

// lookBehindPlus refuses the plus sign at the next token unless an operand
// follows.
func (p *parser) lookBehindPlus() error {
	s := scan{p: p}
	ok, err := s.unary()
	if err != nil || ok {
		return err
	}
	p.expect |= setOperand
	return p.unexpected()
}

// scan walks over tokens that are not taken.
type scan struct {
	p     *parser
	at    int
	depth int
}

// accept passes over a token of one kind.
func (s *scan) accept(k kind) (bool, error) {
	got, err := s.p.peek(s.at)
	if err != nil || got != k {
		return false, err
	}
	s.at++
	return true, nil
}

// all passes over tokens of the given kinds, or over none.
func (s *scan) all(kinds ...kind) (bool, error) {
	start := s.at
	for _, k := range kinds {
		if ok, err := s.accept(k); err != nil || !ok {
			s.at = start
			return false, err
		}
	}
	return true, nil
}

func (s *scan) unary() (bool, error) {
	if s.depth++; s.depth > maxDepth {
		return false, errDepth
	}
	defer func() { s.depth-- }()
	k, err := s.p.peek(s.at)
	if err != nil {
		return false, err
	}
	switch k {
	case kindPlus, kindMinus, kindNot:
		s.at++
		return s.unary()
	case kindOpen:
		s.at++
		if ok, err := s.or(); err != nil || !ok {
			return false, err
		}
		return s.accept(kindClose)
	}
	if setOperand&(1<<k) == 0 {
		return false, nil
	}
	s.at++
	return true, nil
}

func (s *scan) or() (bool, error) {
	return s.chain(s.and, func() (bool, error) { return s.behind(kindOr, s.and) })
}

func (s *scan) and() (bool, error) {
	return s.chain(s.equality, func() (bool, error) { return s.behind(kindAnd, s.equality) })
}

func (s *scan) equality() (bool, error) {
	return s.chain(s.comparison, func() (bool, error) {
		for _, k := range [...]kind{kindEqual, kindNotEqual} {
			if ok, err := s.behind(k, s.comparison); ok || err != nil {
				return ok, err
			}
		}
		if ok, err := s.all(kindIs, kindNull); ok || err != nil {
			return ok, err
		}
		return s.all(kindIs, kindNot, kindNull)
	})
}

// chain reads a first operand, then tails as long as there are any; a tail that
// does not fit is left.
func (s *scan) chain(first, tail func() (bool, error)) (bool, error) {
	ok, err := first()
	for more := ok; more && err == nil; {
		start := s.at
		if more, err = tail(); !more {
			s.at = start
		}
	}
	return ok, err
}

// behind passes over an operator and its operand.
func (s *scan) behind(k kind, operand func() (bool, error)) (bool, error) {
	if ok, err := s.accept(k); err != nil || !ok {
		return false, err
	}
	return operand()
}

func (s *scan) comparison() (bool, error) { return s.chain(s.unary, s.relation) }

func (s *scan) relation() (bool, error) {
	k, err := s.p.peek(s.at)
	if err != nil || setComparison&(1<<k) == 0 {
		return false, err
	}
	s.at++
	if k == kindNot {
		if k, err = s.p.peek(s.at); err != nil || setNegatable&(1<<k) == 0 {
			return false, err
		}
		s.at++
	}
	switch k {
	case kindContains, kindStartsWith, kindEndsWith:
		return s.accept(kindString)
	case kindIn:
		if ok, err := s.all(kindOpen, kindString); err != nil || !ok {
			return false, err
		}
		for {
			if ok, err := s.all(kindComma, kindString); err != nil {
				return false, err
			} else if !ok {
				return s.accept(kindClose)
			}
		}
	case kindBetween:
		if ok, err := s.unary(); err != nil || !ok {
			return false, err
		}
		return s.behind(kindAnd, s.unary)
	}
	return s.unary()
}
