package stats

import "testing"

func TestLatency(t *testing.T) {
	var l Latency
	if got := l.String(); got != "null" {
		t.Errorf("in the first minute: %q", got)
	}
	for range 98 {
		l.Add(0)
	}
	l.Add(-7) // the clock was set back
	l.Add(30)
	l.roll()
	want := "[<=0ms]:99 [0~10ms]:0 [10~50ms]:1 [50~100ms]:0 [100~200ms]:0 [200~500ms]:0 [500ms~1s]:0 [1~2s]:0 [2~3s]:0 [3~4s]:0 [4~5s]:0 [5~10s]:0 [10s~]:0 "
	if got := l.String(); got != want {
		t.Errorf("spread\n%q, want\n%q", got, want)
	}
	if got := l.Max(); got != 30 {
		t.Errorf("longest %d, want 30", got)
	}
	for _, c := range []struct{ q, want float64 }{{0, 0}, {0.99, 0}, {0.995, 30}, {1, 50}} {
		if got := l.Quantile(c.q); got != c.want {
			t.Errorf("quantile %g is %g, want %g", c.q, got, c.want)
		}
	}
	l.Add(20_000)
	l.roll()
	if got := l.Quantile(0.99); got != 10_000 {
		t.Errorf("of one call of 20 s: %g", got)
	}
	l.roll()
	if got := l.Quantile(0.99); got != 0 {
		t.Errorf("of a minute without calls: %g", got)
	}
}
