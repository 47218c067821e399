package settings

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// usersFiles are where an installation keeps its users, below its folder: the
// Integration Server that the central gateway is, and a microgateway.
var usersFiles = []string{"IntegrationServer/instances/default/config/users.cnf", "config/users.cnf"}

// installation is a folder that holds users.cnf. It is read now, as every file.
func (d *decoder) installation(n *Node, v *config.Installation) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	v.Path = absolute(n, text)
	var missing error
	for _, name := range usersFiles {
		data, err := d.files.Read(v.Path+"/"+name, maxUsersFile)
		if err != nil {
			missing = errors.Join(missing, fmt.Errorf("read %s: %w", name, err))
			continue
		}
		if v.Users, err = readUsers(data); err != nil {
			d.fault(n, "%s: %v", name, err)
		}
		return
	}
	d.fault(n, "holds no users.cnf: %s", strings.ReplaceAll(missing.Error(), "\n", "; "))
}

// Bounds on users.cnf, which another server writes.
const (
	maxUsersFile     = 8 << 20
	maxUsersDepth    = 16
	maxUsersElements = 200_000
	maxImported      = 20_000
)

// element is one element of the XML in which Integration Server keeps values:
// <value name="…">text</value>, <record name="…"> of them, and <array>.
type element struct {
	kind, name string
	text       []byte
	children   []*element
}

// readUsers reads users, their groups and such password hashes as are known.
// The records that hold them are found by their names, users and groups.
func readUsers(data []byte) ([]config.User, error) {
	root, err := readElements(data)
	if err != nil {
		return nil, err
	}
	users, groups := map[string]*config.User{}, root.find("groups", 0)
	for _, record := range root.find("users", 0).records() {
		name := record.title()
		if name == "" || users[name] != nil {
			continue
		}
		users[name] = &config.User{Name: name, Password: record.password(), Groups: record.members()}
	}
	if len(users) == 0 {
		return nil, errors.New("holds no record of users")
	}
	for _, group := range groups.records() {
		for _, member := range group.members() {
			if u := users[member]; u != nil && group.title() != "" {
				u.Groups = append(u.Groups, group.title())
			}
		}
	}
	if len(users) > maxImported {
		return nil, fmt.Errorf("holds more than %d users", maxImported)
	}
	list := make([]config.User, 0, len(users))
	for _, name := range slices.Sorted(maps.Keys(users)) {
		u := users[name]
		slices.Sort(u.Groups)
		u.Groups = slices.Compact(u.Groups)
		list = append(list, *u)
	}
	return list, nil
}

// readElements reads XML within its bounds; nothing outside of it is fetched.
func readElements(data []byte) (*element, error) {
	root := &element{}
	open, count := []*element{root}, 0
	decoder := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := decoder.Token()
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > maxUsersElements || len(open) > maxUsersDepth {
				return nil, errors.New("is nested too deeply, or holds too much")
			}
			e := &element{kind: t.Name.Local, name: attribute(t, "name")}
			at := open[len(open)-1]
			at.children = append(at.children, e)
			open = append(open, e)
		case xml.CharData:
			open[len(open)-1].text = append(open[len(open)-1].text, t...)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.Directive:
			return nil, errors.New("holds a document type, which is not read")
		}
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return nil, errors.New("is not XML") // without the text: hashes are in it
		}
	}
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// find looks for the nearest container of that name, the root's own first. It
// is nil when there is none.
func (e *element) find(name string, depth int) *element {
	for _, c := range e.children {
		if c.kind != "value" && strings.EqualFold(c.name, name) {
			return c
		}
	}
	if depth >= 3 {
		return nil
	}
	for _, c := range e.children {
		if found := c.find(name, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// records are the records in a container; a nil one has none.
func (e *element) records() (records []*element) {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.kind == "record" {
			records = append(records, c)
		}
	}
	return records
}

// title is what a record is called: by itself, or by a value in it.
func (e *element) title() string {
	if text := e.value("name", "userName", "groupName"); text != "" {
		return text
	}
	return e.name
}

// value is the text of the first value with one of these names.
func (e *element) value(names ...string) string {
	for _, c := range e.children {
		if c.kind == "value" && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, c.name) }) {
			return strings.TrimSpace(string(c.text))
		}
	}
	return ""
}

// password is a hash that can be verified here, or nothing.
func (e *element) password() config.Secret {
	text := e.value("password", "hashedPassword")
	if _, err := config.ParsePasswordHash(text); err != nil {
		return config.Secret{}
	}
	return config.NewSecret(text)
}

// memberLists are the names under which a group lists its members, or a user
// its groups.
var memberLists = []string{"members", "membership", "users", "groups"}

// members are the texts of such lists.
func (e *element) members() (members []string) {
	for _, list := range e.children {
		if list.kind != "array" || !slices.ContainsFunc(memberLists, func(n string) bool { return strings.EqualFold(n, list.name) }) {
			continue
		}
		for _, c := range list.children {
			if text := strings.TrimSpace(string(c.text)); c.kind == "value" && text != "" {
				members = append(members, text)
			}
		}
	}
	return members
}
