package metrics

import (
	"io"

	vm "github.com/VictoriaMetrics/metrics"
)

// writeSources asks the sources and writes what they say.
func (i *Instruments) writeSources(w io.Writer) {
	if f := i.sources.InFlight; f != nil {
		vm.WriteGaugeFloat64(w, "postern_requests_in_flight", float64(f()))
	}
	if f := i.sources.Connections; f != nil {
		vm.WriteGaugeFloat64(w, "postern_connections_open", float64(f()))
	}
	if f := i.sources.TokenCache; f != nil {
		writeTokenCache(w, f())
	}
	if f := i.sources.Reload; f != nil {
		writeReload(w, f())
	}
}

func writeTokenCache(w io.Writer, c TokenCache) {
	vm.WriteCounterUint64(w, "postern_token_cache_hits_total", c.Hits)
	vm.WriteCounterUint64(w, "postern_token_cache_misses_total", c.Misses)
	vm.WriteGaugeFloat64(w, "postern_token_cache_entries", float64(c.Entries))
	vm.WriteGaugeFloat64(w, "postern_token_cache_bytes", float64(c.Bytes))
}

// writeReload uses the names that alerts for other programs already know.
func writeReload(w io.Writer, r Reload) {
	success, when := uint64(0), uint64(0)
	if r.Success {
		success = 1
	}
	if !r.LastSuccess.IsZero() {
		when = uint64(r.LastSuccess.Unix())
	}
	vm.WriteGaugeUint64(w, "postern_config_last_reload_successful", success)
	vm.WriteGaugeUint64(w, "postern_config_last_reload_success_timestamp_seconds", when)
	vm.WriteMetadataIfNeeded(w, "postern_config_reloads_total", "counter")
	lines := appendCount(nil, `postern_config_reloads_total{outcome="applied"}`, r.Applied)
	lines = appendCount(lines, `postern_config_reloads_total{outcome="refused"}`, r.Refused)
	_, _ = w.Write(lines)
	if r.Hash != "" {
		vm.WriteGaugeUint64(w, `postern_config_info{hash="`+escape(r.Hash)+`"}`, 1)
	}
}
