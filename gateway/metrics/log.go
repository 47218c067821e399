package metrics

// accessLog counts what became of the access log's lines.
type accessLog struct{ dropped, errors Counter }

// AccessLogDropped counts the access log's lines that nobody could be given:
// the writer did not keep up, or failed.
func (i *Instruments) AccessLogDropped() *Counter { return &i.log.dropped }

// AccessLogErrors counts the writes of access log lines that failed.
func (i *Instruments) AccessLogErrors() *Counter { return &i.log.errors }

func (l *accessLog) write(p *page) {
	p.one(family{"postern_access_log_dropped_total", "counter", "Lines of the access log that were lost."}, float64(l.dropped.Get()))
	p.one(family{"postern_access_log_write_errors_total", "counter", "Writes of the access log that failed."}, float64(l.errors.Get()))
}
