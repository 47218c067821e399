package hostname_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// dns is a DNS server on loopback, over UDP and TCP.
type dns struct {
	t       testing.TB
	address string
	asked   atomic.Int64
	mute    atomic.Bool // answers nothing
	broken  atomic.Bool // answers SERVFAIL
	silent  chan struct{}

	mu    sync.Mutex
	zone  map[string][]record // by name with its dot, in small letters
	names []string            // that were asked for
}

// record is an A or AAAA (an address), a PTR ("ptr name.") or a CNAME ("cname name.").
type record string

func serve(t testing.TB, zone map[string][]record) *dns {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	d := &dns{t: t, address: udp.LocalAddr().String(), zone: zone, silent: make(chan struct{}, 1000)}
	var ended sync.WaitGroup
	ended.Go(func() { d.udp(udp) })
	ended.Go(func() { d.tcp(tcp) })
	t.Cleanup(func() { udp.Close(); tcp.Close(); ended.Wait() })
	return d
}

func (d *dns) udp(c net.PacketConn) {
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

func (d *dns) tcp(l net.Listener) {
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
func (d *dns) answer(query []byte, limit int) []byte {
	d.asked.Add(1)
	if d.mute.Load() {
		d.silent <- struct{}{}
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
	case d.broken.Load():
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

func (d *dns) append(m *dnsmessage.Message, name dnsmessage.Name, kind dnsmessage.Type, r record) {
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
