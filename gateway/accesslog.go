package gateway

import (
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/quote"
)

// accessLog writes one line of JSON per exchange. Exchanges leave their lines in
// memory, spread so that cores do not queue for one lock; one goroutine writes
// them out. A writer that does not keep up loses lines, which are counted, and
// never holds up a request.
type accessLog struct {
	out     io.Writer
	log     *zap.Logger
	lanes   [counters]lane
	dropped atomic.Uint64
	wake    chan struct{} // holds one: there are lines
	quit    chan struct{} // nil until start
	done    chan struct{}
	spare   []byte // the writer's own
}

type lane struct {
	mu    sync.Mutex
	lines []byte
	_     [32]byte // one cache line each
}

const (
	laneSize = 1 << 20               // bytes of lines that may wait in a lane
	keepSize = 64 << 10              // a larger buffer is not kept
	gather   = 20 * time.Millisecond // lines of that time are written at once
)

func newAccessLog(out io.Writer, log *zap.Logger) *accessLog {
	return &accessLog{out: out, log: log, wake: make(chan struct{}, 1)}
}

// start begins to write.
func (l *accessLog) start() {
	l.quit, l.done = make(chan struct{}), make(chan struct{})
	go l.run()
}

// stop writes what is left and ends. It may be called without start.
func (l *accessLog) stop() {
	if l.quit == nil {
		return
	}
	close(l.quit)
	<-l.done
	l.quit = nil
}

func (l *accessLog) run() {
	defer close(l.done)
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for {
		select {
		case <-l.quit:
			l.flush()
			return
		case <-l.wake:
		}
		timer.Reset(gather)
		select {
		case <-l.quit:
		case <-timer.C:
		}
		l.flush()
	}
}

// flush writes the lines of all lanes.
func (l *accessLog) flush() {
	for i := range l.lanes {
		lane := &l.lanes[i]
		lane.mu.Lock()
		lines := lane.lines
		lane.lines = l.spare[:0]
		lane.mu.Unlock()
		l.spare = lines
		if cap(lines) > keepSize {
			l.spare = nil
		}
		if len(lines) == 0 {
			continue
		}
		if _, err := l.out.Write(lines); err != nil {
			l.log.Warn("write access log", zap.Int("bytes", len(lines)), zap.Error(err))
		}
	}
	if n := l.dropped.Swap(0); n > 0 {
		l.log.Warn("access log lines dropped", zap.Uint64("lines", n))
	}
}

// write leaves the line of an exchange.
func (l *accessLog) write(x *exchange.Exchange, e exchange.End) {
	lane := &l.lanes[x.Shard%counters]
	lane.mu.Lock()
	full := len(lane.lines) >= laneSize
	if !full {
		lane.lines = appendLine(lane.lines, x, e)
	}
	lane.mu.Unlock()
	if full {
		l.dropped.Add(1)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// appendLine writes an exchange as JSON, always with the same keys. It knows no
// query and no field of the request but Host.
func appendLine(b []byte, x *exchange.Exchange, e exchange.End) []byte {
	b = x.Started.UTC().AppendFormat(append(b, `{"time":"`...), "2006-01-02T15:04:05.000Z")
	b = append(append(b, `","id":"`...), x.ID...)
	if x.Trace.Valid() {
		b = x.Trace.AppendID(append(b, `","trace_id":"`...))
	}
	b = append(b, `","client":"`...)
	if x.Address.IsValid() {
		b = x.Address.AppendTo(b)
	}
	b = append(b, '"')
	var method, host []byte
	if len(x.Path) > 0 { // otherwise the head was not understood
		method, host = x.HTTP.Request.Header.Method(), x.HTTP.Request.Header.Host()
	}
	b = quote.Append(append(b, `,"method":`...), method)
	b = quote.Append(append(b, `,"host":`...), host)
	b = quote.Append(append(b, `,"path":`...), x.Path)
	b = quote.Append(append(b, `,"api":`...), x.API)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(e.Status), 10)
	b = quote.Append(append(b, `,"code":`...), x.Problem)
	b = quote.Append(append(b, `,"reason":`...), x.Reason)
	b = quote.Append(append(b, `,"sub":`...), x.Caller.Subject)
	b = quote.Append(append(b, `,"upstream":`...), x.Upstream)
	b = strconv.AppendInt(append(b, `,"attempts":`...), int64(x.Attempts), 10)
	b = appendMilliseconds(append(b, `,"duration_ms":`...), e.Duration)
	b = appendMilliseconds(append(b, `,"upstream_ms":`...), x.UpstreamTime)
	b = strconv.AppendInt(append(b, `,"sent":`...), e.Sent, 10)
	b = strconv.AppendInt(append(b, `,"received":`...), e.Received, 10)
	failed := ""
	if e.Err != nil {
		failed = e.Err.Error()
	}
	b = quote.Append(append(b, `,"error":`...), failed)
	return append(b, '}', '\n')
}

// appendMilliseconds writes d with three decimals.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	us := max(d, 0).Microseconds()
	b = strconv.AppendInt(b, us/1000, 10)
	return append(b, '.', byte('0'+us/100%10), byte('0'+us/10%10), byte('0'+us%10))
}
