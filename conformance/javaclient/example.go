package javaclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/gantrymq/gantry/conformance"
	"github.com/gantrymq/gantry/conformance/javadriver"
)

// exampleMessages is how many messages the official quick-start producer sends.
const exampleMessages = 1000

// quickstart runs the quick-start classes of rocketmq-example unchanged, the address given
// by NAMESRV_ADDR as their documentation says.
func quickstart(t *conformance.T) {
	classPath, err := javadriver.Build(t.Context(), javadriver.V550)
	if errors.Is(err, javadriver.ErrLacking) {
		t.Skipf("%v", err)
	}
	t.Check(err, "build the driver, whose class path has the examples")
	sent := example(t, classPath, "Producer", regexp.MustCompile(`sendStatus=SEND_OK, msgId=([0-9A-F]+)`))
	got := example(t, classPath, "Consumer", regexp.MustCompile(`Receive New Messages: .*UNIQ_KEY=([0-9A-F]+)`))
	missing := 0
	for id := range sent {
		if !got[id] {
			missing++
		}
	}
	if missing > 0 || len(sent) != exampleMessages {
		t.Errorf("the producer sent %d messages, %d of them were not consumed", len(sent), missing)
	}
}

// example runs one of the classes until it has printed as many different ids as the
// producer sends messages, or ends, and returns the ids.
func example(t *conformance.T, classPath, class string, id *regexp.Regexp) map[string]bool {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, "java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Duser.home="+home, "-cp", classPath,
		"org.apache.rocketmq.example.quickstart."+class)
	cmd.Env = append(os.Environ(), "NAMESRV_ADDR="+t.Servers().NameServerList())
	cmd.Dir = home
	out, err := cmd.StdoutPipe()
	t.Check(err, "start the example's %s", class)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	t.Check(cmd.Start(), "start the example's %s", class)
	ids, last := map[string]bool{}, ""
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for len(ids) < exampleMessages && lines.Scan() {
		last = lines.Text()
		if m := id.FindStringSubmatch(last); m != nil {
			ids[m[1]] = true
		}
	}
	if class == "Consumer" {
		cancel() // it never ends by itself
	}
	_, _ = io.Copy(io.Discard, out)
	err = cmd.Wait()
	if len(ids) < exampleMessages {
		t.Errorf("the example's %s printed %d ids and ended (%v); its last words were %.300q %.300q", class, len(ids), err, last, fmt.Sprint(&complaints))
	}
	return ids
}
