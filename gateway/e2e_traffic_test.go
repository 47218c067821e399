package gateway

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/metrics"
)

// trafficNow is the status' own section.
func (d *deployment) trafficNow() metrics.Traffic {
	d.t.Helper()
	_, body := d.get("/rest/microgateway/status", "")
	var status struct{ Traffic metrics.Traffic }
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		d.t.Fatalf("%v: %s", err, body)
	}
	return status.Traffic
}

func sum(counts []uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// What callers were answered is counted where the status shows it.
func TestTrafficIsShown(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, everySecond(i.URL+"/keys")))
	token := key.sign(t, claims(i.URL, nil))
	wantStatus(t, d.do(ask(token)), 200)
	wantStatus(t, d.do(ask(token)), 200)
	wantStatus(t, d.do(ask(token+"x")), 401)
	wantStatus(t, d.do(lines("GET /elsewhere HTTP/1.1", "Host: h")), 404)
	var got metrics.Traffic
	eventually(t, "four requests are counted", func() bool {
		got = d.trafficNow()
		return len(got.APIs) == 2 && sum(got.APIs[0].Duration.Counts)+sum(got.APIs[1].Duration.Counts) == 4
	})
	api, none := got.APIs[0], got.APIs[1]
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"names", []string{api.Name, none.Name}, []string{"orders/1.0", ""}},
		{"requests", api.Requests, map[string]uint64{"none": 0, "1xx": 0, "2xx": 2, "3xx": 0, "4xx": 1, "5xx": 0}},
		{"requests of no API", none.Requests, map[string]uint64{"none": 0, "1xx": 0, "2xx": 0, "3xx": 0, "4xx": 1, "5xx": 0}},
		{"attempts", []uint64{api.Attempts, none.Attempts}, []uint64{2, 0}},
		{"upstream", []uint64{sum(api.Upstream.Counts), sum(none.Upstream.Counts)}, []uint64{2, 0}},
		{"buckets", len(api.Upstream.Counts), len(api.Upstream.LE) + 1},
		{"problems", got.Problems, map[string]uint64{"invalid_token": 1, "not_found": 1}},
		{"tokens accepted", got.Tokens["accepted"], uint64(2)},
		{"cache", []uint64{got.Cache.Hits, uint64(got.Cache.Entries)}, []uint64{1, 1}},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if !(api.Upstream.Sum > 0 && api.Duration.Sum >= api.Upstream.Sum) {
		t.Errorf("the upstream took %v of %v seconds", api.Upstream.Sum, api.Duration.Sum)
	}
	if !slices.IsSorted(api.Duration.LE) {
		t.Errorf("bounds %v", api.Duration.LE)
	}
}
