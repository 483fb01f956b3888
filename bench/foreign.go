package bench

import (
	"context"
	"time"
)

// Ends adds up the ends of a topic's queues 0 to queues−1 on one broker: how many
// messages it has ever stored there. The growth tells what arrived of a load that
// some other program sends.
func Ends(ctx context.Context, broker, topic string, queues int) (int64, error) {
	t := &target{brokers: []string{broker}}
	for id := range int32(queues) {
		t.queues = append(t.queues, queue{broker, topic, id})
	}
	ends, err := t.offsets(ctx, true)
	return sum(ends), err
}

// CPU adds up the CPU time that processes have used since they started.
func CPU(pids []int) (total time.Duration, err error) {
	for _, pid := range pids {
		u, err := readUsage(pid)
		if err != nil {
			return 0, err
		}
		total += u.CPU
	}
	return total, nil
}
