// Package metrics holds the instruments a gateway counts with, and writes them
// in Prometheus' text format. Instruments are resolved while a configuration is
// built and held by what uses them; counting is then a few atomic additions,
// without a map look-up, a lock or an allocation. What exists anyway, as gauges
// of other rooms, is asked for when a scrape comes: Sources.
//
// Label values come from configuration and from fixed tables, never from a
// request, so the number of series is bounded by the configuration.
package metrics
