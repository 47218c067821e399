package settings

import (
	"reflect"
	"strings"
	"time"

	"postern/provisioning/config"
)

// keyPart is a name, or a mapping {name: ..., only: [...]}.
func (d *decoder) keyPart(n *Node, v *config.KeyPart) {
	if n.Kind != Mapping {
		v.Name, _ = d.scalar(n)
		return
	}
	d.mapping(n, reflect.ValueOf(v).Elem())
}

// ttl is a duration that may count days and be written with spaces: "5d 4h 1m".
func (d *decoder) ttl(n *Node, v *config.TTL) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	span, ok := parseTTL(text)
	switch {
	case onlyDigits(text):
		d.fault(n, "%q lacks a unit: say %ss or %sm", text, text, text)
	case !ok || span < 0:
		d.fault(n, "%q is not a time such as 30s, 10m or 5d 4h 1m", text)
	case span == 0:
		d.fault(n, "%q must be above zero", text)
	default:
		*v = config.TTL(span)
	}
}

// maxDays is what fits in a time.Duration, with hours to spare.
const maxDays = 36500

func parseTTL(text string) (time.Duration, bool) {
	var days int64
	if number, rest, found := strings.Cut(text, "d"); found {
		number = strings.TrimSpace(number)
		if !onlyDigits(number) || len(number) > 5 {
			return 0, false
		}
		for _, c := range number {
			days = days*10 + int64(c-'0')
		}
		if text = strings.TrimSpace(rest); text == "" {
			text = "0s"
		}
	}
	span, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err != nil || days > maxDays || span > maxDays*24*time.Hour {
		return 0, false
	}
	return time.Duration(days)*24*time.Hour + span, true
}
