package pop

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/compat"
)

// OrderedQueue is the revive queue that receipts of ordered groups name. No
// record is written for them.
const OrderedQueue = 999

// Receipt is what a client shows to acknowledge a message, or to keep it longer:
// upstream's extra info. As text its fields stand in this order with a blank
// between.
type Receipt struct {
	Start       int64 // queue offset that the check point begins with
	PopTime     int64 // ms since 1970
	Invisible   int64 // ms
	ReviveQueue int32
	Origin      Origin
	Broker      string
	Queue       int32
	Offset      int64 // of the message in its queue
}

// Ordered reports whether the message was popped by an ordered group.
func (r *Receipt) Ordered() bool { return r.ReviveQueue == OrderedQueue }

// ErrReceiptTimes is why a receipt cannot be read that does not say of which messages it is, when they
// were popped or for how long.
var ErrReceiptTimes = errors.New("the first fields of a receipt are numbers")

// ParseReceipt reads a receipt. The last two fields, which repeat what the
// request says, may be missing. Its strings are views into text.
func ParseReceipt(text string) (Receipt, error) {
	fields := strings.Split(text, " ")
	if len(fields) < 6 {
		return Receipt{}, fmt.Errorf("a receipt has 8 fields, %q has %d", text, len(fields))
	}
	r := Receipt{Origin: Origin(fields[4]), Broker: fields[5]}
	for i, n := range []*int64{&r.Start, &r.PopTime, &r.Invisible} {
		v, err := compat.ParseInt(fields[i], 64)
		if err != nil {
			return Receipt{}, fmt.Errorf("%w: field %d of %q: %w", ErrReceiptTimes, i+1, text, err)
		}
		*n = v
	}
	queue, err := compat.ParseInt(fields[3], 32)
	if err != nil {
		return Receipt{}, fmt.Errorf("field 4 of the receipt %q: %w", text, err)
	}
	r.ReviveQueue = int32(queue)
	if len(fields) >= 8 { // nobody needs the last ones: requests name queue and offset
		if queue, err = compat.ParseInt(fields[6], 32); err == nil {
			r.Queue = int32(queue)
		}
		if offset, err := compat.ParseInt(fields[7], 64); err == nil {
			r.Offset = offset
		}
	}
	return r, nil
}

// AppendTo appends the text of a receipt.
func (r *Receipt) AppendTo(dst []byte) []byte {
	for _, n := range [...]int64{r.Start, r.PopTime, r.Invisible, int64(r.ReviveQueue)} {
		dst = append(strconv.AppendInt(dst, n, 10), ' ')
	}
	dst = append(append(dst, r.Origin...), ' ')
	dst = append(append(dst, r.Broker...), ' ')
	dst = append(strconv.AppendInt(dst, int64(r.Queue), 10), ' ')
	return strconv.AppendInt(dst, r.Offset, 10)
}
