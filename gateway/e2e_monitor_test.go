package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// monitored is the YAML of an API that is watched.
func monitored(target, monitor, more string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
destinations: [{name: audit, file: {path: events.jsonl}}]
%s
applications:
- {name: shop, id: app-1, apis: [orders], identify: {api_keys: [shop-key]}}
- {name: batch, id: app-2, apis: [orders], identify: {api_keys: [batch-key]}}
apis:
- name: orders
  upstream: {targets: [{url: "http://%s"}]}
  policies:
    identify: {by: [api_key], api_key: {header: X-Gateway-APIKey}}
    throttle: [{requests: 3, per: 24h, by: application, alert: {message: too many, destinations: [audit]}}]
    monitor: [{%s}]
`, more, target, monitor)
}

// of are the events of a kind, under some keys.
func of(events []map[string]any, kind string, keys ...string) (all []string) {
	for _, e := range events {
		if e["eventType"] != kind {
			continue
		}
		var texts []string
		for _, key := range keys {
			texts = append(texts, fmt.Sprint(e[key]))
		}
		all = append(all, strings.Join(texts, " "))
	}
	return all
}

// TestMonitorSLA: each parameter of the templates monitorSLA and
// monitorServicePerformance changes what is told, in the words that stand for it
// here. What the metrics and operators mean is tested in policy/monitor.
func TestMonitorSLA(t *testing.T) {
	u := newTarget(t, always(ok))
	const rule = "interval: 1s, rules: [{metric: total_request_count, operator: gt, value: 0}], alert: {message: busy, destinations: [audit]}"
	for _, tt := range []struct {
		parameter, monitor string
		want               string // an alert; "": a line of the log
	}{
		{"monitorServicePerformance", rule, "busy orders() <nil>"},
		{"alertMessage", strings.Replace(rule, "busy", "slow", 1), "slow orders() <nil>"},
		{"consumerIds", rule + ", applications: [app-2]", "busy orders() batch"},
		{"consumerIds, each", rule + ", applications: each", "busy orders() shop"},
		{"monitorRuleName", strings.Replace(rule, "total_request_count", "success_count", 1), "busy orders() <nil>"},
		{"monitorRuleOperator and value", strings.Replace(rule, "total_request_count, operator: gt, value: 0", "fault_count, operator: lt, value: 1", 1), "busy orders() <nil>"},
		{"destination localLog, logLevel Warn", strings.Replace(rule, "destinations: [audit]", "level: warn, destinations: [log]", 1), ""},
	} {
		t.Run(tt.parameter, func(t *testing.T) {
			t.Parallel() // they wait, mostly
			text := strings.Replace(monitored(u.address, tt.monitor, ""), "requests: 3", "requests: 1000000", 1)
			d := deploy(t, t.TempDir(), text)
			eventually(t, "the alert", func() bool {
				for _, key := range []string{"shop-key", "batch-key", "wrong"} {
					d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Gateway-APIKey: "+key))
				}
				if tt.want == "" {
					return strings.Contains(d.log.String(), `{"level":"warn"`) && strings.Contains(d.log.String(), `"logger":"monitor","msg":"busy","api":"orders"`)
				}
				events, _ := d.events(1) // of the start
				return slices.Contains(of(events, "Monitor", "alertDesc", "alertSource", "applicationName"), tt.want)
			})
		})
	}
}

// What the gateway tells of itself, of a limit that is reached, and of an interval
// that a reload ends.
func TestEventsOfTheGateway(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), monitored(u.address, "interval: 1h, report: [audit], applications: each", ""))
	for range 5 {
		d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Gateway-APIKey: shop-key"))
	}
	d.events(2)
	// One reload leaves the monitor alone, the other changes it.
	d.applied(func() {
		d.write("postern.yaml", monitored(u.address, "interval: 1h, report: [audit], applications: each", "logging: {query: true}"))
	})
	d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Gateway-APIKey: batch-key"))
	d.applied(func() {
		d.write("postern.yaml", monitored(u.address, "interval: 2h, report: [audit], applications: [app-1]", ""))
	})
	events, text := d.events(5)
	if got, want := of(events, "Lifecycle", "gatewayStatus", "gatewayVersion"), []string{"STARTED v1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q: %s", got, want, text)
	}
	if got, want := of(events, "Monitor", "alertType", "alertDesc", "alertSource", "applicationName", "apiId"), []string{"Throttling too many rule-1 shop orders"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q: %s", got, want, text)
	}
	if got, want := of(events, "PerformanceMetrics", "applicationName", "totalCount"), []string{"shop 3", "batch 1", "Unknown 0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q: %s", got, want, text)
	}
	if strings.Contains(d.log.String(), "too many") {
		t.Error("the alert is in the log, too")
	}
}

// The last events are written before the process ends.
func TestLastEvents(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), monitored(u.address, "interval: 1h, report: [audit]", ""))
	d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Gateway-APIKey: shop-key"))
	if err := d.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	events, text := d.events(3)
	if got := of(events, "PerformanceMetrics", "totalCount"); !slices.Equal(got, []string{"1"}) || len(of(events, "Lifecycle", "gatewayStatus")) != 2 {
		t.Errorf("%s", text)
	}
}
