package wire

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/valyala/fasthttp"
)

// Response is what an answer's head says about its framing.
type Response struct {
	Status  int
	Reason  []byte // borrowed from the head
	Close   bool   // the upstream's connection ends after this answer
	Length  int64  // of the body; -1: not stated
	Chunked bool
}

// ReadResponse reads an answer's head: text is the whole head as PeekHead
// returned it, copied to where it may stay while fields is used. Framing and
// hop-by-hop fields leave fields. Every error means that the upstream does not
// speak HTTP as a proxy may relay it.
func ReadResponse(text []byte, fields *Head) (Response, error) {
	r := Response{Length: -1}
	end := bytes.IndexByte(text, '\n')
	version, err := r.readStatusLine(text[:end-1])
	if err != nil {
		return r, err
	}
	if err := fields.parse(text[end+1:]); err != nil {
		return r, err
	}
	if err := r.readLines(fields, version); err != nil {
		return r, err
	}
	if r.Chunked && (r.Length >= 0 || version == 0) {
		return r, ErrFraming
	}
	return r, nil
}

// readStatusLine reads "HTTP/1.x SP 3DIGIT [SP reason]" and returns x.
func (r *Response) readStatusLine(l []byte) (minor int, err error) {
	if len(l) < 12 || string(l[:7]) != "HTTP/1." || l[7] != '0' && l[7] != '1' || l[8] != ' ' {
		return 0, ErrStatusLine
	}
	for _, c := range l[9:12] {
		if !digit(c) {
			return 0, ErrStatusLine
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	if r.Status < 100 || r.Status > 999 || len(l) > 12 && l[12] != ' ' {
		return 0, ErrStatusLine
	}
	r.Reason = l[min(13, len(l)):] // an empty one stays empty
	if !all(r.Reason, valueByte) {
		return 0, ErrStatusLine
	}
	return int(l[7] - '0'), nil
}

// readLines reads the fields that end here.
func (r *Response) readLines(fields *Head, version int) error {
	keep := version > 0 // and "close" outweighs "keep-alive" (RFC 9112 9.3)
	for i := range fields.lines {
		l := &fields.lines[i]
		if l.field == other || l.gone {
			continue
		}
		switch l.field {
		case connection:
			closing, err := fields.nominate(l.value)
			if err != nil {
				return err
			}
			r.Close = r.Close || closing
			keep = keep || hasToken(l.value, "keep-alive")
		case contentLength:
			n, ok := parseLength(l.value)
			if !ok || r.Length >= 0 {
				return ErrFraming
			}
			r.Length, l.gone = n, true
		case transferEncoding:
			if r.Chunked || version == 0 || !equalFold(l.value, "chunked") {
				return ErrFraming
			}
			r.Chunked = true
		}
		if l.field.hop() && l.field != proxyAuthenticate {
			l.gone = true
		}
	}
	r.Close = r.Close || !keep
	return nil
}

// Bodyless reports whether an answer to method has no body whatever its fields
// say (RFC 9112 6.3).
func (r *Response) Bodyless(head bool) bool {
	return head || r.Status < 200 || r.Status == 204 || r.Status == 304
}

// IsRefusal reports whether err says that a peer broke the protocol, and not
// that a connection failed.
func IsRefusal(err error) bool {
	var refusal *Refusal
	return errors.As(err, &refusal) || errors.Is(err, ErrStatusLine) || errors.Is(err, ErrFraming) || errors.Is(err, ErrChunk) || errors.Is(err, ErrTrailers)
}

// AppendStatus writes a status line. A reason of nil is the status's own.
func AppendStatus(dst []byte, status int, reason []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	if reason == nil {
		reason = []byte(fasthttp.StatusMessage(status))
	}
	dst = append(dst, reason...)
	return append(dst, "\r\n"...)
}
