package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path"
	"time"
)

// seen is what the upstream answers: the request as it arrived there.
type seen struct {
	Method, Target, User, ID, Body string // Body: SHA-256
}

// upstream tells what it was sent, or fails as the path says.
type upstream struct {
	url    string
	server *http.Server
}

func newUpstream() (*upstream, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &upstream{url: "http://" + l.Addr().String(), server: &http.Server{Handler: http.HandlerFunc(answer)}}
	go func() { _ = u.server.Serve(l) }() // until Close
	return u, nil
}

func answer(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	if _, err := io.Copy(sum, r.Body); err != nil {
		panic(http.ErrAbortHandler) // the caller has left
	}
	text, err := json.Marshal(seen{r.Method, r.URL.RequestURI(), r.Header.Get("X-User"), r.Header.Get("X-Soak"), hex.EncodeToString(sum.Sum(nil))})
	if err != nil {
		panic(err) // strings only
	}
	if dir, kind := path.Split(r.URL.Path); dir == "/fault/" {
		fail(w, kind, text)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/packed" {
		text = append(text, bytes.Repeat([]byte(" "), packed-len(text))...)
	}
	_, _ = w.Write(text) // who does not read it, checks nothing
}

// packed is the size of an answer that is worth compressing.
const packed = 20_000

// large is the size of a large answer, whose bytes are all the same.
const large = 1 << 20

// fail misbehaves.
func fail(w http.ResponseWriter, kind string, text []byte) {
	switch kind {
	case "busy":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "slow":
		time.Sleep(300 * time.Millisecond)
	case "large":
		w.Header().Set("X-Echo", string(text))
		for range large / 4096 {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
		return
	case "cut":
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(text)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler) // and then nothing
	case "gone":
		panic(http.ErrAbortHandler)
	case "garbage":
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_, _ = c.Write([]byte("HTTP/1.1 abc\r\n\r\n"))
			_ = c.Close()
		}
		return
	}
	_, _ = w.Write(text)
}
