package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is a service manager's end of NOTIFY_SOCKET.
type manager struct {
	conn *net.UnixConn
	path string
}

func newManager(t *testing.T) manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "") // short enough for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return manager{conn, path}
}

// hear returns the next message that is not the watchdog's.
func (m manager) hear(t *testing.T) string {
	t.Helper()
	for {
		if message := m.next(t); message != "WATCHDOG=1" {
			return message
		}
	}
}

func (m manager) next(t *testing.T) string {
	t.Helper()
	buffer := make([]byte, 4096)
	_ = m.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := m.conn.Read(buffer)
	if err != nil {
		t.Fatalf("the process tells nothing more: %v", err)
	}
	return string(buffer[:n])
}

func monotonic(t *testing.T) (microseconds int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Skip("no monotonic clock of the system to compare with")
	}
	var seconds float64
	if _, err := fmt.Sscan(string(text), &seconds); err != nil {
		t.Fatal(err)
	}
	return int64(seconds * 1e6)
}

// reloading expects the message that begins a reload, at a time after since.
func (m manager) reloading(t *testing.T, since int64) {
	t.Helper()
	var at int64
	message := m.hear(t)
	if n, err := fmt.Sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%d", &at); n != 1 || at < since || at > since+60e6 {
		t.Fatalf("%q, want a reload that begins after %d: %v", message, since, err)
	}
}

func (m manager) expect(t *testing.T, want string) {
	t.Helper()
	if got := m.hear(t); got != want {
		t.Fatalf("told %q, want %q", got, want)
	}
}

// TestServiceManager: what systemd is told of a start, of reloads that succeed,
// fail and are asked for, and of the end.
func TestServiceManager(t *testing.T) {
	path := write(t, open)
	m := newManager(t)
	p := start(t, path, "NOTIFY_SOCKET="+m.path)
	m.expect(t, "READY=1\nSTATUS=Serving generation 1")
	if status, _ := get(t, p.traffic+"/gateway/orders/1/x"); status != http.StatusBadGateway {
		t.Errorf("status %d as soon as it is ready, want 502", status)
	}

	since := monotonic(t)
	p.signal(t, syscall.SIGHUP)
	m.reloading(t, since)
	m.expect(t, "READY=1\nSTATUS=Serving generation 2")

	if err := os.WriteFile(path, []byte("apis: {"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.reloading(t, since)
	m.expect(t, "READY=1\nSTATUS=Serving generation 2; the last configuration was refused, the log says why")

	p.signal(t, syscall.SIGTERM)
	m.expect(t, "STOPPING=1\nSTATUS=Letting requests finish")
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
}

// TestWatchdog: a process that is watched says that it is alive.
func TestWatchdog(t *testing.T) {
	m := newManager(t)
	p := start(t, write(t, open), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=100000")
	for beats := 0; beats < 3; {
		if m.next(t) == "WATCHDOG=1" {
			beats++
		}
	}
	p.signal(t, syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
}

// TestTimeZone: logs are in UTC, whatever TZ says and without a database of
// time zones.
func TestTimeZone(t *testing.T) {
	for _, zone := range []string{"Asia/Tokyo", "JST-9", "Nowhere/At/All", ":/etc/passwd"} {
		t.Run(zone, func(t *testing.T) {
			p := start(t, write(t, open), "TZ="+zone, "ZONEINFO=/nonexistent")
			get(t, p.traffic+"/gateway/orders/1/x")
			p.log.await(t, `"path":"/gateway/orders/1/x"`)
			for line := range strings.Lines(p.log.String()) {
				time := regexp.MustCompile(`"time":"([^"]+)"`).FindStringSubmatch(line)
				if time == nil || !strings.HasSuffix(time[1], "Z") {
					t.Errorf("not in UTC: %s", line)
				}
			}
			if _, status := get(t, p.admin+"/rest/microgateway/status"); regexp.MustCompile(`T\d\d:\d\d:\d\d[^"]*[+-]\d\d:\d\d"`).MatchString(status) {
				t.Errorf("the status is not in UTC: %s", status)
			}
			p.signal(t, syscall.SIGTERM)
			_ = p.Wait()
		})
	}
}

// TestMachine: what the process finds out about its machine, and that GOMEMLIMIT
// wins.
func TestMachine(t *testing.T) {
	p := start(t, write(t, open), "GOMEMLIMIT=123MiB")
	p.log.await(t, `"msg":"memory limit","from":"GOMEMLIMIT","limit":"123MiB"`)
	p = start(t, write(t, open), "NOTIFY_SOCKET=")
	p.log.await(t, `"msg":"(no )?memory limit"`)
}

// TestMemoryLimit: 0.9 of what the cgroup allows is the collector's.
func TestMemoryLimit(t *testing.T) {
	dir := limitedCgroup(t, "134217728")
	p := process{log: new(output), Cmd: exec.CommandContext(t.Context(), "sh", "-c",
		`echo $$ >"$2/cgroup.procs" && exec "$0" run -c "$1"`, os.Args[0], write(t, open), dir)}
	p.run(t)
	p.log.await(t, `"msg":"memory limit","from":"cgroup","bytes":120795955}`)
	p.signal(t, syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
}

// limitedCgroup makes one of its own, where the machine lets the test.
func limitedCgroup(t *testing.T, limit string) string {
	t.Helper()
	for parent, file := range map[string]string{"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"} {
		dir, err := os.MkdirTemp(parent, "postern-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			continue // writing would make a file of it, were this no cgroup
		}
		if os.WriteFile(filepath.Join(dir, file), []byte(limit), 0o600) == nil {
			return dir
		}
	}
	t.Skip("no cgroup can be made here")
	return ""
}

// TestManagerThatDoesNotListen: neither a reload nor the end waits for one.
func TestManagerThatDoesNotListen(t *testing.T) {
	m := newManager(t)
	m.fill(t)
	path := write(t, open)
	p := start(t, path, "NOTIFY_SOCKET="+m.path)
	p.signal(t, syscall.SIGHUP)
	p.log.await(t, `"configuration applied","generation":2`)
	p.signal(t, syscall.SIGTERM)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, p.log)
	}
}

// fill leaves no room for another message.
func (m manager) fill(t *testing.T) {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for err == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		_, err = conn.Write([]byte("X=1"))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
}

// TestDescriptors: a limit of open files that is too low is told; a soft limit
// alone is not one.
func TestDescriptors(t *testing.T) {
	for _, tt := range []struct {
		name, limits, connections string
		warned                    bool
	}{
		{name: "enough", limits: "ulimit -Sn 256; ulimit -Hn 1000", connections: "400"},
		{name: "too few", limits: "ulimit -Sn 256; ulimit -Hn 900", connections: "400", warned: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, open+"limits: {connections: "+tt.connections+"}\n")
			p := process{log: new(output), Cmd: exec.CommandContext(t.Context(), "sh", "-c", tt.limits+`; exec "$0" run -c "$1"`, os.Args[0], path)}
			p.run(t)
			p.signal(t, syscall.SIGTERM)
			_ = p.Wait() // so all has been looked at, and all of the log is there
			const told = `"msg":"fewer open files are allowed than limits.connections can need","limit":900,"connections":400,"needed":928}`
			if strings.Contains(p.log.String(), told) != tt.warned {
				t.Errorf("warned is not %t:\n%s", tt.warned, p.log)
			}
		})
	}
}
