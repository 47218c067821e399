package metrics_test

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/metrics"
)

// scrape is the lines that begin with one of the prefixes.
func scrape(i *metrics.Instruments, prefixes ...string) []string {
	var b bytes.Buffer
	i.Write(&b)
	var found []string
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			found = append(found, line)
		}
	}
	return found
}

func check(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scrape (-want +got):\n%s", diff)
	}
}

func TestDoneCountsByStatusClass(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	a := i.API("orders/1.0")
	for _, status := range []int{200, 204, 101, 302, 404, 503, 504, 599, 0, 600, -7} {
		a.Done(status, 1, time.Millisecond, 0)
	}
	check(t, scrape(i, "postern_requests_total"),
		`postern_requests_total{api="orders/1.0",code="none"} 3`,
		`postern_requests_total{api="orders/1.0",code="1xx"} 1`,
		`postern_requests_total{api="orders/1.0",code="2xx"} 2`,
		`postern_requests_total{api="orders/1.0",code="3xx"} 1`,
		`postern_requests_total{api="orders/1.0",code="4xx"} 1`,
		`postern_requests_total{api="orders/1.0",code="5xx"} 3`,
	)
}

func TestDoneCountsAttempts(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	a := i.API("orders/1.0")
	a.Done(200, 2, 0, 0)
	a.Done(401, 0, 0, 0)
	a.Done(200, 1, 0, 0)
	a.Done(200, -1, 0, 0)
	check(t, scrape(i, "postern_upstream_attempts_total"), `postern_upstream_attempts_total{api="orders/1.0"} 3`)
}

func TestDurationBuckets(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	a := i.API("orders/1.0")
	for _, took := range []time.Duration{
		-time.Second, // counts as none
		time.Millisecond,
		time.Millisecond + 1,
		30 * time.Second,
		31 * time.Second,
	} {
		a.Done(200, 1, took, 0)
	}
	const name = "postern_request_duration_seconds"
	got := scrape(i, name)
	want := []string{}
	for _, bucket := range []string{
		`0.001"} 2`, `0.0025"} 3`, `0.005"} 3`, `0.01"} 3`, `0.025"} 3`, `0.05"} 3`, `0.1"} 3`, `0.25"} 3`, `0.5"} 3`,
		`1"} 3`, `2.5"} 3`, `5"} 3`, `10"} 3`, `30"} 4`, `+Inf"} 5`,
	} {
		want = append(want, name+`_bucket{api="orders/1.0",le="`+bucket)
	}
	want = append(want, name+`_sum{api="orders/1.0"} 61.002000001`, name+`_count{api="orders/1.0"} 5`)
	check(t, got, want...)
}

func TestSameNameSameInstruments(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	orders, internal := i.API("a/1"), i.Problem("internal")
	if i.API("a/1") != orders || i.API("a/2") == orders {
		t.Error("an API's instruments do not survive being asked for again")
	}
	if i.Problem("internal") != internal || i.Problem("not_found") == internal {
		t.Error("a problem's counter does not survive being asked for again")
	}
	if metrics.New(metrics.Sources{}).Problem("internal") == internal {
		t.Error("two gateways share a counter")
	}
}

func TestFamilies(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	i.Problem("not_found").Inc()
	i.Problem("internal").Inc()
	i.Problem("not_found").Inc()
	i.Token("accepted").Add(3)
	i.Token("expired").Inc()
	check(t, scrape(i, "postern_problems_total", "postern_tokens_total"),
		`postern_problems_total{code="internal"} 1`,
		`postern_problems_total{code="not_found"} 2`,
		`postern_tokens_total{outcome="accepted"} 3`,
		`postern_tokens_total{outcome="expired"} 1`,
	)
}

func TestFamiliesAreWholeAndTyped(t *testing.T) {
	i := metrics.New(metrics.Sources{InFlight: func() int64 { return 0 }})
	i.API("b/1").Done(200, 1, 0, 0)
	i.API("a/1").Done(200, 1, 0, 0)
	i.API("idle/1")
	i.Problem("internal").Inc()
	check(t, scrape(i, "# TYPE postern_", "postern_upstream_attempts_total"),
		"# TYPE postern_problems_total counter",
		"# TYPE postern_requests_total counter",
		"# TYPE postern_upstream_attempts_total counter",
		`postern_upstream_attempts_total{api="a/1"} 1`,
		`postern_upstream_attempts_total{api="b/1"} 1`,
		"# TYPE postern_upstream_retries_total counter",
		"# TYPE postern_upstream_connects_total counter",
		"# TYPE postern_upstream_connect_failures_total counter",
		"# TYPE postern_request_duration_seconds histogram",
		"# TYPE postern_upstream_duration_seconds histogram",
		"# TYPE postern_access_log_dropped_total counter",
		"# TYPE postern_access_log_write_errors_total counter",
		"# TYPE postern_trace_spans_dropped_total counter",
		"# TYPE postern_requests_in_flight gauge",
	)
}

func TestLabelsAreEscaped(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	i.API("a\"b\\c\nd/ü").Done(200, 1, 0, 0)
	check(t, scrape(i, "postern_upstream_attempts"), `postern_upstream_attempts_total{api="a\"b\\c\nd/ü"} 1`)
}

func TestRetain(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	kept, gone, none := i.API("kept/1"), i.API("gone/1"), i.API("")
	for _, a := range []*metrics.API{kept, gone, none} {
		a.Done(200, 1, 0, 0)
	}
	i.Retain(map[string]bool{"kept/1": true})
	gone.Done(200, 1, 0, 0) // the last request of an old generation
	check(t, scrape(i, "postern_upstream_attempts"),
		`postern_upstream_attempts_total{api=""} 1`,
		`postern_upstream_attempts_total{api="kept/1"} 1`,
	)
	if i.API("kept/1") != kept || i.API("gone/1") == gone {
		t.Error("Retain kept or forgot the wrong instruments")
	}
}

func TestSources(t *testing.T) {
	when := time.Unix(1_700_000_000, 5)
	reload := metrics.Reload{Success: true, LastSuccess: when, Hash: "abc", Generation: 2, Applied: 3, Refused: 1}
	i := metrics.New(metrics.Sources{
		InFlight:    func() int64 { return 7 },
		Connections: func() int64 { return 12 },
		TokenCache: func() metrics.TokenCache {
			return metrics.TokenCache{Hits: 5, Misses: 2, Entries: 40, Bytes: 123456789, Evictions: 9}
		},
		Reload: func() metrics.Reload { return reload },
	})
	check(t, scrape(i, "postern_requests", "postern_connections", "postern_token", "postern_config"),
		"postern_requests_in_flight 7",
		"postern_connections_open 12",
		"postern_token_cache_hits_total 5",
		"postern_token_cache_misses_total 2",
		"postern_token_cache_evictions_total 9",
		"postern_token_cache_entries 40",
		"postern_token_cache_bytes 123456789",
		"postern_config_last_reload_successful 1",
		"postern_config_last_reload_success_timestamp_seconds 1700000000",
		`postern_config_reloads_total{outcome="applied"} 3`,
		`postern_config_reloads_total{outcome="refused"} 1`,
		"postern_config_generation 2",
		`postern_config_info{hash="abc"} 1`,
	)

	reload = metrics.Reload{Refused: 1} // nothing has ever been applied
	check(t, scrape(i, "postern_config"),
		"postern_config_last_reload_successful 0",
		"postern_config_last_reload_success_timestamp_seconds 0",
		`postern_config_reloads_total{outcome="applied"} 0`,
		`postern_config_reloads_total{outcome="refused"} 1`,
		"postern_config_generation 0",
	)
}

func TestProcessMetrics(t *testing.T) {
	got := scrape(metrics.New(metrics.Sources{}), "go_goroutines ", "postern_")
	if len(got) != 4 || !strings.HasPrefix(got[3], "go_goroutines ") {
		t.Errorf("scrape of an idle gateway: %q; want go_goroutines and of ours only the log's and the spans'", got)
	}
}

func TestCountersAreExactUnderLoad(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	const workers, each = 4, 1000
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range each {
				i.API("a/1").Done(200, 1, 3*time.Millisecond, 0)
				i.Problem("internal").Inc()
			}
		})
	}
	for range 20 {
		scrape(i)
		i.Retain(map[string]bool{"a/1": true})
	}
	all.Wait()
	check(t, scrape(i, "postern_upstream_attempts", "postern_problems", "postern_request_duration_seconds_count"),
		`postern_problems_total{code="internal"} 4000`,
		`postern_upstream_attempts_total{api="a/1"} 4000`,
		`postern_request_duration_seconds_count{api="a/1"} 4000`,
	)
}

func TestKeySets(t *testing.T) {
	i := metrics.New(metrics.Sources{KeySets: func() []metrics.KeySet {
		return []metrics.KeySet{
			{
				AuthServer: "corp", Usable: true, Keys: 2, Skipped: 1, Fetched: time.Now().Add(-time.Hour),
				NextRefresh: time.UnixMilli(1_700_000_000_250), Fetches: 7, Failures: 3, UnknownKids: 4,
			},
			{AuthServer: "file", Usable: true, Keys: 1},
			{AuthServer: "down", Fetches: 1, Failures: 1},
		}
	}})
	check(t, scrape(i, "postern_key_set_usable", "postern_key_set_keys", "postern_key_set_skipped", "postern_key_set_next", "postern_key_set_f", "postern_key_set_unknown"),
		`postern_key_set_usable{auth_server="corp"} 1`,
		`postern_key_set_usable{auth_server="file"} 1`,
		`postern_key_set_usable{auth_server="down"} 0`,
		`postern_key_set_keys{auth_server="corp"} 2`,
		`postern_key_set_keys{auth_server="file"} 1`,
		`postern_key_set_keys{auth_server="down"} 0`,
		`postern_key_set_skipped_keys{auth_server="corp"} 1`,
		`postern_key_set_skipped_keys{auth_server="file"} 0`,
		`postern_key_set_skipped_keys{auth_server="down"} 0`,
		`postern_key_set_next_refresh_timestamp_seconds{auth_server="corp"} 1.70000000025e+09`,
		`postern_key_set_fetches_total{auth_server="corp"} 7`,
		`postern_key_set_fetches_total{auth_server="file"} 0`,
		`postern_key_set_fetches_total{auth_server="down"} 1`,
		`postern_key_set_failures_total{auth_server="corp"} 3`,
		`postern_key_set_failures_total{auth_server="file"} 0`,
		`postern_key_set_failures_total{auth_server="down"} 1`,
		`postern_key_set_unknown_kids_total{auth_server="corp"} 4`,
		`postern_key_set_unknown_kids_total{auth_server="file"} 0`,
		`postern_key_set_unknown_kids_total{auth_server="down"} 0`,
	)
	age := scrape(i, "postern_key_set_age_seconds")
	if len(age) != 1 || !strings.HasPrefix(age[0], `postern_key_set_age_seconds{auth_server="corp"} 36`) {
		t.Errorf("ages %q, want that of corp, an hour", age)
	}
}

func TestCertificates(t *testing.T) {
	i := metrics.New(metrics.Sources{Certificates: func() []metrics.Certificate {
		return []metrics.Certificate{{Use: "listener", File: "/etc/a.crt", Subject: `CN="a"`, Expires: time.Unix(1_800_000_000, 0)}}
	}})
	check(t, scrape(i, "postern_certificate"),
		`postern_certificate_expiry_timestamp_seconds{use="listener",file="/etc/a.crt",subject="CN=\"a\""} 1800000000`)
}

func TestUpstreams(t *testing.T) {
	i := metrics.New(metrics.Sources{Version: "1.2", Upstreams: func() map[string]metrics.Upstream {
		return map[string]metrics.Upstream{"a/1": {Open: 3, Idle: 1}, "idle/1": {}}
	}})
	a := i.API("a/1")
	a.Connected.Add(4)
	a.Unconnected.Inc()
	a.Done(200, 1, 0, 0)
	check(t, scrape(i, "postern_upstream_conn", "postern_build"),
		`postern_upstream_connects_total{api="a/1"} 4`,
		`postern_upstream_connect_failures_total{api="a/1"} 1`,
		`postern_upstream_connections_open{api="a/1"} 3`,
		`postern_upstream_connections_idle{api="a/1"} 1`,
		`postern_build_info{version="1.2"} 1`,
	)
}

// One that health checks ask may be away before any request comes.
func TestTargetsThatAreWatched(t *testing.T) {
	i := metrics.New(metrics.Sources{Upstreams: func() map[string]metrics.Upstream {
		return map[string]metrics.Upstream{
			"b/1": {Targets: []metrics.Target{{URL: "http://one", State: metrics.Healthy, Watched: true}}},
			"a/1": {Targets: []metrics.Target{{URL: "http://one", State: metrics.Unhealthy, Watched: true}}},
			"c/1": {Targets: []metrics.Target{{URL: "http://one", State: metrics.Healthy}}},
		}
	}})
	check(t, scrape(i, "postern_upstream_target_healthy"),
		`postern_upstream_target_healthy{api="a/1",target="http://one"} 0`,
		`postern_upstream_target_healthy{api="b/1",target="http://one"} 1`,
	)
}

func TestTargets(t *testing.T) {
	i := metrics.New(metrics.Sources{Upstreams: func() map[string]metrics.Upstream {
		return map[string]metrics.Upstream{
			"a/1": {Targets: []metrics.Target{
				{URL: "http://one", State: metrics.Healthy, Circuit: "half-open", Open: 3, Pending: 2, Attempts: 9, Failures: 1},
				{URL: `http://two/"`, State: metrics.Ejected, Circuit: "open", Ejections: 4},
				{URL: "http://three", State: metrics.Unhealthy},
			}},
			"idle/1": {Targets: []metrics.Target{{URL: "http://one"}}},
		}
	}})
	i.API("a/1").Done(200, 1, 0, 0)
	check(t, scrape(i, "postern_upstream_target_"),
		`postern_upstream_target_healthy{api="a/1",target="http://one"} 1`,
		`postern_upstream_target_healthy{api="a/1",target="http://two/\""} 1`,
		`postern_upstream_target_healthy{api="a/1",target="http://three"} 0`,
		`postern_upstream_target_ejected{api="a/1",target="http://one"} 0`,
		`postern_upstream_target_ejected{api="a/1",target="http://two/\""} 1`,
		`postern_upstream_target_ejected{api="a/1",target="http://three"} 0`,
		`postern_upstream_target_circuit_open{api="a/1",target="http://one"} 0`,
		`postern_upstream_target_circuit_open{api="a/1",target="http://two/\""} 1`,
		`postern_upstream_target_circuit_open{api="a/1",target="http://three"} 0`,
		`postern_upstream_target_connections_open{api="a/1",target="http://one"} 3`,
		`postern_upstream_target_connections_open{api="a/1",target="http://two/\""} 0`,
		`postern_upstream_target_connections_open{api="a/1",target="http://three"} 0`,
		`postern_upstream_target_pending{api="a/1",target="http://one"} 2`,
		`postern_upstream_target_pending{api="a/1",target="http://two/\""} 0`,
		`postern_upstream_target_pending{api="a/1",target="http://three"} 0`,
		`postern_upstream_target_attempts_total{api="a/1",target="http://one"} 9`,
		`postern_upstream_target_attempts_total{api="a/1",target="http://two/\""} 0`,
		`postern_upstream_target_attempts_total{api="a/1",target="http://three"} 0`,
		`postern_upstream_target_failures_total{api="a/1",target="http://one"} 1`,
		`postern_upstream_target_failures_total{api="a/1",target="http://two/\""} 0`,
		`postern_upstream_target_failures_total{api="a/1",target="http://three"} 0`,
		`postern_upstream_target_ejections_total{api="a/1",target="http://one"} 0`,
		`postern_upstream_target_ejections_total{api="a/1",target="http://two/\""} 4`,
		`postern_upstream_target_ejections_total{api="a/1",target="http://three"} 0`,
	)
}
