package explain

import (
	"net/url"
	"slices"
	"strings"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// What a command prints is copied into tickets, so nothing of it lets anybody in.

// hidden stands for what is not shown.
const hidden = "***"

// hider knows where requests carry secrets.
type hider struct{ fields, parameters map[string]bool } // lower case

func newHider(cfg *config.Config) hider {
	h := hider{
		map[string]bool{"authorization": true, "proxy-authorization": true, "cookie": true},
		map[string]bool{"access_token": true},
	}
	for _, name := range cfg.Logging.Mask {
		h.parameters[strings.ToLower(name)] = true
	}
	for place := range cfg.TokenSources() {
		h.fields[strings.ToLower(place.Header)] = true
		h.parameters[strings.ToLower(place.Query)] = true
	}
	for level := range cfg.AllLevels() {
		if t := level.Policies.Transform; t != nil {
			h.transform(t)
		}
	}
	return h
}

// transform hides what it sets to secrets.
func (h hider) transform(t *config.Transform) {
	note := func(names map[string]bool, lists ...[]config.Setting) {
		for _, s := range slices.Concat(lists...) {
			if !s.Secret.IsZero() {
				names[strings.ToLower(s.Name)] = true
			}
		}
	}
	for i := range t.Request {
		s := &t.Request[i]
		note(h.fields, s.SetHeaders, s.AddHeaders)
		note(h.parameters, s.SetQuery, s.AddQuery)
	}
}

// without is text in which what the caller has presented does not stand, wherever a
// policy has put it.
func without(text string, p *exchange.Presented) string {
	_, credentials, _ := strings.Cut(string(p.Authorization), " ")
	for _, secret := range []string{p.Token, p.Key, credentials} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, hidden)
		}
	}
	return text
}

// head is the head of a request without its secrets.
func (h hider) head(text string) string {
	lines := strings.Split(text, "\r\n")
	lines[0] = h.line(lines[0])
	for i, line := range lines[1:] {
		if name, _, ok := strings.Cut(line, ":"); ok && h.fields[strings.ToLower(name)] {
			lines[1+i] = name + ": " + hidden
		}
	}
	return strings.Join(lines, "\r\n")
}

// line is a request line without the values of secret parameters.
func (h hider) line(text string) string {
	before, rest, ok := strings.Cut(text, "?")
	if !ok {
		return text
	}
	query, after, _ := strings.Cut(rest, " ")
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, ok := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if ok && (err != nil || h.parameters[strings.ToLower(plain)]) {
			parts[i] = name + "=" + hidden
		}
	}
	return before + "?" + strings.Join(parts, "&") + " " + after
}
