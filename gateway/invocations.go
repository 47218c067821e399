package gateway

import (
	"fmt"

	"postern/gateway/exchange"
	"postern/gateway/policy/invocationlog"
	"postern/gateway/policy/mask"
	"postern/provisioning/config"
)

// logged is the part of invocationlog that hears of requests which policies
// refuse.
func (c *chains) logged(levels []config.Level) []exchange.Policy {
	if l, _ := c.log(levels); l != nil {
		return []exchange.Policy{l.Begin}
	}
	return nil
}

// invocationlog is behind whatever refuses requests for what their callers are,
// and before whatever changes them.
func (c *chains) invocationlog(levels []config.Level) []exchange.Policy {
	l, path := c.log(levels)
	if l == nil {
		return nil
	}
	return []exchange.Policy{c.told(l.Client, Step{"invocationlog", path})}
}

// logsServer is the part of invocationlog that sees what the upstream does.
func (c *chains) logsServer(levels []config.Level) []exchange.Policy {
	if l, _ := c.log(levels); l != nil && l.SeesServer() {
		return []exchange.Policy{l.Server}
	}
	return nil
}

// log is what all levels say together, and where the first of it stands; nil:
// nothing.
func (c *chains) log(levels []config.Level) (*invocationlog.Log, []any) {
	var rules []*config.InvocationLog
	var path []any
	var key string
	var masks []*config.Mask
	for _, l := range levels {
		if l.Policies.Mask != nil {
			masks = append(masks, l.Policies.Mask)
			key += fmt.Sprint(l.Path)
		}
		for i := range l.Policies.InvocationLog {
			rules = append(rules, &l.Policies.InvocationLog[i])
		}
		if len(l.Policies.InvocationLog) > 0 {
			key += fmt.Sprint(l.Path)
			if path == nil {
				path = l.At("invocationlog")
			}
		}
	}
	if rules == nil {
		return nil, nil
	}
	if c.logs[key] == nil {
		hide := mask.NewLog(masks, c.next.bodies, c.gateway.metrics)
		mask := newMasker(append(tokenParameters(c.config), c.config.Logging.Mask...))
		c.logs[key] = invocationlog.New(rules, invocationlog.Site{
			API: &c.config.APIs[c.api], Node: c.gateway.node, Bodies: c.next.bodies,
			Secrets: credentials(c.config), Hide: hide.Of, Mask: mask.append, MaskPath: mask.appendPath, To: c.eventsTo,
		})
	}
	return c.logs[key], path
}
