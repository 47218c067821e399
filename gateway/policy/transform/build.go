package transform

import (
	"errors"
	"regexp"
	"strings"

	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/router"
	"postern/gateway/variable"
	"postern/provisioning/config"
)

// builder compiles a section, and collects what is wrong in it.
type builder struct {
	site    Site
	answers bool // what is compiled is for answers
	recalls bool
	faults  config.Faults
}

func below(path []any, more ...any) []any { return append(path[:len(path):len(path)], more...) }

func (b *builder) failed(err error, path []any) {
	b.faults = append(b.faults, config.Below(err, path...)...)
}

// text compiles one for the side that is being built; nil: it is at fault.
func (b *builder) text(written string, kind variable.Kind, path []any) *variable.Template {
	return b.textFor(written, variable.Place{Kind: kind, NoAnswer: !b.answers}, path)
}

// textFor compiles one that can name what the place lets it, and bodies. The caller
// sees what is in answers.
func (b *builder) textFor(written string, place variable.Place, path []any) *variable.Template {
	place.RequestBody, place.Inside, place.Secrets = true, !b.answers, b.site.Secrets
	text, err := variable.Parse(written, place)
	if err != nil {
		b.failed(err, path)
		return nil
	}
	b.recalls = b.recalls || b.answers && text.ReadsRequest()
	return text
}

func (b *builder) requestStep(cfg *config.RequestStep, i int) requestStep {
	path := []any{"request", i}
	s := requestStep{when: b.when(cfg.When, path...), body: b.body(cfg.Body, path)}
	if cfg.Method != "" {
		s.method = []byte(cfg.Method)
	}
	if cfg.Path != "" {
		s.path = b.path(cfg.Path, below(path, "path"))
	}
	s.query = b.changes(variable.Query, "query", path, changesOf{cfg.RenameQuery, cfg.SetQuery, cfg.AddQuery, cfg.RemoveQuery})
	s.headers = b.changes(variable.Header, "headers", path, changesOf{cfg.RenameHeaders, cfg.SetHeaders, cfg.AddHeaders, cfg.RemoveHeaders})
	return s
}

func (b *builder) responseStep(cfg *config.ResponseStep, i int) responseStep {
	path := []any{"response", i}
	s := responseStep{when: b.when(cfg.When, path...), body: b.body(cfg.Body, path), status: cfg.Status}
	if cfg.Reason != "" {
		s.reason = b.text(cfg.Reason, variable.Header, below(path, "reason"))
		b.oneLine(cfg.Reason, below(path, "reason"))
	}
	s.headers = b.changes(variable.Header, "headers", path, changesOf{cfg.RenameHeaders, cfg.SetHeaders, cfg.AddHeaders, cfg.RemoveHeaders})
	return s
}

var errOneLine = errors.New("holds a control character, which cannot stand in a head")

// oneLine refuses a text that would end its line.
func (b *builder) oneLine(text string, path []any) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		b.failed(errOneLine, path)
	}
}

// variables are what a path holds besides its own text.
var variables = regexp.MustCompile(`\$\{[^}]*\}`)

func (b *builder) path(written string, path []any) *variable.Template {
	text := b.text(written, variable.Path, path)
	sample := variables.ReplaceAllString(written, "x")
	if strings.HasPrefix(written, "${") {
		sample = "/" + sample
	}
	_, slash, err := router.Canonical(nil, []byte(sample))
	switch {
	case err != nil:
		b.failed(err, path)
	case strings.Contains(sample, "?"):
		b.failed(errors.New("holds a question mark: set_query sets parameters"), path)
	case slash && !b.site.EncodedSlash:
		b.failed(errSlash, path)
	}
	return text
}

// written is the text of a setting; there are no variables in a secret.
func written(s config.Setting) string {
	if s.Secret.IsZero() {
		return s.Text
	}
	return strings.ReplaceAll(s.Secret.Reveal(), "${", "$${")
}

// changesOf are the changes of one step to a head's fields or a query.
type changesOf struct {
	rename, set, add []config.Setting
	remove           []string
}

func (b *builder) changes(kind variable.Kind, what string, path []any, cfg changesOf) changes {
	c := changes{remove: cfg.remove}
	for _, s := range cfg.rename {
		c.rename = append(c.rename, [2]string{s.Name, s.Text})
	}
	for _, s := range cfg.set {
		c.set = append(c.set, b.setting(kind, s, below(path, "set_"+what, s.Name)))
	}
	for _, s := range cfg.add {
		c.add = append(c.add, b.setting(kind, s, below(path, "add_"+what, s.Name)))
	}
	return c
}

func (b *builder) setting(kind variable.Kind, s config.Setting, path []any) setting {
	if kind == variable.Header {
		b.oneLine(written(s), path)
	}
	return setting{s.Name, b.text(written(s), kind, path)}
}

func (b *builder) body(cfg *config.TransformBody, path []any) *body {
	if cfg == nil {
		return nil
	}
	path = below(path, "body")
	made := &body{}
	if cfg.Text != "" {
		made.contentType = config.MediaType(cfg.ContentType)
		made.text = b.text(cfg.Text, variable.KindOf(made.contentType), below(path, "text"))
	}
	for _, s := range cfg.JSON {
		place := below(path, "json", s.Name)
		made.edits = append(made.edits, b.value(b.edit(s.Name, place), s, place))
	}
	for i, spot := range cfg.Remove {
		place := below(path, "remove", i)
		e := b.edit(spot, place)
		if e.spot != nil && e.spot.Whole() {
			b.failed(errors.New("a body cannot be without a value"), place)
		}
		made.edits = append(made.edits, e)
	}
	return made
}

func (b *builder) edit(spot string, path []any) edit {
	found, err := message.NewSpot(spot)
	if err != nil {
		b.failed(err, path)
	}
	return edit{spot: found}
}

// value adds what is set: JSON if the text is that, else a string.
func (b *builder) value(e edit, s config.Setting, path []any) edit {
	trial := *b
	if s.Secret.IsZero() {
		e.value = trial.text(s.Text, variable.JSON, path)
	}
	if e.value != nil {
		b.recalls = trial.recalls
		return e
	}
	e.value, e.isText = b.text(written(s), variable.Raw, path), true
	return e
}

// Why exchanges end here.
var (
	errTooLong = errors.New("what comes of a transform is longer than limits.header_size")
	errBody    = errors.New("what comes of a transform is longer than limits.buffered_body")
	errSlash   = errors.New("path holds an escaped slash")
	errJSON    = errors.New("the body is not JSON, as its Content-Type says")
)

// tooLong is what is told of a body that becomes longer than may be held.
func (w *work) tooLong() error { return w.tooMuch(errBody) }

// tooMuch is what is told of a text that takes too much.
func (w *work) tooMuch(err error) error {
	if w.x.Answer.Status != 0 {
		return problem.AnswerUnreadable.Because(err)
	}
	return problem.ContentTooLarge.Because(err)
}
