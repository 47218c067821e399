package store_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/gateway/quota"
	"postern/gateway/store"
	"postern/gateway/store/redistest"
	"postern/provisioning/config"
)

var hourly = &quota.Rule{ID: "x", Requests: 1_000_000, Per: span(time.Hour)}

// aged is a Redis that has nothing to settle.
func aged(t testing.TB, args ...string) *redistest.Server {
	t.Helper()
	redis := redistest.Start(t, args...)
	redis.Do("SET", "postern:since", "1")
	return redis
}

// What Redis answers with errors is a failure like others, also when its
// connections and reads work.
func TestErrorAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		break_     []string
		mend       []string
	}{
		{"read only", "READONLY", []string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}},
		{"out of memory", "OOM", []string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}},
		{"no permission", "can't run this command", []string{"ACL", "SETUSER", "default", "-set"}, []string{"ACL", "SETUSER", "default", "+set"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			redis := aged(t)
			c := up(t, section(redis.Address))
			c.take(hourly, "")
			redis.Do(tt.break_...)
			fails(t, c, hourly)
			c.until(store.Away)
			if text := c.Status().LastError; !strings.Contains(text, tt.says) {
				t.Errorf("last error %q", text)
			}
			redis.Do(tt.mend...)
			c.until(store.Up)
			if d := c.take(hourly, ""); !d.Allowed {
				t.Errorf("%+v", d)
			}
		})
	}
}

// A Redis that hangs makes no more than a few requests wait.
func TestHangs(t *testing.T) {
	redis := aged(t)
	cfg := section(redis.Address)
	cfg.Timeout = config.Duration(500 * time.Millisecond)
	c := up(t, cfg)
	redis.Freeze()
	var waited int
	for c.Status().State == store.Up {
		if _, err := c.Take(context.Background(), hourly, nil, time.Now()); err != nil && err != store.ErrAway {
			waited++
		}
	}
	if waited > 3 {
		t.Errorf("%d requests waited, one after the other, want 3 at most", waited)
	}
	redis.Thaw()
	c.until(store.Up)
}

// Connections that are cut, under load, cost the requests on them and no more.
func TestKilledConnections(t *testing.T) {
	redis := aged(t)
	c := up(t, section(redis.Address))
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = c.Take(context.Background(), hourly, nil, time.Now())
				}
			}
		})
	}
	for range 20 {
		redis.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		redis.Do("SCRIPT", "FLUSH")
	}
	close(stop)
	load.Wait()
	redis.Until("all connections are there again", func() bool { return c.Status().Connections == 8 })
	for range 20 {
		c.take(hourly, "")
	}
}

// The scripts are sent again to a Redis that does not know them.
func TestScriptsAreForgotten(t *testing.T) {
	redis := aged(t)
	c := up(t, section(redis.Address))
	for range 3 {
		redis.Do("SCRIPT", "FLUSH")
		c.take(hourly, "")
	}
}

// A few connections that cannot be had do not end what works with others.
func TestTooManyConnections(t *testing.T) {
	redis := aged(t, "--maxclients", "4")
	c := up(t, section(redis.Address))
	for range 50 {
		c.take(hourly, "")
	}
	if s := c.Status(); s.State != store.Up || s.Connections == 0 || s.Connections > 4 {
		t.Errorf("%+v", s)
	}
}

func TestPassword(t *testing.T) {
	redis := redistest.Start(t)
	redis.Do("SET", "postern:since", "1")
	redis.Do("ACL", "SETUSER", "edge", "on", ">correct-horse", "~postern:*", "+eval", "+evalsha", "+get", "+set", "+pttl", "+pexpire", "+time", "+select")
	redis.Do("CONFIG", "SET", "requirepass", "other")
	cfg := section(redis.Address)
	cfg.User, cfg.DB = "edge", 0
	for _, tt := range []struct{ password, says string }{
		{"correct-horse", ""}, {"battery-staple", "WRONGPASS"},
	} {
		cfg.Password = config.NewSecret(tt.password)
		c := start(t, cfg)
		if tt.says == "" {
			c.until(store.Up)
			c.take(hourly, "")
			continue
		}
		c.until(store.Away)
		told := c.Status().LastError
		for _, e := range c.logs.All() {
			for _, f := range e.Context {
				told += f.String
			}
		}
		if !strings.Contains(told, tt.says) || strings.Contains(told, tt.password) {
			t.Errorf("told %q", told)
		}
	}
	cfg.User, cfg.Password = "", config.Secret{}
	c := start(t, cfg)
	c.until(store.Away)
	if told := c.Status().LastError; !strings.Contains(told, "NOAUTH") {
		t.Errorf("told %q", told)
	}
}

// slow passes bytes on, and answers after a while.
func slow(t *testing.T, address string, by time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", address)
			if err != nil {
				_ = near.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(far, near)
				_ = far.Close()
			}()
			go func() {
				defer near.Close()
				buffer := make([]byte, 4096)
				for {
					n, err := far.Read(buffer)
					if err != nil {
						return
					}
					<-time.After(by)
					if _, err := near.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// A Redis that takes longer than requests may wait is as good as away.
func TestSlow(t *testing.T) {
	redis := aged(t)
	cfg := section(slow(t, redis.Address, 300*time.Millisecond))
	cfg.ConnectTimeout, cfg.Timeout = config.Duration(time.Minute), config.Duration(50*time.Millisecond)
	c := start(t, cfg)
	c.until(store.Away)
	if told := c.Status().LastError; !strings.Contains(told, "i/o timeout") {
		t.Errorf("told %q", told)
	}
	cfg.Timeout = config.Duration(time.Minute)
	if d := up(t, cfg).take(hourly, ""); !d.Allowed {
		t.Errorf("%+v", d)
	}
}

// Whatever answers in place of Redis, it is away, and nothing else happens.
func TestNotRedis(t *testing.T) {
	for _, tt := range []struct{ name, answer, says string }{
		{"HTTP", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "unexpected response line"},
		{"loading", "-LOADING Redis is loading the dataset in memory\r\n", "LOADING"},
		{"busy", "-MASTERDOWN Link with MASTER is down\r\n", "MASTERDOWN"},
		{"an old server that repeats the password", strings.Repeat("-ERR unknown command `HELLO`, with args beginning with: `AUTH`, `hunter2-secret`\r\n", 4), "***"},
		{"more than was asked for", strings.Repeat(":1\r\n", 1000), ""},
		{"a negative length", "$-5\r\n", ""},
		{"a length that nobody has", "*999999999999\r\n", "not one of Redis"},
		{"no end", "+" + strings.Repeat("a", 100_000), "too long"},
		{"nothing", "", "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var open sync.WaitGroup
			t.Cleanup(open.Wait)
			t.Cleanup(func() { _ = l.Close() })
			open.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					open.Go(func() {
						defer c.Close()
						question := make([]byte, 4096)
						for {
							if _, err := c.Read(question); err != nil || tt.answer == "" {
								return
							}
							if _, err := io.WriteString(c, tt.answer); err != nil {
								return
							}
						}
					})
				}
			})
			cfg := section(l.Addr().String())
			cfg.Password = config.NewSecret("hunter2-secret")
			c := start(t, cfg)
			c.until(store.Away)
			if told := c.Status().LastError; !strings.Contains(told, tt.says) || strings.Contains(told, "hunter2") {
				t.Errorf("told %q", told)
			}
			c.Close()
		})
	}
}
