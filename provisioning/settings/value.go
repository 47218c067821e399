package settings

import (
	"encoding/base64"
	"math"
	"net/netip"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"postern/provisioning/config"
)

// duration is a number with a unit, or "none" where that makes sense.
func (d *decoder) duration(n *Node, v *config.Duration, f field) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	if text == "none" && f.none {
		*v = config.None
		return
	}
	span, err := time.ParseDuration(text)
	switch {
	case text == "none":
		d.fault(n, "none is not possible here: say a duration such as 30s")
	case onlyDigits(text) && strings.Trim(text, "0") == "" && f.none:
		d.fault(n, "zero is not a duration: say none")
	case onlyDigits(text):
		d.fault(n, "%q lacks a unit: say %ss or %sms", text, text, text)
	case err != nil:
		d.fault(n, "%q is not a duration such as 500ms, 30s or 5m", text)
	case span == 0 && f.none:
		d.fault(n, "%q is not a duration: say none", text)
	case span <= 0:
		d.fault(n, "%q must be above zero", text)
	default:
		*v = config.Duration(span)
	}
}

// units of sizes, the longer suffix before the one it ends with.
var units = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"kB", 1000},
	{"MB", 1000_000},
	{"GB", 1000_000_000},
	{"B", 1},
}

// size is a whole number with a unit, or "none" where that makes sense.
func (d *decoder) size(n *Node, v *config.Size, f field) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	bytes, valid := parseSize(text)
	switch {
	case text == "none" && f.none:
		*v = config.NoSize
	case text == "none":
		d.fault(n, "none is not possible here: say a size such as 1MiB")
	case onlyDigits(text) && strings.Trim(text, "0") != "":
		d.fault(n, "%q lacks a unit such as B, KiB or MiB", text)
	case (valid && bytes == 0 || onlyDigits(text)) && f.none:
		d.fault(n, "%q is not a size: say none", text)
	case valid && bytes == 0 || onlyDigits(text):
		d.fault(n, "%q must be above zero", text)
	case !valid:
		d.fault(n, "%q is not a size such as 512B, 16KiB or 4MiB", text)
	default:
		*v = config.Size(bytes)
	}
}

func parseSize(text string) (bytes int64, ok bool) {
	for _, unit := range units {
		number, found := strings.CutSuffix(text, unit.suffix)
		if !found {
			continue
		}
		number = strings.TrimSuffix(number, " ")
		count, err := strconv.ParseInt(number, 10, 64)
		return count * unit.bytes, err == nil && onlyDigits(number) && count <= math.MaxInt64/unit.bytes
	}
	return 0, false
}

func onlyDigits(text string) bool { return strings.Trim(text, "0123456789") == "" && text != "" }

// ratio is a number above 0 and up to 1, or "none" where that makes sense.
func (d *decoder) ratio(n *Node, v *config.Ratio, f field) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	part, err := strconv.ParseFloat(text, 64)
	switch {
	case text == "none" && f.none:
		*v = config.NoRatio
	case strings.HasSuffix(text, "%"):
		d.fault(n, "%q is not a ratio: 10%% is 0.1", text)
	case err != nil || math.IsNaN(part):
		d.fault(n, "%q is not a number such as 0.1", text)
	case part == 0 && f.none:
		d.fault(n, "zero is not a ratio: say none")
	case part <= 0 || part > 1:
		d.fault(n, "%s must be above 0 and at most 1", text)
	default:
		*v = config.Ratio(part)
	}
}

// address is a port, ip:port, or "none".
func (d *decoder) address(n *Node, v *config.Address) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	if text == "none" {
		*v = config.NoAddress
		return
	}
	port := strings.TrimPrefix(text, ":")
	if _, err := strconv.ParseUint(port, 10, 16); err == nil && onlyDigits(port) {
		*v = config.Address(":" + port)
		return
	}
	if onlyDigits(port) {
		d.fault(n, "port %s is above 65535", port)
		return
	}
	if _, err := netip.ParseAddrPort(text); err != nil {
		d.fault(n, "%q is not a port, ip:port or none", text)
		return
	}
	*v = config.Address(text)
}

// prefix is an address range or a single address.
func (d *decoder) prefix(n *Node, v *config.Prefix) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		v.Prefix = netip.PrefixFrom(ip, ip.BitLen())
		return
	}
	found, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		d.fault(n, "%q is not an address or a range such as 10.0.0.0/8", text)
	case found != found.Masked():
		d.fault(n, "%q has bits beyond its length; did you mean %q?", text, found.Masked())
	case found.Addr().Is4In6():
		d.fault(n, "%q: write an IPv4 range as IPv4", text)
	default:
		v.Prefix = found
	}
}

// file is read now: what is built from it later has no side effect.
func (d *decoder) file(n *Node, v *config.File) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	path := absolute(n, text)
	data, err := d.files.Read(path, maxFile)
	if err != nil {
		d.fault(n, "read %q: %v", text, err)
	}
	v.Path, v.Data = path, data // also then: it was named, so it is not missing
}

// folder need not be there yet.
func (d *decoder) folder(n *Node, v *config.Folder) {
	if text, ok := d.scalar(n); ok {
		*v = config.Folder(absolute(n, text))
	}
}

// absolute is a path that may be relative to the file that names it.
func absolute(n *Node, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(n.src.Dir, path)
}

// secret is a text, {env: NAME}, {file: PATH} or "{encoded}…". Faults never
// repeat it.
func (d *decoder) secret(n *Node, v *config.Secret) {
	switch n.Kind {
	case Mapping:
		d.secretSource(n, v)
	case Scalar:
		d.secretText(n, v)
	default:
		d.fault(n, "must be text, {env: NAME} or {file: PATH}, is %s", n.Kind)
	}
}

func (d *decoder) secretText(n *Node, v *config.Secret) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	if strings.HasPrefix(text, "{sealed}") {
		d.fault(n, `"{sealed}" is not supported yet`)
		return
	}
	code, isCode := strings.CutPrefix(text, "{encoded}")
	if !isCode {
		*v = config.NewSecret(text)
		return
	}
	plain, err := base64.StdEncoding.DecodeString(code)
	if err != nil || len(plain) == 0 {
		d.fault(n, "what follows {encoded} is not base64")
		return
	}
	*v = config.NewSecret(string(plain))
}

func (d *decoder) secretSource(n *Node, v *config.Secret) {
	var form struct {
		Env  string      `yaml:"env"`
		File config.File `yaml:"file"`
	}
	for _, key := range n.Keys {
		if key.Text != "env" && key.Text != "file" {
			// The key may be the secret itself, in braces that nobody quoted.
			d.fault(key, "must hold env or file%s; a text that begins with { is quoted", config.DidYouMean(key.Text, []string{"env", "file"}))
			return
		}
	}
	before := len(d.faults)
	d.mapping(n, reflect.ValueOf(&form).Elem())
	if len(d.faults) > before {
		d.broken[pathText(d.at)] = true
		return
	}
	value := ""
	switch {
	case len(n.Keys) != 1:
		d.fault(n, "must hold exactly one of env and file")
		return
	case form.Env != "":
		var set bool
		if value, set = d.files.Getenv(form.Env); !set {
			d.fault(n, "environment variable %s is not set", form.Env)
			return
		}
	default:
		value = strings.TrimSuffix(strings.TrimSuffix(string(form.File.Data), "\n"), "\r")
	}
	if value == "" {
		d.fault(n, "the secret is empty")
		return
	}
	*v = config.NewSecret(value)
}
