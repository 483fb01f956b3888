package config

import (
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Machine is what defaults are computed from. Tests fill it with values of their
// own; processes use ThisMachine.
type Machine struct {
	CPUs     int
	UserHome string            // Java's user.home
	Hostname string            // "" when unknown
	IP       netip.Addr        // what a broker tells clients by default
	Env      map[string]string // NAMESRV_ADDR, ROCKETMQ_HOME and RMQ_PROXY_HOME count
}

// ThisMachine describes the machine and environment of the process. ip is the
// address that clients could reach it at.
func ThisMachine(ip netip.Addr) Machine {
	m := Machine{CPUs: runtime.GOMAXPROCS(0), IP: ip, Env: map[string]string{}}
	m.UserHome, _ = os.UserHomeDir()
	m.Hostname, _ = os.Hostname()
	for _, name := range [...]string{"NAMESRV_ADDR", "ROCKETMQ_HOME", "RMQ_PROXY_HOME"} {
		if value, ok := os.LookupEnv(name); ok {
			m.Env[name] = value
		}
	}
	return m
}

// computed are the defaults that depend on the number of processors.
var computed = map[string]func(cpus int) int{
	"=cpus":         func(n int) int { return n },
	"=min(cpus,4)":  func(n int) int { return min(n, 4) },
	"=min(32,cpus)": func(n int) int { return min(32, n) },
	"=8+cpus":       func(n int) int { return 8 + n },
	"=16+2*cpus":    func(n int) int { return 16 + 2*n },
	"=2*cpus":       func(n int) int { return 2 * n },
	"=4*cpus":       func(n int) int { return 4 * n },
	"=max(8+2*cpus,4*sendMessageThreadPoolNums)": func(n int) int {
		return max(8+2*n, 4*min(n, 4)) // of the default, whatever the setting
	},
}

// standardOf is the text of a key's default on a machine; ok is false for null.
func (m *Machine) standardOf(k *Key) (text string, ok bool) {
	if k.null {
		return "", false
	}
	if strings.HasPrefix(k.standard, "=") {
		return strconv.Itoa(computed[k.standard](m.CPUs)), true
	}
	name, rest, found := strings.Cut(strings.TrimPrefix(k.standard, "${"), "}")
	if !found || !strings.HasPrefix(k.standard, "${") {
		return k.standard, true
	}
	switch name {
	case "user.home":
		return filepath.Join(m.UserHome, rest), true
	case "local ip":
		return m.IP.String(), true
	case "broker name":
		return m.hostname("DEFAULT_BROKER"), true
	case "proxy name":
		return m.hostname("DEFAULT_PROXY"), true
	case "proxy home":
		home, ok := m.Env["RMQ_PROXY_HOME"]
		if !ok {
			home = m.Env["ROCKETMQ_HOME"]
		}
		return filepath.Join(home, rest), true
	case "namesrv":
		text, ok = m.Env["NAMESRV_ADDR"]
		return text, ok
	}
	text, ok = m.Env["ROCKETMQ_HOME"] // "home"
	return text, ok
}

func (m *Machine) hostname(unknown string) string {
	if m.Hostname == "" {
		return unknown
	}
	return m.Hostname
}

// bloomBits is the size of a consume queue's bit map for consumers with
// expressions, which upstream computes at start from the number of consumers and
// the rate of errors, in percent.
func bloomBits(consumers, errorPercent int) int {
	if consumers < 1 || errorPercent < 1 || errorPercent >= 100 {
		return 0
	}
	bits := math.Ceil(float64(consumers) * math.Log2(100/float64(errorPercent)) * math.Log2E)
	return int(math.Ceil(bits/8)) * 8
}
