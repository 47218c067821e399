package destination_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/destination"
	"postern/gateway/event"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*http2clientConnReadLoop).run"))
}

func options(queue int64) (destination.Options, *metrics.Events, *observer.ObservedLogs) {
	core, logs := observer.New(zap.InfoLevel)
	o := destination.Options{Name: "test", Queue: queue, Counts: new(metrics.Events), Log: zap.New(core)}
	for k := range o.Kinds {
		o.Kinds[k] = true
	}
	return o, o.Counts, logs
}

func end(t *testing.T, d *destination.Destination, within time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	d.Stop(ctx)
}

func line(i int) []byte { return fmt.Appendf(nil, "{\"n\":%d}\n", i) }

const patience = 20 * time.Second

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestFileRotates(t *testing.T) {
	o, counts, _ := options(1 << 20)
	path := filepath.Join(t.TempDir(), "events")
	d := destination.NewFile(o, config.EventFile{Path: config.Folder(path), MaxSize: 20, MaxFiles: 3})
	d.Start()
	for i := range 10 {
		d.Add(line(i), 0)
		eventually(t, "it is written", func() bool { return d.Held() == 0 })
	}
	end(t, d, patience)
	for name, want := range map[string]string{path: "{\"n\":8}\n{\"n\":9}\n", path + ".1": "{\"n\":6}\n{\"n\":7}\n", path + ".2": "{\"n\":4}\n{\"n\":5}\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(path + ".3"); err == nil {
		t.Error("there are more files than may be")
	}
	if counts.Sent.Get() != 10 {
		t.Errorf("%d sent", counts.Sent.Get())
	}
}

// A file that somebody moves away is begun anew, as log rotation outside does it.
func TestFileThatMoves(t *testing.T) {
	o, _, _ := options(1 << 20)
	path := filepath.Join(t.TempDir(), "events")
	d := destination.NewFile(o, config.EventFile{Path: config.Folder(path), MaxSize: 1 << 20, MaxFiles: 3})
	d.Start()
	d.Add(line(1), 0)
	eventually(t, "it is written", func() bool { return d.Held() == 0 })
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	d.Add(line(2), 0)
	end(t, d, patience)
	if got, err := os.ReadFile(path); err != nil || string(got) != "{\"n\":2}\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestQueueIsBounded(t *testing.T) {
	o, counts, _ := options(20)
	path := filepath.Join(t.TempDir(), "events")
	d := destination.NewFile(o, config.EventFile{Path: config.Folder(path), MaxSize: 1 << 20, MaxFiles: 3})
	for i := range 5 {
		d.Add(line(i), uint32(i))
	}
	if got := counts.Dropped.Get(); got != 3 || d.Held() != 16 {
		t.Errorf("%d dropped, %d bytes wait", got, d.Held())
	}
	d.Start()
	end(t, d, patience)
	if got, err := os.ReadFile(path); err != nil || string(got) != "{\"n\":0}\n{\"n\":1}\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// A full disk, or a folder that is not there, loses nothing at once.
func TestFileComesBack(t *testing.T) {
	o, counts, logs := options(1 << 20)
	folder := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(folder, "events")
	d := destination.NewFile(o, config.EventFile{Path: config.Folder(path), MaxSize: 1 << 20, MaxFiles: 3})
	d.Start()
	d.Add(line(1), 0)
	eventually(t, "it is tried", func() bool { return counts.Retried.Get() > 0 })
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is written", func() bool { return counts.Sent.Get() == 1 })
	end(t, d, patience)
	if got := logs.FilterMessage("events not written").Len(); got != 1 || logs.FilterMessage("events are written again").Len() != 1 {
		t.Errorf("%v", logs.All())
	}
}

// sink speaks the bulk protocol. Each request is answered by the next script, and
// those after the last by taking everything.
type sink struct {
	*httptest.Server
	mu      sync.Mutex
	scripts []func(w http.ResponseWriter, documents []string)
	taken   map[string]string // by _id
	batches []int
	heads   []http.Header
	paths   []string
}

func newSink(t *testing.T, scripts ...func(w http.ResponseWriter, documents []string)) *sink {
	s := &sink{scripts: scripts, taken: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	text := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heads, s.paths = append(s.heads, r.Header), append(s.paths, r.URL.Path)
	var ids, documents []string
	for i := 0; i+1 < len(text); i += 2 {
		var action struct {
			Create struct {
				ID string `json:"_id"`
			} `json:"create"`
		}
		if json.Unmarshal([]byte(text[i]), &action) != nil || action.Create.ID == "" {
			http.Error(w, "not an action", http.StatusBadRequest)
			return
		}
		ids, documents = append(ids, action.Create.ID), append(documents, text[i+1])
	}
	s.batches = append(s.batches, len(documents))
	if len(s.scripts) > 0 {
		script := s.scripts[0]
		s.scripts = s.scripts[1:]
		script(w, documents)
		if script != nil && w.Header().Get("X-Taken") == "" {
			return
		}
	}
	conflict := false
	var items []string
	for i, id := range ids {
		status := 201
		if _, there := s.taken[id]; there {
			status, conflict = 409, true
		} else {
			s.taken[id] = documents[i]
		}
		items = append(items, fmt.Sprintf(`{"create":{"status":%d}}`, status))
	}
	if w.Header().Get("X-Taken") == "lost" {
		return // the answer is cut
	}
	fmt.Fprintf(w, `{"errors":%t,"items":[%s]}`, conflict, strings.Join(items, ","))
}

// documents are what was taken, in order.
func (s *sink) documents() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, document := range s.taken {
		all = append(all, document)
	}
	slices.Sort(all)
	return all
}

func status(code int, header ...string) func(http.ResponseWriter, []string) {
	return func(w http.ResponseWriter, _ []string) {
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(code)
	}
}

// takenButUnanswered has taken the batch, and its answer gets lost.
func takenButUnanswered(w http.ResponseWriter, _ []string) { w.Header().Set("X-Taken", "lost") }

// partly answers with statuses.
func partly(statuses ...int) func(http.ResponseWriter, []string) {
	return func(w http.ResponseWriter, _ []string) {
		var items []string
		for _, status := range statuses {
			items = append(items, fmt.Sprintf(`{"create":{"status":%d,"error":{"type":"mapper_parsing_exception"}}}`, status))
		}
		fmt.Fprintf(w, `{"errors":true,"items":[%s]}`, strings.Join(items, ","))
	}
}

func TestBulk(t *testing.T) {
	for _, tt := range []struct {
		name                            string
		scripts                         []func(http.ResponseWriter, []string)
		want                            []string
		sent, refused, dropped, retried uint64
	}{
		{"all is well", nil, []string{`{"n":0}`, `{"n":1}`, `{"n":2}`}, 3, 0, 0, 0},
		{"it is away for a while", []func(http.ResponseWriter, []string){status(503), status(502)}, []string{`{"n":0}`, `{"n":1}`, `{"n":2}`}, 3, 0, 0, 6},
		{"it asks to wait", []func(http.ResponseWriter, []string){status(429, "Retry-After", "1")}, []string{`{"n":0}`, `{"n":1}`, `{"n":2}`}, 3, 0, 0, 3},
		{"it does not know who asks, yet", []func(http.ResponseWriter, []string){status(401)}, []string{`{"n":0}`, `{"n":1}`, `{"n":2}`}, 3, 0, 0, 3},
		{"the answer got lost", []func(http.ResponseWriter, []string){takenButUnanswered}, []string{`{"n":0}`, `{"n":1}`, `{"n":2}`}, 3, 0, 0, 3},
		{"one of them is refused", []func(http.ResponseWriter, []string){partly(400, 429, 503)}, []string{`{"n":1}`, `{"n":2}`}, 2, 1, 0, 2},
		{"an answer without some of them", []func(http.ResponseWriter, []string){partly(400)}, []string{`{"n":1}`, `{"n":2}`}, 2, 1, 0, 2},
		{"all are refused", []func(http.ResponseWriter, []string){status(400)}, nil, 0, 3, 0, 0},
		{"it stays away", []func(http.ResponseWriter, []string){status(500), status(500), status(500), status(500)}, nil, 0, 0, 3, 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they wait, mostly
			s := newSink(t, tt.scripts...)
			o, counts, logs := options(1 << 20)
			d, err := destination.NewBulk(o, config.Elasticsearch{
				URL: s.URL + "/base", Index: "events", User: "postern", Password: config.NewSecret("s3cr3t"),
				Batch: 3, Flush: config.Duration(time.Hour), Timeout: config.Duration(patience), Retries: 3,
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				d.Add(line(i), 0)
			}
			d.Start()
			go end(t, d, patience) // what waits is sent, whatever flush says
			eventually(t, "all are done with", func() bool { return d.Held() == 0 })
			end(t, d, patience)
			if got := s.documents(); !slices.Equal(got, tt.want) {
				t.Errorf("documents %v, want %v", got, tt.want)
			}
			if counts.Sent.Get() != tt.sent || counts.Refused.Get() != tt.refused || counts.Dropped.Get() != tt.dropped || counts.Retried.Get() != tt.retried {
				t.Errorf("%d sent, %d refused, %d dropped, %d retried", counts.Sent.Get(), counts.Refused.Get(), counts.Dropped.Get(), counts.Retried.Get())
			}
			var told int64
			for _, l := range logs.All() {
				told += l.ContextMap()["lost"].(int64)
			}
			if told != int64(tt.refused+tt.dropped) {
				t.Errorf("the log tells of %d lost events: %v", told, logs.All())
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if user, password, _ := (&http.Request{Header: s.heads[0]}).BasicAuth(); user != "postern" || password != "s3cr3t" || s.paths[0] != "/base/events/_bulk" {
				t.Errorf("asked %q with %v", s.paths[0], s.heads[0])
			}
		})
	}
}

// A sink that hangs holds up nobody, and the end only as long as it may.
func TestBulkThatHangs(t *testing.T) {
	hung := make(chan struct{})
	s := newSink(t, func(http.ResponseWriter, []string) { <-hung })
	o, counts, _ := options(100)
	d, err := destination.NewBulk(o, config.Elasticsearch{URL: s.URL, Index: "events", APIKey: config.NewSecret("k"), Batch: 2, Flush: config.Duration(time.Millisecond), Timeout: config.Duration(patience), Retries: 3})
	if err != nil {
		t.Fatal(err)
	}
	d.Start()
	for i := range 100 {
		d.Add(line(i), uint32(i))
	}
	if counts.Dropped.Get() == 0 {
		t.Error("nothing was dropped")
	}
	end(t, d, 50*time.Millisecond)
	close(hung)
	if counts.Dropped.Get() != 100 || d.Held() != 0 {
		t.Errorf("%d dropped, %d bytes wait", counts.Dropped.Get(), d.Held())
	}
}

func TestBatches(t *testing.T) {
	s := newSink(t)
	o, _, _ := options(1 << 20)
	d, err := destination.NewBulk(o, config.Elasticsearch{URL: s.URL, Index: "events", APIKey: config.NewSecret("k"), Batch: 4, Flush: config.Duration(time.Hour), Timeout: config.Duration(patience), Retries: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		d.Add(line(i), 0)
	}
	d.Start()
	end(t, d, patience)
	if !slices.Equal(s.batches, []int{4, 4, 2}) || s.heads[0].Get("Authorization") != "ApiKey k" {
		t.Errorf("batches %v, %v", s.batches, s.heads[0])
	}
	d.Start() // not any more
	end(t, d, patience)
}

func BenchmarkAdd(b *testing.B) {
	o, _, _ := options(1 << 30)
	d := destination.NewLog(o, zap.DebugLevel, zap.NewNop())
	d.Start()
	text := event.End(event.Begin(nil, event.Transactional, time.Now(), "node"))
	b.ReportAllocs()
	for b.Loop() {
		d.Add(text, 0)
	}
	d.Stop(context.Background())
}
