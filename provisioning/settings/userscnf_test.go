package settings

import (
	"fmt"
	"strings"
	"testing"

	"postern/provisioning/config"
)

// told is what was read, a line for each user.
func told(users []config.User) string {
	var b strings.Builder
	for _, u := range users {
		fmt.Fprintf(&b, "%s %v %s\n", u.Name, u.Groups, u.Password.Reveal())
	}
	return b.String()
}

const someHash = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

func TestReadUsers(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{
			"records by their own name",
			`<Values version="2.0"><record name="users"><record name="alice"/><record name="bob"/></record></Values>`,
			"alice [] \nbob [] \n",
		},
		{
			"names in values, in an array, in any case",
			`<IDataXMLCoder><record><array name="Users" type="record"><record><value name="Name"> alice </value><value name="Password">` + someHash + `</value></record></array></record></IDataXMLCoder>`,
			"alice [] " + someHash + "\n",
		},
		{
			"groups of users and users of groups",
			`<Values><record name="users"><record name="alice"><array name="membership"><value>staff</value></array></record></record>` +
				`<record name="groups"><record name="staff"><array name="members"><value>alice</value></array></record>` +
				`<record name="admins"><array name="membership"><value>alice</value><value>eve</value></array></record></record></Values>`,
			"alice [admins staff] \n",
		},
		{
			"a hash that is not known is not taken for a password",
			`<Values><record name="users"><record name="alice"><value name="password">{sha-256_v2}QUJD</value></record><record name="bob"><value name="password">clear</value></record></record></Values>`,
			"alice [] \nbob [] \n",
		},
		{
			"the first of two",
			`<Values><record name="users"><record name="alice"><array name="groups"><value>a</value></array></record><record name="alice"><array name="groups"><value>b</value></array></record></record></Values>`,
			"alice [a] \n",
		},
		{
			"other things",
			`<Values><value name="users">x</value><record name="other"><record name="eve"/></record><record name="users"><record name="alice"><value name="enabled">true</value></record><value name="x">y</value></record></Values>`,
			"alice [] \n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			users, err := readUsers([]byte(tt.text))
			if err != nil || told(users) != tt.want {
				t.Errorf("%v\ngot:\n%swant:\n%s", err, told(users), tt.want)
			}
		})
	}
}

// What does not look like the file is refused; the error says nothing of what is
// in it.
func TestReadUsersRefuses(t *testing.T) {
	record := `<record name="s3cr3t"/>`
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":           {"", "holds no record of users"},
		"no users":          {`<Values><record name="s3cr3t"/></Values>`, "holds no record of users"},
		"not XML":           {`s3cr3t <a`, "is not XML"},
		"cut short":         {`<Values><record name="users">` + record, "is not XML"},
		"crossed":           {`<Values><record name="users">` + record + `</Values></record>`, "is not XML"},
		"an entity":         {`<Values><record name="users"><record name="&s3cr3t;"/></record></Values>`, "is not XML"},
		"a document type":   {`<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/s3cr3t">]><Values/>`, "holds a document type, which is not read"},
		"another encoding":  {`<?xml version="1.0" encoding="s3cr3t"?><Values/>`, "is not XML"},
		"too deep":          {strings.Repeat("<record>", 40) + strings.Repeat("</record>", 40), "is nested too deeply, or holds too much"},
		"too many elements": {"<a>" + strings.Repeat("<b/>", maxUsersElements) + "</a>", "is nested too deeply, or holds too much"},
		"too many users":    {`<Values><record name="users">` + many(maxImported+1) + `</record></Values>`, "holds more than 20000 users"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readUsers([]byte(tt.text)); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<record name="u%d"/>`, i)
	}
	return b.String()
}

func FuzzReadUsers(f *testing.F) {
	f.Add([]byte(`<Values><record name="users"><record name="alice"><value name="password">` + someHash + `</value></record></record><record name="groups"><record name="g"><array name="members"><value>alice</value></array></record></record></Values>`))
	f.Add([]byte(`<?xml version="1.0"?><IDataXMLCoder><record><record name="users"/></record></IDataXMLCoder>`))
	f.Add([]byte(`<!DOCTYPE a><a>&lt;&#0;</a>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		users, err := readUsers(data)
		if (err == nil) != (len(users) > 0) {
			t.Fatalf("%d users with %v", len(users), err)
		}
		seen := map[string]bool{}
		for _, u := range users {
			if u.Name == "" || seen[u.Name] {
				t.Errorf("a user without a name, or twice: %q", u.Name)
			}
			seen[u.Name] = true
			if text := u.Password.Reveal(); text != "" {
				if _, err := config.ParsePasswordHash(text); err != nil {
					t.Errorf("a password that is no hash: %v", err)
				}
			}
		}
	})
}
