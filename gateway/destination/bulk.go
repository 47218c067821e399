package destination

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"postern/provisioning/config"
	"postern/provisioning/fetch"
)

const (
	bulkBytes = 5 << 20  // of a batch, whatever its number of events
	maxAnswer = 64 << 10 // of an answer, and
	perEvent  = 2 << 10  // more for each event
	maxPause  = time.Hour
	bulkPath  = "_bulk?filter_path=errors,items.*.status,items.*.error.type"
)

// NewBulk makes a destination of what speaks Elasticsearch's bulk protocol. The
// error is config.Faults with paths relative to cfg.
func NewBulk(o Options, cfg config.Elasticsearch) (*Destination, error) {
	secure, err := fetch.TLS(cfg.TLS)
	if err != nil {
		return nil, config.Below(err, "tls")
	}
	address, err := url.JoinPath(cfg.URL, cfg.Index)
	if err != nil {
		return nil, config.Faults{{Path: []any{"url"}, Message: "not an address"}}
	}
	s := &bulkSink{address: address + "/" + bulkPath, cfg: cfg}
	_, _ = rand.Read(s.process[:]) // never fails
	s.transport = &http.Transport{
		TLSClientConfig: secure, MaxIdleConns: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
	}
	s.client = &http.Client{
		Transport: s.transport, Timeout: cfg.Timeout.Limit(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // credentials go nowhere else
	}
	return newDestination(o, s, pace{gather: cfg.Flush.Limit(), batch: cfg.Batch, bytes: bulkBytes, retries: cfg.Retries}), nil
}

// bulkSink makes each event a document with a name of its own, so that one that
// is sent again, because the answer got lost, is not there twice.
type bulkSink struct {
	address   string
	cfg       config.Elasticsearch
	client    *http.Client
	transport *http.Transport
	process   [8]byte
	events    uint64           // that have a name
	body      bytes.Buffer     // kept for the next batch
	named     map[*byte]uint64 // those of lines that are tried again, by where they stand
}

// name is the number of the document that a line becomes, the same one each time.
func (s *bulkSink) name(line []byte) uint64 {
	if n, known := s.named[&line[0]]; known {
		return n
	}
	s.events++
	return s.events
}

func (s *bulkSink) write(ctx context.Context, lines []byte) outcome {
	var all [][]byte
	var numbers []uint64
	s.body.Reset()
	for line := range bytes.Lines(lines) {
		all, numbers = append(all, line), append(numbers, s.name(line))
		fmt.Fprintf(&s.body, "{\"create\":{\"_id\":\"%s-%d\"}}\n", hex.EncodeToString(s.process[:]), numbers[len(numbers)-1])
		s.body.Write(line)
	}
	s.named = nil
	items, o := s.post(ctx, len(all))
	switch {
	case o.err == nil && items == nil: // all were taken, the sink says
		return o
	case o.err != nil && o.refused > 0: // none ever will be
		return o
	}
	// A copy, for the lines that are kept may lie apart from each other.
	var kept []int
	for i := range all {
		switch status := statusOf(items, i); {
		case status < 300 || status == http.StatusConflict: // that was so before
		case status == http.StatusTooManyRequests || status >= 500:
			kept = append(kept, i)
		default:
			o.refused++
			o.err = fmt.Errorf("an event was refused: %d %s", status, items[i].Create.Error.Type)
		}
	}
	return s.keep(o, all, numbers, kept)
}

// keep makes the lines that are tried again the outcome's, with their names.
func (s *bulkSink) keep(o outcome, all [][]byte, numbers []uint64, kept []int) outcome {
	size := 0
	for _, i := range kept {
		size += len(all[i])
	}
	o.again = make([]byte, 0, size)
	s.named = make(map[*byte]uint64, len(kept))
	for _, i := range kept {
		start := len(o.again)
		o.again = append(o.again, all[i]...)
		s.named[&o.again[start]] = numbers[i]
	}
	if len(kept) > 0 && o.err == nil {
		o.err = fmt.Errorf("%d events were not taken yet", len(kept))
	}
	return o
}

// item is what became of a document.
type item struct {
	Create struct {
		Status int `json:"status"`
		Error  struct {
			Type string `json:"type"`
		} `json:"error"`
	} `json:"create"`
}

// statusOf is what became of the document at a place; where the answer does not
// say, it is tried again.
func statusOf(items []item, at int) int {
	if at >= len(items) || items[at].Create.Status == 0 {
		return http.StatusServiceUnavailable
	}
	return items[at].Create.Status
}

// post sends a batch. Without an error and items all was taken; an outcome with
// an error says whether any of it is worth another try.
func (s *bulkSink) post(ctx context.Context, events int) (items []item, o outcome) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, bytes.NewReader(s.body.Bytes()))
	if err != nil {
		return nil, outcome{refused: events, err: err}
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("User-Agent", "postern")
	switch {
	case s.cfg.User != "":
		req.SetBasicAuth(s.cfg.User, s.cfg.Password.Reveal())
	case !s.cfg.APIKey.IsZero():
		req.Header.Set("Authorization", "ApiKey "+s.cfg.APIKey.Reveal())
	}
	answer, err := s.client.Do(req)
	if err != nil {
		return nil, outcome{err: withoutURL(err)}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection stays
		o = outcome{err: fmt.Errorf("answered with status %d", answer.StatusCode), patience: pauseOf(answer.Header.Get("Retry-After"))}
		if answer.StatusCode == http.StatusBadRequest || answer.StatusCode == http.StatusRequestEntityTooLarge {
			o.refused = events
		}
		return nil, o
	}
	var result struct {
		Errors *bool  `json:"errors"`
		Items  []item `json:"items"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer+int64(events)*perEvent)).Decode(&result); err != nil {
		return nil, outcome{err: fmt.Errorf("read answer: %w", err)}
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 1) // its end
	switch {
	case result.Errors == nil:
		return nil, outcome{err: errors.New("the answer is none of the bulk protocol")}
	case !*result.Errors:
		return nil, outcome{}
	case result.Items == nil:
		return []item{}, outcome{}
	}
	return result.Items, outcome{}
}

// withoutURL is why a request failed.
func withoutURL(err error) error {
	var in *url.Error
	if errors.As(err, &in) {
		return in.Err
	}
	return err
}

// pauseOf is how long Retry-After asks to wait, in seconds; 0: it does not.
func pauseOf(value string) time.Duration {
	seconds, err := strconv.Atoi(value)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 3600))*time.Second, maxPause)
}

func (s *bulkSink) close() { s.transport.CloseIdleConnections() }
