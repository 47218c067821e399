package system

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// Notifier tells the service manager that started the process how it is, as
// sd_notify(3) of systemd asks. Where NOTIFY_SOCKET does not say that there is
// one, it does nothing. It is safe for concurrent use.
type Notifier struct {
	log   *zap.Logger
	ended chan struct{}
	beats sync.WaitGroup

	mu       sync.Mutex
	stopping bool // nothing is said after it
}

// Notify begins to answer the manager's watchdog, when it has one. Close ends
// it.
func Notify(log *zap.Logger) *Notifier {
	n := &Notifier{log: log, ended: make(chan struct{})}
	switch limit, err := daemon.SdWatchdogEnabled(false); {
	case err != nil:
		log.Warn("watchdog of the service manager", zap.Error(err))
	case limit > 0:
		n.beats.Go(func() { n.beat(limit / 2) })
	}
	return n
}

// Serving says that the process serves a configuration; refused, when not nil,
// is why it does not serve a newer one.
func (n *Notifier) Serving(generation uint64, refused error) {
	status := fmt.Sprintf("STATUS=Serving generation %d", generation)
	if refused != nil {
		status += "; the last configuration was refused, the log says why"
	}
	n.say(daemon.SdNotifyReady, status)
}

// Reloading says that a new configuration is being loaded; Serving must follow.
func (n *Notifier) Reloading() {
	n.say(daemon.SdNotifyReloading, strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n"))
}

// Stopping says that the process has begun to end.
func (n *Notifier) Stopping() { n.say(daemon.SdNotifyStopping, "STATUS=Letting requests finish") }

// Close says that the process ends, if Stopping has not.
func (n *Notifier) Close() {
	n.Stopping()
	close(n.ended)
	n.beats.Wait()
}

// beat lasts until the process ends: while it drains it still has to be alive.
func (n *Notifier) beat(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		n.send(daemon.SdNotifyWatchdog)
		select {
		case <-ticker.C:
		case <-n.ended:
			return
		}
	}
}

func (n *Notifier) say(state, detail string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopping {
		return
	}
	n.stopping = state == daemon.SdNotifyStopping
	n.send(state + "\n" + detail)
}

// patience bounds how long a manager that does not listen holds anything up.
const patience = time.Second

// send is what daemon.SdNotify does, which waits for as long as it takes.
func (n *Notifier) send(message string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if err := write(&net.UnixAddr{Name: name, Net: "unixgram"}, message); err != nil {
		n.log.Warn("notify the service manager", zap.Error(err))
	}
}

func write(to *net.UnixAddr, message string) error {
	conn, err := net.DialUnix(to.Net, nil, to)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}
