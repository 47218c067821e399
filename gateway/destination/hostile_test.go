package destination_test

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/gateway/destination"
	"postern/provisioning/config"
)

func says(text string) func(http.ResponseWriter, []string) {
	return func(w http.ResponseWriter, _ []string) { _, _ = io.WriteString(w, text) }
}

// TestSinkThatDoesNotSay: nothing was sent that the sink does not say it has taken.
func TestSinkThatDoesNotSay(t *testing.T) {
	for _, text := range []string{`{"errors":true}`, `{"errors":true,"items":null}`, `{}`, `null`, `{"message":"welcome"}`} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := newSink(t, says(text), says(text), says(text), says(text))
			o, counts, _ := options(1 << 20)
			d, err := destination.NewBulk(o, config.Elasticsearch{URL: s.URL, Index: "events", APIKey: config.NewSecret("k"), Batch: 3, Flush: config.Duration(time.Millisecond), Timeout: config.Duration(patience), Retries: 0})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				d.Add(line(i), 0)
			}
			d.Start()
			end(t, d, patience)
			if counts.Sent.Get() != 0 || counts.Dropped.Get() != 3 {
				t.Errorf("%d sent, %d dropped, want 0 and 3", counts.Sent.Get(), counts.Dropped.Get())
			}
		})
	}
}

// TestSinkThatTalks: an answer costs no memory out of proportion to what was sent.
func TestSinkThatTalks(t *testing.T) {
	for _, piece := range []string{`{}`, `{"a":{}}`, `{"create":{"status":503}}`} {
		text := `{"errors":true,"items":[` + strings.TrimSuffix(strings.Repeat(piece+",", (15<<20)/(len(piece)+1)), ",") + `]}`
		s := newSink(t, says(text))
		o, _, _ := options(1 << 20)
		d, err := destination.NewBulk(o, config.Elasticsearch{URL: s.URL, Index: "events", APIKey: config.NewSecret("k"), Batch: 3, Flush: config.Duration(time.Millisecond), Timeout: config.Duration(patience), Retries: 0})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		peak := uint64(0)
		quit := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-quit:
					return
				case <-tick.C:
					runtime.ReadMemStats(&after)
					peak = max(peak, after.HeapAlloc)
				}
			}
		})
		d.Add(line(0), 0)
		d.Start()
		end(t, d, patience)
		close(quit)
		wg.Wait()
		if grown := int64(peak-before.HeapAlloc) >> 20; grown > 32 {
			t.Errorf("%s: the heap grew by %d MB", piece, grown)
		}
	}
}
