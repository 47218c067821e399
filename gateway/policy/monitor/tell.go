package monitor

import (
	"cmp"
	"strconv"

	"go.uber.org/zap"

	"postern/gateway/destination"
	"postern/gateway/event"
)

// report tells destinations the figures of an interval.
func (m *Monitor) report(s figure) {
	if len(m.site.Report) > 0 {
		m.add(m.site.Report, event.PerformanceMetrics, s)
	}
}

// alert tells that the rules hold.
func (m *Monitor) alert(s figure) {
	if m.site.Tell != nil {
		m.site.Tell(m.message, zap.String("api", m.site.API.FullName()), zap.String("application", s.of.name),
			zap.Int64("total", s.total()), zap.Int64("faults", s.fault), zap.Duration("average", s.average()), zap.Duration("maximum", s.max))
	}
	m.add(m.site.Alert, event.Monitor, s)
}

func (m *Monitor) add(to []*destination.Destination, kind event.Kind, s figure) {
	if len(to) == 0 {
		return
	}
	api := m.site.API
	b := event.Begin(nil, kind, s.end, m.site.Node)
	b = event.Text(b, "apiId", api.FullName())
	b = event.Text(b, "apiName", api.Name)
	b = event.Text(b, "apiVersion", api.Version)
	if m.by != nil {
		b = event.Text(b, "applicationId", cmp.Or(s.of.id, "Unknown"))
		b = event.Text(b, "applicationName", cmp.Or(s.of.name, "Unknown"))
	}
	if kind == event.Monitor {
		b = event.Text(b, "alertSource", api.Name+"("+api.Version+")")
		b = event.Text(b, "alertType", "Monitor")
		b = event.Text(b, "alertDesc", m.message)
	}
	b = event.Raw(b, "availability", strconv.FormatFloat(s.availability(), 'f', -1, 64))
	b = event.Millis(b, "avgResponseTime", s.average())
	b = event.Millis(b, "minResponseTime", s.min)
	b = event.Millis(b, "maxResponseTime", s.max)
	b = event.Int(b, "successCount", s.success)
	b = event.Int(b, "faultCount", s.fault)
	b = event.Int(b, "totalCount", s.total())
	b = event.Int(b, "intervalStart", m.begun.UnixMilli())
	b = event.End(event.Int(b, "intervalStop", s.end.UnixMilli()))
	for _, d := range to {
		if d.Takes(kind) {
			d.Add(b, 0)
		}
	}
}
