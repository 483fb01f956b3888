package raw

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/wire"
	"github.com/gantrymq/gantry/protocol"
)

// fullDiskCase has the store on a small file system of its own. Brokers look at it every ten seconds, the official one
// for the first time a minute after its start.
func fullDiskCase() conformance.Case {
	return conformance.Case{
		Name: "raw/store/full-disk", Client: conformance.Raw, Feature: "data directory", Topology: conformance.SingleBroker, Needs: conformance.Control,
		Settings: conformance.Settings{Broker: map[string]string{
			"mappedFileSizeCommitLog": "1048576", "mappedFileSizeConsumeQueue": "6000", "maxHashSlotNum": "1000", "maxIndexNum": "500",
		}},
		Slow: true, Lasts: 75 * time.Second, Timeout: 4 * time.Minute, Run: fullDisk,
		Codes: []protocol.RequestCode{protocol.SendMessageV2, protocol.PullMessage},
	}
}

// diskFull is the refusal of a broker whose disk is too full, with how full the disks of its files are.
var diskFull = regexp.MustCompile(`^service not available now\. It may be caused by one of the following reasons: the broker's disk is full ` +
	`\[CL:  0\.9\d CQ:  0\.9\d INDEX:  0\.9\d\], messages are put to the slave, message store has been shut down, etc\.$`)

// fullDisk: somebody else fills the disk beyond the warning level. Sends are refused and pulls go on; when there is
// room again so do sends, and nothing is missing.
func fullDisk(t *conformance.T) {
	broker := t.Servers().Broker()
	d := smallDisk(t, broker.StoreDir())
	t.StartServers()
	topic := t.Topic()
	sent := 0
	send := func(ctx context.Context) (code protocol.ResponseCode, remark string, err error) {
		f := sendFrame(topic, 0)
		f.Body = []byte(strconv.Itoa(sent))
		r, err := wire.Call(ctx, broker.Address(), f)
		if err != nil {
			return 0, "", err
		}
		if r.Code == int32(protocol.ResponseSuccess) {
			sent++
		}
		return protocol.ResponseCode(r.Code), r.Remark, nil
	}
	wantAll := func() {
		t.AwaitEnd(topic, 0, int64(sent))
		records, err := wholeQueue(t.Context(), broker.Address(), topic)
		t.Check(err, "pull")
		for i := range records {
			if got := string(records[i].Body); got != strconv.Itoa(i) {
				t.Fatalf("message %d is %q", i, got)
			}
		}
		if len(records) != sent {
			t.Fatalf("%d of %d messages were pulled", len(records), sent)
		}
	}
	code, remark, err := send(t.Context())
	if err != nil || code != protocol.ResponseSuccess {
		t.Fatalf("the first send was answered %s %q, %v", code, remark, err)
	}
	d.fill(95)
	t.Eventually(2*time.Minute, "the refusal of a send", func(ctx context.Context) error {
		code, remark, err := send(ctx)
		switch {
		case err != nil:
			return err
		case code == protocol.ResponseSuccess:
			t.Pause(50 * time.Millisecond)
			return fmt.Errorf("it was taken")
		case code != protocol.ResponseServiceNotAvailable || !diskFull.MatchString(remark):
			t.Fatalf("the send was answered %s %q", code, remark)
		}
		return nil
	})
	wantAll()
	d.clear()
	t.Eventually(time.Minute, "a send that is taken again", func(ctx context.Context) error {
		code, remark, err := send(ctx)
		if err == nil && code != protocol.ResponseSuccess {
			err = fmt.Errorf("it was answered %s %q", code, remark)
		}
		return err
	})
	wantAll()
}

// disk is a small file system, most of which is taken by one file when it is full.
type disk struct {
	*conformance.T
	dir string
}

// smallDisk mounts a small file system, in memory, as a directory, until the case ends. Who runs the cases must be allowed that.
func smallDisk(t *conformance.T, dir string) *disk {
	t.Check(os.MkdirAll(dir, 0o755), "make a directory")
	mount := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=256m", "gantry-small-disk", dir)
	if out, err := mount.CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() { // servers may still have files open there
		if out, err := exec.Command("umount", "--lazy", dir).CombinedOutput(); err != nil {
			t.Errorf("cannot unmount %s: %v: %s", dir, err, out)
		}
	})
	return &disk{T: t, dir: dir}
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill makes a file so large that the given percentage of the disk is used.
func (d *disk) fill(percent int64) {
	var s unix.Statfs_t
	d.Check(unix.Statfs(d.dir, &s), "look at the disk")
	blocks := int64(s.Blocks)*percent/100 - int64(s.Blocks-s.Bfree)
	f, err := os.Create(d.ballast())
	d.Check(err, "make a file")
	_, err = io.CopyN(f, zeros{}, blocks*int64(s.Bsize))
	d.Check(err, "fill the disk")
	d.Check(f.Close(), "fill the disk")
}

func (d *disk) clear() { d.Check(os.Remove(d.ballast()), "make room") }

// zeros is an endless stream.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
