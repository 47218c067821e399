package transform

import (
	"bytes"
	"slices"

	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/router"
	"postern/gateway/variable"
)

// requestStep is a change of a request.
type requestStep struct {
	when    when
	method  []byte             // nil: as it is
	path    *variable.Template // nil: as it is
	query   changes
	headers changes
	body    *body // nil: as it is
}

func (s *requestStep) apply(w *work) error {
	if holds, err := s.when.holds(w); err != nil || !holds {
		return err
	}
	s.changeMethod(w)
	if err := s.changePath(w); err != nil {
		return err
	}
	if err := s.query.changeQuery(w); err != nil {
		return err
	}
	if err := s.headers.change(w, &w.x.Head, problem.HeaderTooLarge); err != nil {
		return err
	}
	if err := s.changeBody(w); err != nil {
		return err
	}
	for _, name := range s.query.remove {
		w.x.Query = without(w.x.Query, name)
	}
	s.headers.drop(&w.x.Head)
	return nil
}

// changeMethod leaves HEAD alone: whoever asks so waits for no body.
func (s *requestStep) changeMethod(w *work) {
	x := w.x
	if s.method == nil || x.HTTP.IsHead() {
		return
	}
	x.Sent.Method = s.method
	if x.Body == nil && x.Request.Length < 0 && slices.Contains(posting, string(s.method)) {
		x.Request.Length = 0 // a server that expects a body is told that there is none (RFC 9110 8.6)
	}
}

// posting are methods that a body is expected with.
var posting = []string{"POST", "PUT", "PATCH"}

// changePath sets what follows the API's prefix. It is judged as a caller's path.
func (s *requestStep) changePath(w *work) error {
	if s.path == nil {
		return nil
	}
	written, err := w.inHead(s.path, problem.URITooLong)
	if err != nil {
		return err
	}
	written = bytes.TrimLeft(written, "/") // of a seam, only one is left
	raw := append(append(make([]byte, 0, len(written)+1), '/'), written...)
	path, slash, err := router.Canonical(make([]byte, 0, len(raw)), raw)
	if err == nil && slash && !w.site.EncodedSlash {
		err = errSlash
	}
	if err != nil {
		return problem.BadPath.Because(err)
	}
	w.x.Sent.Rest = path
	return nil
}

// changeBody gives one also to a request that has none, where a method expects it.
func (s *requestStep) changeBody(w *work) error {
	if s.body == nil || !s.body.concerns(&w.x.Head) {
		return nil
	}
	read := w.site.Bodies.Request
	if method := string(w.x.SentMethod()); s.body.text != nil && method != "GET" && method != "HEAD" && method != "OPTIONS" {
		read = w.site.Bodies.Make
	}
	var m *message.Message
	m, err := read(w.x)
	if err != nil {
		return err
	}
	return s.body.change(w, m, &w.x.Head)
}
