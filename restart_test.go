package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// balancer is an nginx before copies of the gateway, and who tells it which of
// them are ready.
type balancer struct {
	dir, nginx string
	address    string
	copies     map[string]string // addresses: traffic by admin
	ready      []string          // as nginx was told last
}

// nginx fails no request over to another copy: what one of them does wrong shows.
const nginxConfig = `daemon off; pid DIR/pid; error_log DIR/error.log; worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  upstream gateways { keepalive 8; SERVERS }
  server {
    listen ADDRESS;
    location / {
      proxy_pass http://gateways; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_next_upstream off;
    }
  }
}
`

// configure writes nginx's configuration for the copies that are ready.
func (b *balancer) configure() error {
	servers := ""
	for _, address := range b.ready {
		servers += "server " + address + "; "
	}
	text := strings.NewReplacer("DIR", b.dir, "ADDRESS", b.address, "SERVERS", servers).Replace(nginxConfig)
	return os.WriteFile(filepath.Join(b.dir, "nginx.conf"), []byte(text), 0o600)
}

func (b *balancer) command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, b.nginx, append([]string{"-c", filepath.Join(b.dir, "nginx.conf"), "-e", filepath.Join(b.dir, "error.log")}, args...)...)
}

// look asks every copy whether it is ready, and tells nginx what has changed.
func (b *balancer) look(ctx context.Context) error {
	var ready []string
	for admin, traffic := range b.copies {
		if response, err := http.Get("http://" + admin + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == 200 {
				ready = append(ready, traffic)
			}
		}
	}
	if len(ready) == len(b.ready) || len(ready) == 0 {
		return nil // one copy is restarted at a time
	}
	b.ready = ready
	if err := b.configure(); err != nil {
		return err
	}
	if out, err := b.command(ctx, "-s", "reload").CombinedOutput(); err != nil {
		return fmt.Errorf("reload nginx: %w: %s", err, out)
	}
	return nil
}

// freeAddress is one that a process may take, and take again after its restart.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestRollingRestart restarts two copies behind nginx, twice each, under load.
// Every request is answered.
func TestRollingRestart(t *testing.T) {
	b := &balancer{dir: t.TempDir(), nginx: program(t, "nginx"), address: freeAddress(t), copies: map[string]string{}}
	u := http.Server{Handler: http.HandlerFunc(answersOK)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = u.Serve(l) }() // until Close
	defer u.Close()
	text := strings.Replace(open, "127.0.0.1:9", l.Addr().String(), 1) + "logging: {access: errors}\nshutdown: {delay: 1500ms, grace: 10s}\n"
	var files []string
	var running []process
	for range 2 {
		traffic, admin := freeAddress(t), freeAddress(t)
		b.copies[admin] = traffic
		b.ready = append(b.ready, traffic)
		files = append(files, write(t, strings.NewReplacer(`http: "127.0.0.1:0"`, fmt.Sprintf("http: %q", traffic), `listen: "127.0.0.1:0"`, fmt.Sprintf("listen: %q", admin)).Replace(text)))
		running = append(running, start(t, files[len(files)-1]))
	}
	if err := b.configure(); err != nil {
		t.Fatal(err)
	}
	stop := b.run(t)
	defer stop()
	answered, failed, halt := load(t, "http://"+b.address+orders)
	for range 2 {
		for i := range running {
			begun := answered.Load()
			running[i].signal(t, syscall.SIGTERM)
			if code := running[i].exit(t); code != 0 {
				t.Errorf("exit code %d\n%s", code, running[i].log)
			}
			running[i] = start(t, files[i])
			running[i].log.await(t, `"msg":"listening"`)
			until(t, "traffic at the copy", func() bool {
				_, metrics := get(t, running[i].admin+"/metrics")
				return strings.Contains(metrics, `postern_requests_total{api="orders/1",code="2xx"}`) && answered.Load() > begun+500
			})
		}
	}
	halt()
	t.Logf("%d answered, %d failed", answered.Load(), failed.Load())
	if failed.Load() > 0 || answered.Load() < 2000 {
		t.Errorf("%d of %d requests failed", failed.Load(), failed.Load()+answered.Load())
	}
}

// run starts nginx and keeps telling it who is ready; stop ends both.
func (b *balancer) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	server := b.command(ctx)
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) } // its workers end with it
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "nginx", func() bool {
		c, err := net.Dial("tcp", b.address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	var ended sync.WaitGroup
	looking, quit := context.WithCancel(ctx)
	ended.Go(func() {
		for looking.Err() == nil {
			if err := b.look(ctx); err != nil && looking.Err() == nil {
				t.Error(err)
			}
			select {
			case <-looking.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return func() {
		quit()
		ended.Wait()
		cancel()
		_ = server.Wait() // ended by a signal
	}
}

// load asks for url over and over, on a connection for each request: what nginx
// does to resting connections when it reloads is not judged here.
func load(t *testing.T, url string) (answered, failed *atomic.Int64, halt func()) {
	answered, failed = new(atomic.Int64), new(atomic.Int64)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	quit := make(chan struct{})
	var callers sync.WaitGroup
	once := func() string {
		response, err := client.Get(url)
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		if response.StatusCode != 200 {
			return response.Status
		}
		return ""
	}
	for range 3 {
		callers.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				fault := once()
				if fault == "" {
					answered.Add(1)
				} else if failed.Add(1) <= 5 {
					t.Error(fault)
				}
			}
		})
	}
	return answered, failed, func() { close(quit); callers.Wait() }
}

// program finds another program that a test needs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}
