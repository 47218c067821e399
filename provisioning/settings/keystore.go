package settings

import (
	"bytes"
	"encoding/pem"
	"reflect"
	"slices"

	"postern/provisioning/config"
	"postern/provisioning/keystore"
)

// ofStore is union for what Java stores can hold: it is read now and kept as PEM.
func (d *decoder) ofStore(n *Node, target any) bool {
	switch v := target.(type) {
	case *config.Certificate:
		d.certificate(n, v)
	case *config.Authorities:
		d.authorities(n, v)
	default:
		return false
	}
	return true
}

// certificate is two PEM files, or the entry of a store.
func (d *decoder) certificate(n *Node, v *config.Certificate) {
	before := len(d.faults)
	d.mapping(n, reflect.ValueOf(v).Elem())
	at := n.get("keystore")
	if n.Kind != Mapping || at == nil {
		return
	}
	stated := !v.Certificate.IsZero() || !v.Key.IsZero()
	v.Certificate.Path, v.Key.Path = "keystore", "keystore" // also then: none is missing
	if len(d.faults) > before || v.Keystore == nil {
		return
	}
	d.below("keystore", func() { d.pair(at, v, stated) })
}

func (d *decoder) pair(at *Node, v *config.Certificate, stated bool) {
	store := v.Keystore
	switch {
	case stated:
		d.fault(at, "state this, or certificate and key")
		return
	case store.File.IsZero():
		d.fault(at, "file is missing: a PKCS #12 or JKS file")
		return
	}
	pair, err := keystore.PrivateKey(store.File.Data, store.Password.Reveal(), store.Alias)
	if err != nil {
		d.fault(at, "store: %v", err)
		return
	}
	v.Certificate = config.File{Path: store.File.Path, Data: pair.ChainPEM()}
	v.Key = config.File{Path: store.File.Path, Data: pair.KeyPEM()}
}

// authorities are all certificates of a store.
func (d *decoder) authorities(n *Node, v *config.Authorities) {
	before := len(d.faults)
	d.mapping(n, reflect.ValueOf(v).Elem())
	switch {
	case len(d.faults) > before:
		return
	case v.Location.IsZero():
		d.fault(n, "location is missing: a PKCS #12 or JKS file")
		return
	}
	entries, err := keystore.Certificates(v.Location.Data, v.Password.Reveal())
	switch {
	case err != nil:
		d.fault(n, "store: %v", err)
	case len(entries) == 0:
		d.fault(n, "the store holds no certificate")
	}
	var b bytes.Buffer
	for _, entry := range entries {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: entry.Certificate.Raw}))
	}
	v.Location.Data = b.Bytes()
}

// stores are webMethods' key_store and trust_store: the kind is told from the file.
func (v *vendor) stores() {
	if named, from := v.section("trust_store"); from != nil {
		if from.get("type") != nil || from.get("provider") != nil {
			v.tree.asVendor(named)
		}
		own := v.own("trust_store", named)
		own.drop("type")
		own.drop("provider")
	}
	named, from := v.section("key_store")
	if from == nil {
		v.selfSigned()
		return
	}
	v.tree.asVendor(named)
	v.root.drop("key_store")
	store := named.mapping()
	for i, key := range from.Keys {
		ours := map[string]string{"location": "file", "password": "password", "alias": "alias"}[key.Text]
		switch {
		case ours != "":
			store.put(ours, from.Items[i])
		case key.Text != "type" && key.Text != "provider":
			v.fault(key, "key_store."+key.Text, "unknown field "+quoted(key.Text)+config.DidYouMean(key.Text, storeKeys))
		}
	}
	certificate := named.mapping()
	certificate.put("keystore", store)
	tls := v.own("tls", named)
	switch all := tls.get("certificates"); {
	case all == nil:
		tls.put("certificates", named.list(certificate))
	case all.Kind == List:
		joined := *all
		joined.Items = append(slices.Clip(all.Items), certificate)
		tls.put("certificates", &joined)
	}
}

// selfSigned is the certificate of webMethods' https port that states none.
func (v *vendor) selfSigned() {
	_, ports := v.section("ports")
	if v.tree.vendor == nil || ports == nil || v.root.get("tls") != nil {
		return
	}
	if https := ports.get("https"); https != nil && https.Text != "none" {
		v.own("tls", https).put("self_signed", https.scalar("true"))
		v.warn(https, "tls.self_signed", "is true, since there is no certificate: say key_store, or tls")
	}
}

var storeKeys = []string{"type", "provider", "location", "password", "alias"}
