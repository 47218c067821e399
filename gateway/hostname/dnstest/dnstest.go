// Package dnstest serves a few names over DNS on loopback, for tests.
package dnstest

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Server is a DNS server on loopback, over UDP and TCP.
type Server struct {
	Address string
	Asked   atomic.Int64  // questions that have come
	Mute    atomic.Bool   // it answers nothing
	Broken  atomic.Bool   // it answers SERVFAIL
	Silent  chan struct{} // has one for each question that was not answered

	t     testing.TB
	zone  map[string][]Record
	mu    sync.Mutex
	names []string
}

// Record is an A or AAAA (an address), a PTR ("ptr name.") or a CNAME ("cname
// name.").
type Record string

// Serve answers for a zone, by names with their dot and in small letters, until
// the test ends.
func Serve(t testing.TB, zone map[string][]Record) *Server {
	t.Helper()
	udp, tcp := listen(t)
	d := &Server{t: t, Address: udp.LocalAddr().String(), zone: zone, Silent: make(chan struct{}, 1000)}
	var ended sync.WaitGroup
	ended.Go(func() { d.udp(udp) })
	ended.Go(func() { d.tcp(tcp) })
	t.Cleanup(func() { udp.Close(); tcp.Close(); ended.Wait() })
	return d
}

// listen takes a port that is free for both.
func listen(t testing.TB) (udp net.PacketConn, tcp net.Listener) {
	t.Helper()
	var err error
	for range 20 {
		if udp, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			continue
		}
		if tcp, err = net.Listen("tcp", udp.LocalAddr().String()); err == nil {
			return udp, tcp
		}
		udp.Close()
	}
	t.Fatal(err)
	return nil, nil
}

// Names are those that were asked for, in their order.
func (d *Server) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.names)
}

func (d *Server) udp(c net.PacketConn) {
	b := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		if answer := d.answer(b[:n], 512); answer != nil {
			_, _ = c.WriteTo(answer, from)
		}
	}
}

func (d *Server) tcp(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err == nil {
			b := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(c, b); err == nil {
				if answer := d.answer(b, 1<<16); answer != nil {
					_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
				}
			}
		}
		c.Close()
	}
}

// answer is nil when nothing is said; what does not fit is cut off, and said to be.
func (d *Server) answer(query []byte, limit int) []byte {
	d.Asked.Add(1)
	if d.Mute.Load() {
		d.Silent <- struct{}{}
		return nil
	}
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: true, RecursionAvailable: true},
		Questions: m.Questions,
	}
	name := strings.ToLower(q.Name.String())
	d.mu.Lock()
	d.names = append(d.names, name)
	records, known := d.zone[name]
	for _, r := range records {
		d.append(&reply, q.Name, q.Type, r)
	}
	d.mu.Unlock()
	switch {
	case d.Broken.Load():
		reply.RCode, reply.Answers = dnsmessage.RCodeServerFailure, nil
	case !known:
		reply.RCode = dnsmessage.RCodeNameError
	}
	text, err := reply.Pack()
	if err == nil && len(text) > limit {
		reply.Truncated, reply.Answers = true, nil
		text, err = reply.Pack()
	}
	if err != nil {
		d.t.Errorf("pack: %v", err)
		return nil
	}
	return text
}

func (d *Server) append(m *dnsmessage.Message, name dnsmessage.Name, kind dnsmessage.Type, r Record) {
	resource := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Type: kind, Class: dnsmessage.ClassINET, TTL: 1}}
	if target, ok := strings.CutPrefix(string(r), "cname "); ok {
		resource.Header.Type = dnsmessage.TypeCNAME
		resource.Body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target)}
		m.Answers = append(m.Answers, resource)
		for _, further := range d.zone[target] {
			d.append(m, dnsmessage.MustNewName(target), kind, further)
		}
		return
	}
	if target, ok := strings.CutPrefix(string(r), "ptr "); ok {
		if kind == dnsmessage.TypePTR {
			resource.Body = &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(target)}
			m.Answers = append(m.Answers, resource)
		}
		return
	}
	switch addr := netip.MustParseAddr(string(r)); {
	case kind == dnsmessage.TypeA && addr.Is4():
		resource.Body = &dnsmessage.AResource{A: addr.As4()}
	case kind == dnsmessage.TypeAAAA && addr.Is6():
		resource.Body = &dnsmessage.AAAAResource{AAAA: addr.As16()}
	default:
		return
	}
	m.Answers = append(m.Answers, resource)
}
