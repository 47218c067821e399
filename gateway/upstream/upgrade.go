package upstream

import (
	"bytes"
	"errors"
	"sync/atomic"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

const websocket = "websocket"

// errSwitch and the others are 101s that nobody may believe. Whoever relays one
// lets a caller speak past the gateway to a target that still reads HTTP.
var (
	errSwitch = errors.New("answer switches protocols although nobody asked")
	errOther  = errors.New("answer does not switch to the protocol that was asked for, or says that the connection ends (RFC 9110 7.8)")
	errAccept = errors.New("answer has no sec-websocket-accept for the key of the handshake (RFC 6455 4.2.2)")
	errPlaces = errors.New("more tunnels than upgrade.tunnels")
)

// errHandshake is why a WebSocket handshake is refused.
var errHandshake = errors.New("a WebSocket handshake is a GET without a body, with one sec-websocket-key of 16 bytes in base64 (RFC 6455 4.1)")

// upgrades is which protocols callers may switch to, and how long their tunnels
// live.
type upgrades struct {
	protocols     []string
	idle, maximum time.Duration // 0: none
	withToken     bool
	most          int64         // tunnels at once; 0: any number
	taken         *atomic.Int64 // places of tunnels, and of those who have asked for one; common to generations
}

func newUpgrades(cfg *config.Upgrade) upgrades {
	u := upgrades{taken: new(atomic.Int64)}
	if cfg != nil && !cfg.None {
		u.protocols, u.most, u.withToken = cfg.Protocols, int64(cfg.Tunnels), cfg.CloseOnExpiry
		u.idle, u.maximum = cfg.IdleTimeout.Limit(), cfg.MaxDuration.Limit()
	}
	return u
}

// wanted is the protocol that x asks to switch to, if it may; nil otherwise.
// Everything else that Upgrade may say is passed over, as a server may (RFC 9110
// 7.8): the request is forwarded without it.
func (u *upgrades) wanted(x *exchange.Exchange) ([]byte, error) {
	protocol := x.Head.Offers(u.protocols)
	if protocol == nil || x.Request.HTTP10 {
		return nil, nil
	}
	switch {
	case isWebSocket(protocol):
		if x.Body != nil || string(x.SentMethod()) != "GET" || x.Head.WebSocketKey() == nil {
			p := problem.BadRequest.Because(errHandshake)
			p.Detail = errHandshake.Error()
			return nil, p
		}
	case x.Body != nil:
		return nil, nil
	}
	return protocol, nil
}

// ask takes a place for x if it wants to switch; then x.Upgrade says to which
// protocol.
func (u *upgrades) ask(x *exchange.Exchange) error {
	protocol, err := u.wanted(x)
	if protocol == nil {
		return err
	}
	if taken := u.taken.Add(1); u.most > 0 && taken > u.most {
		u.taken.Add(-1)
		return problem.Overloaded.Because(errPlaces)
	}
	x.Upgrade = protocol
	return nil
}

// settle gives the place of x back unless a tunnel has come of it, which gives
// it back at its end.
func (u *upgrades) settle(x *exchange.Exchange) {
	if x.Answer.Tunnel == nil {
		u.leave()
	}
}

// leave gives a place back.
func (u *upgrades) leave() { u.taken.Add(-1) }

// appendUpgrade asks the target to switch.
func appendUpgrade(b []byte, protocol []byte) []byte {
	b = append(b, "Connection: Upgrade\r\nUpgrade: "...)
	return append(append(b, protocol...), "\r\n"...)
}

// switchOver accepts a 101 if it answers what x has asked for.
func (c *conn) switchOver() error {
	x := c.x
	protocol := x.Upgrade
	switch {
	case protocol == nil:
		return errSwitch
	case c.answer.Close || !x.Answer.Head.SwitchesTo(protocol):
		return errOther
	case isWebSocket(protocol) && !x.Answer.Head.AcceptsWebSocket(x.Head.WebSocketKey()):
		return errAccept
	}
	c.accept()
	c.answer.Close, x.Answer.Close = true, true
	x.Answer.Tunnel = c.tunnel
	return nil
}

func isWebSocket(protocol []byte) bool { return bytes.EqualFold(protocol, []byte(websocket)) }
