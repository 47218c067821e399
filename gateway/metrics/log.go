package metrics

// AccessLogDropped counts the access log's lines that nobody could be given:
// the writer did not keep up, or failed.
func (i *Instruments) AccessLogDropped() *Counter {
	return i.set.GetOrCreateCounter("postern_access_log_dropped_total")
}

// AccessLogErrors counts the writes of access log lines that failed.
func (i *Instruments) AccessLogErrors() *Counter {
	return i.set.GetOrCreateCounter("postern_access_log_write_errors_total")
}
