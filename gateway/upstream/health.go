package upstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"postern/gateway/crash"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// checks are the questions that a target is asked beside its requests.
type checks struct {
	mu     sync.Mutex
	cfg    *config.Health
	cancel context.CancelFunc // nil: none run
}

// checker asks one target, as long as its context lives.
type checker struct {
	target    *target
	cfg       *config.Health
	log       *zap.Logger
	good, bad int // answers in a row
}

// watch begins to check the target, unless that is done already in the same way;
// a nil cfg ends it.
func (t *target) watch(cfg *config.Health, log *zap.Logger) {
	k := &t.checks
	k.mu.Lock()
	defer k.mu.Unlock()
	if reflect.DeepEqual(k.cfg, cfg) {
		return
	}
	if k.cancel != nil {
		k.cancel()
	}
	if k.cfg, k.cancel = cfg, nil; cfg == nil {
		t.health.unwell.Store(false) // nobody would find out that it is well again
		t.changes.Add(1)
		return
	}
	var ctx context.Context
	ctx, k.cancel = context.WithCancel(context.Background())
	c := &checker{target: t, cfg: cfg, log: log}
	go c.run(ctx)
}

func (k *checks) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cancel != nil {
		k.cancel()
	}
}

// run checks again and again, a little earlier or later each time, so that many
// gateways do not ask at once.
func (c *checker) run(ctx context.Context) {
	interval := c.cfg.Interval.Limit()
	for pause := rand.N(interval/10 + 1); ; pause = interval - interval/10 + rand.N(interval/5+1) {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := c.check(ctx); !c.noted(ctx, err) {
			return
		}
	}
}

// noted notes an answer unless the checks have ended: what is found out when
// they have would stay for good.
func (c *checker) noted(ctx context.Context, err error) bool {
	k := &c.target.checks
	k.mu.Lock()
	defer k.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	c.note(err, time.Now())
	return true
}

// check asks once. A panic counts as a bad answer.
func (c *checker) check(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while checking: %s", crash.Text(p))
		}
	}()
	limit := c.cfg.Timeout.Limit()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	raw, _, err := c.target.connect(ctx)
	if err != nil {
		return err
	}
	conn := wire.NewConn(raw)
	defer conn.Close()
	defer context.AfterFunc(ctx, conn.Stop)()
	c.target.readers.Give(conn)
	defer c.target.readers.Take(conn)
	conn.WriteLimit = limit
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: postern\r\nAccept: */*\r\nConnection: close\r\n\r\n", c.cfg.Path, c.target.host)
	if err != nil {
		return err
	}
	return c.read(conn)
}

// read reads the answer's head and judges it.
func (c *checker) read(conn *wire.Conn) error {
	for range maxInterim {
		text, err := wire.PeekHead(conn.R)
		if err != nil {
			return err
		}
		var head wire.Head
		answer, err := wire.ReadResponse(text, &head)
		if err != nil {
			return err
		}
		if answer.Status >= 200 {
			return c.judge(answer.Status)
		}
		_, _ = conn.R.Discard(len(text)) // it was peeked
	}
	return errInterim
}

func (c *checker) judge(status int) error {
	good := status < 300
	if len(c.cfg.Status) > 0 {
		good = slices.Contains(c.cfg.Status, status)
	}
	if !good {
		return fmt.Errorf("status %d", status)
	}
	return nil
}

// note counts answers, and changes what is known of the target when there are
// enough of one kind.
func (c *checker) note(err error, now time.Time) {
	t, s := c.target, &c.target.health
	if err == nil {
		c.good, c.bad = c.good+1, 0
	} else {
		c.good, c.bad = 0, c.bad+1
	}
	switch unwell := s.unwell.Load(); {
	case unwell && c.good >= c.cfg.Healthy:
		s.back.Store(now.UnixNano())
		s.unwell.Store(false)
		c.log.Info("target healthy", zap.String("target", t.name))
	case !unwell && c.bad >= c.cfg.Unhealthy:
		s.mu.Lock()
		s.why = err.Error()
		s.mu.Unlock()
		s.unwell.Store(true)
		c.log.Warn("target unhealthy", zap.String("target", t.name), zap.Error(err))
	default:
		return
	}
	t.changes.Add(1)
}
