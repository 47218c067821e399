package gateway

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
)

// accessLog writes one line per exchange. Exchanges leave their lines in
// memory, spread so that cores do not queue for one lock; one goroutine writes
// them out. A writer that does not keep up loses lines, which are counted, and
// never holds up a request.
type accessLog struct {
	out   io.Writer
	log   *zap.Logger
	lanes [counters]lane
	wake  chan struct{} // holds one: there are lines
	quit  chan struct{} // nil until start
	done  chan struct{}

	dropped, failures *metrics.Counter
	lost              atomic.Uint64 // lines since the last report
	moved             atomic.Uint64 // pieces handed to out

	// The rest is the writing goroutine's.
	spare []byte
	torn  bool // out has the beginning of a line without its end
	err   error
}

type lane struct {
	mu      sync.Mutex
	lines   []byte
	scratch scratch
	_       [48]byte // not in one cache line with the next
}

const (
	laneSize  = 1 << 20               // bytes of lines that may wait in a lane
	keepSize  = 64 << 10              // a larger buffer is not kept
	pieceSize = 64 << 10              // is written at once
	gather    = 20 * time.Millisecond // lines of that time are written together

	reportEvery = 10 * time.Second // losses of that time are reported together
	lastWait    = time.Second      // a writer that takes nothing for so long at the end gets no more
	lastTotal   = 10 * time.Second // nor one that is not done by then
)

func newAccessLog(out io.Writer, log *zap.Logger, m *metrics.Instruments) *accessLog {
	return &accessLog{out: out, log: log, wake: make(chan struct{}, 1), dropped: m.AccessLogDropped(), failures: m.AccessLogErrors()}
}

// write leaves the line of an exchange.
func (l *accessLog) write(x *exchange.Exchange, e exchange.End, f *lineFormat) {
	lane := &l.lanes[x.Shard%counters]
	lane.mu.Lock()
	full := len(lane.lines) >= laneSize
	if !full {
		lane.lines = f.append(lane.lines, x, e, &lane.scratch)
	}
	lane.mu.Unlock()
	if full {
		l.lose(1)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *accessLog) lose(lines int) {
	l.lost.Add(uint64(lines))
	l.dropped.Add(lines)
}

// start begins to write.
func (l *accessLog) start() {
	l.quit, l.done = make(chan struct{}), make(chan struct{})
	go l.run(l.quit)
}

// stop writes what is left and ends. A writer that is stuck holds it up for
// lastWait. It may be called without start.
func (l *accessLog) stop() {
	if l.quit == nil {
		return
	}
	close(l.quit)
	l.quit = nil
	tick := time.NewTicker(lastWait)
	defer tick.Stop()
	for end := time.Now().Add(lastTotal); time.Now().Before(end); {
		before := l.moved.Load()
		select {
		case <-l.done:
			return
		case <-tick.C:
		}
		if l.moved.Load() == before {
			break
		}
	}
	l.log.Warn("the access log takes no lines, the last ones are lost")
}

func (l *accessLog) run(quit <-chan struct{}) {
	defer close(l.done)
	var due <-chan time.Time // of the next report; nil while there is none to make
	var reported time.Time
	for {
		select {
		case <-quit:
			l.flush()
			l.report()
			return
		case <-due:
			l.report()
			due, reported = nil, time.Now()
		case <-l.wake:
			select { // some lines come together
			case <-quit:
			case <-time.After(gather):
			}
			l.flush()
		}
		if due == nil && l.lost.Load() > 0 {
			due = time.After(time.Until(reported.Add(reportEvery)))
		}
	}
}

// report tells the operator of lost lines.
func (l *accessLog) report() {
	lines := l.lost.Swap(0)
	if lines == 0 {
		return
	}
	l.log.Warn("access log lines dropped", zap.Uint64("lines", lines), zap.Error(l.err))
	l.err = nil
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
		l.writeLines(lines)
	}
}

// writeLines writes whole lines, in pieces so that stop sees them move.
func (l *accessLog) writeLines(lines []byte) {
	for len(lines) > 0 {
		piece := lines
		if len(piece) > pieceSize {
			end := bytes.LastIndexByte(piece[:pieceSize], '\n') + 1
			if end == 0 {
				end = bytes.IndexByte(piece, '\n') + 1
			}
			piece = piece[:end]
		}
		n, err := l.writePiece(piece)
		l.moved.Add(1)
		if err != nil {
			l.err = err
			l.failures.Inc()
			l.lose(bytes.Count(lines[n:], []byte{'\n'}))
			return
		}
		lines = lines[len(piece):]
	}
}

// writePiece writes whole lines, after ending one that was cut short by an
// error, so that it spoils no other.
func (l *accessLog) writePiece(piece []byte) (n int, err error) {
	if l.torn {
		if _, err := l.out.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		l.torn = false
	}
	n, err = l.out.Write(piece)
	l.torn = n > 0 && piece[n-1] != '\n'
	return n, err
}
