package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kernel counts CPU time in ticks, of which every Linux shows a hundred a second
// to programs (USER_HZ).
const ticksPerSecond = 100

// usage is what a process has used since it started, and holds now. It is read from
// /proc and empty where there is none.
type usage struct {
	CPU       time.Duration
	Anonymous int64 // resident anonymous memory, bytes
	Resident  int64 // resident memory with mapped files, bytes
	Reads     int64 // read system calls, -1 when they may not be seen
	Writes    int64
	ReadSize  int64 // bytes, sockets included
	WriteSize int64
}

// readUsage reads the accounts of a process.
func readUsage(pid int) (usage, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return usage{}, fmt.Errorf("process %d cannot be watched: %w", pid, err)
	}
	u := usage{Reads: -1, Writes: -1}
	if u.CPU, err = parseStat(string(stat)); err != nil {
		return usage{}, fmt.Errorf("process %d cannot be watched: %w", pid, err)
	}
	if status, err := os.ReadFile(dir + "/status"); err == nil {
		fields := parseFields(string(status))
		u.Anonymous, u.Resident = fields["RssAnon"]<<10, fields["VmRSS"]<<10
	}
	if io, err := os.ReadFile(dir + "/io"); err == nil {
		fields := parseFields(string(io))
		u.Reads, u.Writes, u.ReadSize, u.WriteSize = fields["syscr"], fields["syscw"], fields["rchar"], fields["wchar"]
	}
	return u, nil
}

// parseStat adds up user and system time. The command's name, in parentheses, may
// hold anything, so fields are counted behind its end.
func parseStat(stat string) (time.Duration, error) {
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	if end < 0 || len(fields) < 13 {
		return 0, errors.New("its stat file has another form")
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * (time.Second / ticksPerSecond), errors.Join(err1, err2)
}

// parseFields reads "name: number unit" lines.
func parseFields(text string) map[string]int64 {
	fields := map[string]int64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, ":")
		if first := strings.Fields(value); ok && len(first) > 0 {
			if n, err := strconv.ParseInt(first[0], 10, 64); err == nil {
				fields[name] = n
			}
		}
	}
	return fields
}

// watched turns the flag -pid into process ids.
func watched(flag string, brokers []string) ([]int, error) {
	switch flag {
	case "none", "":
		return nil, nil
	case "auto":
		return listeners(brokers), nil
	}
	var pids []int
	for _, s := range split(flag) {
		pid, err := strconv.Atoi(s)
		if err != nil || pid < 1 {
			return nil, fmt.Errorf("-pid %s: %q is no process id", flag, s)
		}
		if _, err := readUsage(pid); err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// listeners finds the processes of this machine that listen on the ports of those
// addresses that are this machine's. What it may not see it does not find.
func listeners(addresses []string) []int {
	var inodes []string
	for _, a := range addresses {
		if port, err := portOf(a); err == nil && isLocal(a) {
			inodes = append(inodes, listeningInodes(port)...)
		}
	}
	if len(inodes) == 0 {
		return nil
	}
	var pids []int
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well formed
	for _, d := range descriptors {
		link, err := os.Readlink(d)
		if err != nil || !slices.Contains(inodes, link) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(d, "/")[2]); err == nil && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// isLocal reports whether an address is one of this machine.
func isLocal(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(ips, func(ip net.IP) bool {
		return ip.IsLoopback() || slices.ContainsFunc(own, func(a net.Addr) bool {
			n, ok := a.(*net.IPNet)
			return ok && n.IP.Equal(ip)
		})
	})
}

// listeningInodes are the sockets that listen on a port, in the form in which a
// descriptor links to them.
func listeningInodes(port uint16) []string {
	const listening = "0A"
	suffix := fmt.Sprintf(":%04X", port)
	var inodes []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) > 9 && fields[3] == listening && strings.HasSuffix(fields[1], suffix) {
				inodes = append(inodes, "socket:["+fields[9]+"]")
			}
		}
		f.Close()
	}
	return inodes
}

// commandOf is the name of a process.
func commandOf(pid int) string {
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return strings.TrimSpace(string(name))
}
