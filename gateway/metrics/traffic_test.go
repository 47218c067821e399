package metrics_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/metrics"
)

func TestTraffic(t *testing.T) {
	i := metrics.New(metrics.Sources{TokenCache: func() metrics.TokenCache {
		return metrics.TokenCache{Hits: 5, Misses: 2, Entries: 40, Bytes: 4096, Evictions: 1}
	}})
	a := i.API("orders/1.0")
	a.Done(200, 1, 2*time.Millisecond, 500*time.Microsecond)
	a.Done(502, 2, 31*time.Second, 30*time.Second)
	a.Done(401, 0, time.Millisecond, 0)
	a.Done(0, 0, 0, 0)
	i.Problem("invalid_token").Inc()
	i.Token("accepted").Add(3)
	i.Token("expired").Inc()
	traffic := i.Traffic()
	traffic.APIs = append(traffic.APIs, a.Traffic("orders/1.0"))
	got, err := json.Marshal(traffic)
	if err != nil {
		t.Fatal(err)
	}
	const le = `"le":[0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30],`
	const want = `{"apis":[{"name":"orders/1.0","requests":{"1xx":0,"2xx":1,"3xx":0,"4xx":1,"5xx":1,"none":1},"attempts":3,` +
		`"duration":{` + le + `"counts":[2,1,0,0,0,0,0,0,0,0,0,0,0,0,1],"sum":31.003},` +
		`"upstream":{` + le + `"counts":[1,0,0,0,0,0,0,0,0,0,0,0,0,1,0],"sum":30.0005}}],` +
		`"problems":{"invalid_token":1},"tokens":{"accepted":3,"expired":1},` +
		`"cache":{"hits":5,"misses":2,"entries":40,"bytes":4096,"evictions":1}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTrafficOfAnIdleGateway(t *testing.T) {
	got, err := json.Marshal(metrics.New(metrics.Sources{}).Traffic())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"apis":[],"problems":{},"tokens":{},"cache":{"hits":0,"misses":0,"entries":0,"bytes":0,"evictions":0}}`
	if string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestUpstreamDurations(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	a := i.API("orders/1.0")
	a.Done(200, 1, time.Second, 20*time.Millisecond)
	a.Done(401, 0, time.Second, 0) // never went upstream
	check(t, scrape(i, "postern_upstream_duration_seconds_sum", "postern_upstream_duration_seconds_count"),
		`postern_upstream_duration_seconds_sum{api="orders/1.0"} 0.02`,
		`postern_upstream_duration_seconds_count{api="orders/1.0"} 1`,
	)
}
