package identify

import (
	"errors"
	"fmt"

	"postern/gateway/application"
	"postern/introspect"
)

// callers finds the application that a token speaks for.
type callers struct {
	known Known
	want  string // registered, all or none
}

// among looks for applications by what else than a token identifies them, and
// says why there is none.
func (c *callers) among(look func(*application.Index) []*application.Application) ([]*application.Application, error) {
	known := c.known.All
	if c.want == "registered" {
		known = c.known.Registered
	}
	list := look(known)
	if len(list) > 0 {
		return application.Active(list)
	}
	if elsewhere := look(c.known.All); len(elsewhere) > 0 {
		return nil, fmt.Errorf("%w: %q", errNotRegistered, elsewhere[0].Name)
	}
	return nil, errUnknown
}

// find returns nil without an error where an application is not needed and none
// was found.
func (c *callers) find(token *introspect.Token) (*application.Application, error) {
	if token.Application != "" {
		return c.own(token)
	}
	if c.want == "registered" {
		app, err := c.known.Registered.Find(token.AuthServer, token.Claims)
		return app, c.explain(err, token)
	}
	app, err := c.known.All.Find(token.AuthServer, token.Claims)
	if c.want == "none" {
		return app, nil
	}
	return app, err
}

// elsewhere reports whether an application that was found is none of the API's:
// it was looked up for the log and the headers only.
func (c *callers) elsewhere(app *application.Application) bool {
	return app != nil && c.want == "none" && !c.known.Registered.Holds(app)
}

// own returns the application whose own key has verified the token. The token is
// good for nothing else, so it is needed in any case.
func (c *callers) own(token *introspect.Token) (*application.Application, error) {
	if c.want == "all" {
		return c.known.All.Own(token.Application, token.Claims)
	}
	app, err := c.known.Registered.Own(token.Application, token.Claims)
	if err == nil {
		return app, nil
	}
	if app, elsewhere := c.known.All.Own(token.Application, token.Claims); elsewhere == nil {
		return nil, fmt.Errorf("%w: %q", errNotRegistered, app.Name)
	}
	return nil, err
}

// explain adds, for the log, whose claims those of a token are.
func (c *callers) explain(err error, token *introspect.Token) error {
	if err == nil || !errors.Is(err, application.ErrNone) {
		return err
	}
	if app, elsewhere := c.known.All.Find(token.AuthServer, token.Claims); elsewhere == nil {
		return fmt.Errorf("%w: %q", errNotRegistered, app.Name)
	}
	return err
}
