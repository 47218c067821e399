package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"postern/gateway/admin"
	"postern/provisioning"
)

// deployment is a gateway as a process runs it: from files that are watched,
// with real listeners, and with all it writes kept.
type deployment struct {
	*Gateway
	t           testing.TB
	dir, file   string // the mounted directory, and the YAML in it
	reloader    *provisioning.Reloader
	log, access *output
	http, https string // addresses
	admin       string
}

// output keeps what is written to it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) Sync() error { return nil }

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// deploy runs a gateway from text, which becomes postern.yaml in dir. The test
// may put other files into dir before, and change all of them later.
func deploy(t testing.TB, dir, text string, environ ...string) *deployment {
	t.Helper()
	d := &deployment{t: t, dir: dir, file: filepath.Join(dir, "postern.yaml"), log: new(output), access: new(output)}
	d.write("postern.yaml", text)
	d.start(environ...)
	return d
}

// mount writes postern.yaml as a mounted ConfigMap has it: a link to a link.
func mount(t testing.TB, dir, text string) *deployment {
	t.Helper()
	d := &deployment{t: t, dir: dir, file: filepath.Join(dir, "postern.yaml"), log: new(output), access: new(output)}
	d.swap(text)
	if err := os.Symlink("..data/postern.yaml", d.file); err != nil {
		t.Fatal(err)
	}
	d.start()
	return d
}

func (d *deployment) start(environ ...string) {
	d.t.Helper()
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), d.log, zap.DebugLevel))
	d.Gateway = New(log, Version("v1"), Reload(func() admin.Reload { return outcome(d.reloader.Last()) }))
	d.Gateway.access.out = d.access
	d.reloader = provisioning.NewReloader(provisioning.Sources{Paths: []string{d.file}, Environ: environ}, d.Apply, log)
	if err := d.reloader.First(); err != nil {
		d.t.Fatal(err)
	}
	if err := d.Listen(); err != nil {
		d.t.Fatal(err)
	}
	addresses := d.Addrs()
	d.admin = addresses.Admin.String()
	if addresses.HTTP != nil {
		d.http = addresses.HTTP.String()
	}
	if addresses.HTTPS != nil {
		d.https = addresses.HTTPS.String()
	}
	ctx, stop := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = d.reloader.Run(ctx) })
	ended.Go(func() {
		if err := d.Serve(context.Background()); err != nil {
			d.t.Errorf("serve: %v", err)
		}
	})
	d.t.Cleanup(func() {
		within, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = d.Shutdown(within) // Serve reports what was left
		stop()
		ended.Wait()
	})
}

// outcome is what an operator is shown of an attempt.
func outcome(o provisioning.Outcome) admin.Reload {
	r := admin.Reload{Success: o.Success, When: o.When, LastSuccess: o.LastSuccess, Since: o.Since, Generation: o.Generation, Applied: o.Applied, Refused: o.Refused}
	if o.LastErr != nil {
		r.LastFailure = &admin.Failure{When: o.LastFailed, Report: strings.Split(o.LastErr.Error(), "\n")}
	}
	if o.Err != nil {
		r.Report = strings.Split(o.Err.Error(), "\n")
	}
	return r
}

// write replaces a file of the deployment by renaming, as editors do.
func (d *deployment) write(name, text string) {
	d.t.Helper()
	put(d.t, filepath.Join(d.dir, name), text)
}

func put(t testing.TB, file, text string) {
	t.Helper()
	err := os.WriteFile(file+"~", []byte(text), 0o600)
	if err = errors.Join(err, os.Rename(file+"~", file)); err != nil {
		t.Fatal(err)
	}
}

// swap replaces what is mounted, as Kubernetes does: a new directory, to which
// the link ..data is turned in one step.
func (d *deployment) swap(text string) {
	d.t.Helper()
	old, _ := os.Readlink(filepath.Join(d.dir, "..data")) // none at first
	fresh, err := os.MkdirTemp(d.dir, "..2026_")
	if err != nil {
		d.t.Fatal(err)
	}
	put(d.t, filepath.Join(fresh, "postern.yaml"), text)
	link := filepath.Join(d.dir, "..data_tmp")
	err = errors.Join(os.Symlink(filepath.Base(fresh), link), os.Rename(link, filepath.Join(d.dir, "..data")))
	if err != nil {
		d.t.Fatal(err)
	}
	if old != "" {
		os.RemoveAll(filepath.Join(d.dir, old))
	}
}

// applied waits until change has been taken over.
func (d *deployment) applied(change func()) {
	d.t.Helper()
	before := d.reloader.Last().Applied
	change()
	eventually(d.t, "the change is applied", func() bool { return d.reloader.Last().Applied > before })
}

// refused waits until change has been refused.
func (d *deployment) refused(change func()) {
	d.t.Helper()
	before := d.reloader.Last().Refused
	change()
	eventually(d.t, "the change is refused", func() bool { return d.reloader.Last().Refused > before })
}

// do sends a raw request to the http listener on a connection of its own.
func (d *deployment) do(request string) string {
	d.t.Helper()
	p := dial(d.t, d.http)
	defer p.Close()
	return p.do(request)
}

// get reads a page of the admin listener; credentials are user:password.
func (d *deployment) get(path, credentials string) (code int, body string) {
	d.t.Helper()
	authorization := ""
	if credentials != "" {
		authorization = "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(credentials)) + "\r\n"
	}
	p := dial(d.t, d.admin)
	defer p.Close()
	answer := p.do("GET " + path + " HTTP/1.1\r\nHost: " + d.admin + "\r\n" + authorization + "\r\n")
	return status(answer), payload(answer)
}

// metric is the value of a series on /metrics; "" when it is not there.
func (d *deployment) metric(series string) string {
	d.t.Helper()
	_, text := d.get("/metrics", "")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// accessLine waits for the access line of the request with an id.
func (d *deployment) accessLine(id string) map[string]any {
	d.t.Helper()
	var found map[string]any
	eventually(d.t, "access line of "+id, func() bool {
		for line := range strings.Lines(d.access.String()) {
			if strings.HasSuffix(line, "\n") && strings.Contains(line, `"id":"`+id+`"`) {
				return json.Unmarshal([]byte(line), &found) == nil
			}
		}
		return false
	})
	return found
}

var (
	dateLine = regexp.MustCompile(`\r\nDate: [^\r]*`)
	idValue  = regexp.MustCompile(`[0-9a-f]{32}`)
)

// steady takes out of a raw answer what differs each time.
func steady(answer string) string {
	return idValue.ReplaceAllString(dateLine.ReplaceAllString(answer, ""), "ID")
}

// traffic sends request over and over on keep-alive connections, until stop;
// every answer must have the status want. stop returns how many there were.
func (d *deployment) traffic(callers, want int, request func() string) (stop func() int64) {
	d.t.Helper()
	var sent, wrong atomic.Int64
	var ended sync.WaitGroup
	quit := make(chan struct{})
	for range callers {
		p := dial(d.t, d.http)
		ended.Go(func() {
			defer p.Close()
			for {
				select {
				case <-quit:
					return
				default:
				}
				answer := p.do(request())
				sent.Add(1)
				if status(answer) == want {
					continue
				}
				if wrong.Add(1) <= 3 {
					d.t.Errorf("want %d, got %q", want, answer)
				}
				return
			}
		})
	}
	return sync.OnceValue(func() int64 {
		close(quit)
		ended.Wait()
		return sent.Load()
	})
}

// text is what postern.yaml holds.
func (d *deployment) text() string {
	d.t.Helper()
	text, err := os.ReadFile(d.file)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}
