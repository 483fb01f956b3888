package staticqueue

import (
	"testing"

	"github.com/gantrymq/gantry/logicqueue"
	"github.com/gantrymq/gantry/protocol"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	const (
		found    = protocol.ResponseSuccess
		notFound = protocol.ResponsePullNotFound
		retry    = protocol.ResponsePullRetryImmediately
		moved    = protocol.ResponsePullOffsetMoved
	)
	first, middle, leader, open := stretch(0, 0, "a", 0), stretch(1, 0, "b", 10000), stretch(2, 0, "c", 20000), stretch(2, 0, "c", -1)
	ended := &logicqueue.Item{Gen: 0, BrokerName: "a", EndOffset: 50}
	for _, c := range []struct {
		name  string
		items logicqueue.Queue
		at    int
		asked int64
		in    Pulled
		want  Pulled
	}{
		{"found in the first", logicqueue.Queue{first, leader}, 0, 3, Pulled{found, 5, 0, 9, 0}, Pulled{found, 5, 0, 20000, 0}},
		{"found in the last", logicqueue.Queue{first, leader}, 1, 3, Pulled{found, 5, 2, 9, 0}, Pulled{found, 20005, 20002, 20009, 20000}},
		{"the end of the first", logicqueue.Queue{first, leader}, 0, 9, Pulled{notFound, 9, 0, 9, 0}, Pulled{retry, 20000, 20000, 20000, 20000}},
		{"the end of the middle", logicqueue.Queue{first, middle, leader}, 1, 9, Pulled{notFound, 9, 0, 9, 0}, Pulled{retry, 20000, 20000, 20000, 20000}},
		{"the end of all", logicqueue.Queue{first, leader}, 1, 9, Pulled{notFound, 9, 0, 9, 0}, Pulled{notFound, 20009, 20000, 20009, 20000}},
		{"the next has no place yet", logicqueue.Queue{first, open}, 0, 9, Pulled{notFound, 9, 0, 9, 0}, Pulled{notFound, 9, 0, 9, 0}},
		{"behind all", logicqueue.Queue{first, leader}, 1, 11, Pulled{moved, 9, 0, 9, 0}, Pulled{moved, 20009, 20000, 20009, 20000}},
		{"behind the only one", logicqueue.Queue{first}, 0, 11, Pulled{moved, 9, 0, 9, 0}, Pulled{moved, 9, 0, 9, 0}},
		{"behind the first", logicqueue.Queue{first, leader}, 0, 11, Pulled{moved, 9, 0, 9, 0}, Pulled{retry, 20000, 20000, 20000, 20000}},
		{"before all", logicqueue.Queue{first, leader}, 0, 1, Pulled{moved, 4, 4, 9, 0}, Pulled{moved, 4, 4, 20000, 0}},
		{"a gap before the last", logicqueue.Queue{first, leader}, 1, 1, Pulled{moved, 4, 4, 9, 0}, Pulled{retry, 20004, 20004, 20009, 20000}},
		{"filtered", logicqueue.Queue{first, leader}, 0, 3, Pulled{retry, 7, 0, 9, 0}, Pulled{retry, 7, 0, 20000, 0}},
		{"a known end", logicqueue.Queue{ended, leader}, 0, 48, Pulled{found, 52, 0, 60, 0}, Pulled{found, 50, 0, 20000, 0}},
	} {
		p := Place{Mapping: mappingOf("c", 1, nil), Items: c.items, Item: c.items[c.at]}
		got := c.in
		if p.Translate(c.asked, &got); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
