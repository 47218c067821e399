package explain

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"postern/gateway"
	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning"
	"postern/provisioning/config"
)

// outcome is how a request fares.
type outcome struct {
	Request   string  `json:"request"` // its first line
	Steps     []step  `json:"steps"`
	Forwarded bool    `json:"forwarded"`
	Upstream  string  `json:"upstream,omitempty"` // the head that the target would see, without its secrets
	Status    int     `json:"status,omitempty"`   // what the caller is told, if not forwarded
	Code      string  `json:"code,omitempty"`
	Reason    string  `json:"reason,omitempty"` // as in the log
	Challenge string  `json:"challenge,omitempty"`
	Errors    []fault `json:"errors,omitempty"` // of the request, one by one
	Hint      string  `json:"hint,omitempty"`
}

// fault is one thing that is wrong with a request.
type fault struct {
	In      string `json:"in"`
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// step is one rule and what came of it.
type step struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Says   string `json:"says,omitempty"`
	Place  string `json:"place,omitempty"` // file:line:column
}

// answer plays the request that q asks about.
func answer(from provisioning.Sources, q question) (*outcome, error) {
	loaded, err := provisioning.Load(from, nil)
	if err != nil {
		return nil, err
	}
	if err := giveKeys(loaded.Config, q.keys); err != nil {
		return nil, err
	}
	text, err := q.request(loaded.Config)
	if err != nil {
		return nil, err
	}
	hide := newHider(loaded.Config)
	line, _, _ := strings.Cut(text, "\r\n")
	r := &recorder{loaded: loaded, hide: hide, outcome: &outcome{Request: hide.line(line)}}
	g := gateway.New(zap.NewNop(), gateway.Rehearse(&gateway.Rehearsal{
		Passed: r.passed, Refused: r.refused, Forwarded: r.forwarded, Ended: r.ended, Fetch: q.fetch,
	}))
	if err := g.Apply(loaded.Config); err != nil {
		var faults config.Faults
		if errors.As(err, &faults) {
			return nil, loaded.Locate(faults)
		}
		return nil, err
	}
	defer g.Drop()
	raw, err := g.Play(q.caller, []byte(text))
	if err != nil {
		return nil, err
	}
	r.outcome.hint(q)
	return r.outcome, r.outcome.read(raw)
}

// giveKeys puts files in place of the keys that auth servers would fetch.
func giveKeys(cfg *config.Config, files map[string]string) error {
	given := map[string]bool{}
	for i := range cfg.AuthServers {
		s := &cfg.AuthServers[i]
		name, ok := files[s.Name]
		if !ok {
			continue
		}
		if s.Local == nil {
			return fmt.Errorf("--jwks: auth server %q verifies nothing here", s.Name)
		}
		path, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("--jwks: %w", err)
		}
		local := *s.Local
		local.JWKSURI, local.Discovery = "", false
		local.Certificate, local.PublicKey, local.SharedKey, local.Truststore = config.File{}, config.File{}, nil, nil
		local.JWKS = config.File{Path: path, Data: text}
		s.Local, given[s.Name] = &local, true
	}
	for name := range files {
		if !given[name] {
			return fmt.Errorf("--jwks: there is no auth server %q", name)
		}
	}
	return nil
}

// request writes the request.
func (q question) request(cfg *config.Config) (string, error) {
	path, host := q.path, q.host
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if q.api != "" {
		api, err := find(cfg, q.api)
		if err != nil {
			return "", err
		}
		path = strings.TrimSuffix(api.Prefix(*cfg.APIEndpoint.BasePath), "/") + path
		if host == "" && len(api.Hosts) > 0 {
			host = strings.Replace(api.Hosts[0], "*", "any", 1)
		}
	}
	if host == "" {
		host = "localhost"
	}
	lines := append([]string{q.method + " " + path + " HTTP/1.1", "Host: " + host, "Connection: close"}, q.fields...)
	if q.token != "" {
		lines = append(lines, "Authorization: Bearer "+q.token)
	}
	if len(q.body) > 0 {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(q.body)))
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + string(q.body), nil
}

// find is the API of a name, or the latest of its versions.
func find(cfg *config.Config, name string) (found *config.API, err error) {
	var names []string
	for i := range cfg.APIs {
		api := &cfg.APIs[i]
		names = append(names, api.FullName(), api.Name)
		if api.FullName() == name {
			return api, nil
		}
		if api.Name == name {
			if found != nil {
				return nil, fmt.Errorf("API %q has several versions: say which, as in %s", name, found.FullName())
			}
			found = api
		}
	}
	if found == nil {
		return nil, fmt.Errorf("there is no API %q%s", name, config.DidYouMean(name, names))
	}
	return found, nil
}

// read takes what the caller is told out of the answer.
func (o *outcome) read(raw []byte) error {
	if o.Forwarded {
		return nil
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	defer response.Body.Close()
	o.Status, o.Challenge = response.StatusCode, response.Header.Get("WWW-Authenticate")
	return nil
}

// recorder notes what a rehearsal tells.
type recorder struct {
	loaded  *provisioning.Loaded
	hide    hider
	outcome *outcome
}

func (r *recorder) passed(s gateway.Step, x *exchange.Exchange) { r.note(s, true, describe(s, x)) }

func (r *recorder) refused(s gateway.Step, x *exchange.Exchange, err error) {
	var told *problem.Problem
	if errors.As(err, &told) {
		for _, e := range told.Errors {
			r.outcome.Errors = append(r.outcome.Errors, fault(e))
		}
	}
	says := x.Reason
	switch {
	case says != "":
	case err != nil:
		says = err.Error()
	default:
		says = answersItself
	}
	r.note(s, false, says)
}

func (r *recorder) note(s gateway.Step, passed bool, says string) {
	r.outcome.Steps = append(r.outcome.Steps, step{Name: s.Name, Passed: passed, Says: says, Place: r.place(s.Path)})
}

// place is where a section stands.
func (r *recorder) place(path []any) string {
	report := r.loaded.Locate(config.Faults{{Path: path}})
	if len(report) == 0 || report[0].Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", report[0].File, report[0].Line, report[0].Column)
}

func (r *recorder) forwarded(x *exchange.Exchange, head []byte) {
	r.outcome.Forwarded, r.outcome.Upstream = true, r.hide.head(without(string(head), &x.Presented))
}

// ended notes how it came out. Before a route is found there is no step of a
// chain that could tell.
func (r *recorder) ended(x *exchange.Exchange) {
	r.outcome.Code, r.outcome.Reason = x.Problem, x.Reason
	if len(r.outcome.Steps) > 0 {
		return
	}
	says := x.Reason
	switch x.Problem {
	case "not_found":
		says = "no API or resource has this host and path"
	case "method_not_allowed":
		says = "the resource does not have this method"
	}
	r.note(gateway.Step{Name: "route"}, false, says)
}
