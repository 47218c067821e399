package settings

import (
	"encoding/hex"
	"reflect"

	"postern/provisioning/config"
)

// apiKey is a secret, or {sha256: HEX} of it. Faults never repeat it.
func (d *decoder) apiKey(n *Node, v *config.APIKey) {
	if n.Kind != Mapping || n.find("sha256") < 0 {
		var key config.Secret
		if d.secret(n, &key); !key.IsZero() {
			*v = config.NewAPIKey(key.Reveal())
		}
		return
	}
	var form struct {
		SHA256 string `yaml:"sha256"`
	}
	d.mapping(n, reflect.ValueOf(&form).Elem())
	digest, err := hex.DecodeString(form.SHA256)
	if err != nil || len(digest) != len(v.Digest()) {
		d.fault(n.Items[n.find("sha256")], "is not a SHA-256 in hex: 64 digits, as sha256sum prints them")
		return
	}
	*v = config.APIKeyOf([32]byte(digest))
}

// addressRange is an address, a range in CIDR notation, or first-last.
func (d *decoder) addressRange(n *Node, v *config.AddressRange) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	var err error
	if *v, err = config.ParseAddressRange(text); err != nil {
		d.fault(n, "%v", err)
	}
}
