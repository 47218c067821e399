package gateway

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkOverload has three times as many requests come as a service can do,
// over loopback, and tells how long those took that were let in, against how
// long they take with little to do. Once is enough: -benchtime 1x.
func BenchmarkOverload(b *testing.B) {
	for policy, section := range map[string]string{"adaptive": "{adaptive: true}", "max": "{max: 16}"} {
		b.Run(policy, func(b *testing.B) {
			s := newBusyService(16)
			defer s.Close()
			d := deploy(b, b.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {access: false}
apis:
- {name: busy, upstream: {targets: [{url: %q}]}, policies: {identify: none, concurrency: %s}}
`, s.URL, section))
			for b.Loop() {
				calm := offer(d, 0.3*s.capacity, 5*time.Second)
				busy := offer(d, 3*s.capacity, 15*time.Second)
				p99, without := busy.quantile(0.99), calm.quantile(0.99)
				b.ReportMetric(without.Seconds()*1000, "calm-p99-ms")
				b.ReportMetric(p99.Seconds()*1000, "busy-p99-ms")
				b.ReportMetric(float64(p99)/float64(without), "busy/calm")
				b.ReportMetric(busy.rate(len(busy.took))/s.capacity, "answered/capacity")
				b.ReportMetric(busy.rate(busy.refused), "refused/s")
			}
		})
	}
}

// busyService works on some requests at once, each for 15 to 25 ms, and lets the
// others wait.
type busyService struct {
	*httptest.Server
	capacity float64 // requests a second
}

func newBusyService(workers int) *busyService {
	places := make(chan struct{}, workers)
	return &busyService{httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		places <- struct{}{}
		pause(15*time.Millisecond + time.Duration(rand.Int64N(10e6)))
		<-places
		w.Header()["Date"] = nil
	})), float64(workers) / 0.0202}
}

// offered is what came of requests after the first third of a time.
type offered struct {
	mu      sync.Mutex
	took    []time.Duration // of those that were answered
	refused int
	lasted  time.Duration
}

func (o *offered) quantile(part float64) time.Duration {
	slices.Sort(o.took)
	return o.took[int(part*float64(len(o.took)-1))]
}

func (o *offered) rate(n int) float64 { return float64(n) / o.lasted.Seconds() }

// offer sends so many requests a second, whether they are answered or not, until
// the time is over.
func offer(d *deployment, rate float64, lasts time.Duration) *offered {
	o := &offered{lasted: lasts - lasts/3}
	free := make(chan *peer, 5000)
	var ended sync.WaitGroup
	begun := time.Now()
	for sent := 0.0; time.Since(begun) < lasts; sent++ {
		pause(time.Until(begun.Add(time.Duration(sent / rate * 1e9))))
		late := time.Since(begun) > lasts/3
		var p *peer
		select {
		case p = <-free:
		default:
			p = dial(d.t, d.http)
		}
		ended.Go(func() {
			from := time.Now()
			code := status(p.do(lines("GET /gateway/busy/x HTTP/1.1", "Host: h")))
			took := time.Since(from)
			free <- p
			if !late {
				return
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			if code == 200 {
				o.took = append(o.took, took)
			} else {
				o.refused++
			}
		})
	}
	ended.Wait()
	close(free)
	for p := range free {
		p.Close()
	}
	return o
}
