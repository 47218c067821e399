package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// usersFile is the users.cnf of an installation, with the groups of shop.
func usersFile(hash string, groups ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<IDataXMLCoder version="1.0"><record javaclass="com.wm.data.ISMemDataImpl">
<record name="users"><record name="Administrator"><value name="password">{sha-256_v2}QUJD</value></record>
<record name="shop"><value name="name">shop</value><value name="password">%s</value></record></record>
<record name="groups">`, hash)
	for _, group := range append(groups, "Everybody") {
		fmt.Fprintf(&b, `<record name="%s"><array name="membership" type="value" depth="1"><value>shop</value></array></record>`, group)
	}
	b.WriteString(`<record name="API-Gateway-Administrators"><array name="membership"><value>Administrator</value></array></record></record></record></IDataXMLCoder>`)
	return b.String()
}

// installUsers writes an installation with these users below dir.
func installUsers(t testing.TB, dir, users string) (file string) {
	t.Helper()
	folder := filepath.Join(dir, "central/IntegrationServer/instances/default/config")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(folder, "users.cnf")
	put(t, file, users)
	return file
}

// authorizeUser: each of its parameters, users, groups and accessProfiles, changes
// the answer; one of them that admits is enough.
func TestAuthorizeUser(t *testing.T) {
	u, dir := newTarget(t, always(ok)), t.TempDir()
	installUsers(t, dir, usersFile(kept(t, "s3same"), "API-Gateway-Providers"))
	text := func(authorize string) string {
		return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
api_gateway: {dir: central}
passwords: {pause: none}
users: [{name: Administrator, password: manage}]
access_profiles:
- {name: Administrators, groups: [API-Gateway-Administrators]}
- {name: Providers, groups: [API-Gateway-Providers]}
apis:
- name: orders
  upstream: {targets: [{url: "http://%s"}]}
  policies:
    identify: {by: [basic], applications: none}
    authorize: %s
`, u.address, authorize)
	}
	d := deploy(t, dir, text("{users: {any: [Administrator]}}"))
	for _, tt := range []struct {
		authorize   string
		admin, shop int
	}{
		{"{users: {any: [Administrator]}}", 200, 403},
		{"{users: {any: [shop]}}", 403, 200},
		{"{groups: {any: [API-Gateway-Administrators]}}", 200, 403},
		{"{groups: {any: [Everybody]}}", 403, 200},
		{"{access_profiles: {any: [Administrators]}}", 200, 403},
		{"{access_profiles: {any: [Providers]}}", 403, 200},
		{"{combine: or, users: {any: [Administrator]}, groups: {any: [Nobody]}, access_profiles: {any: [Administrators]}}", 200, 403},
		{"{combine: or, users: {any: [shop]}, groups: {any: [Nobody]}, access_profiles: {any: [Administrators]}}", 200, 200},
		{"{combine: or, users: {any: [Administrator]}, groups: {any: [Everybody]}, access_profiles: {any: [Administrators]}}", 200, 200},
		{"{combine: or, users: {any: [Administrator]}, groups: {any: [Nobody]}, access_profiles: {any: [Providers]}}", 200, 200},
		{"{combine: and, users: {any: [Administrator]}, access_profiles: {any: [Providers]}}", 403, 403},
	} {
		t.Run(tt.authorize, func(t *testing.T) {
			d.applied(func() { d.write("postern.yaml", text(tt.authorize)+"# "+t.Name()+"\n") })
			wantStatus(t, d.do(shows("/orders/x", "Administrator:manage")), tt.admin)
			wantStatus(t, d.do(shows("/orders/x", "shop:s3same")), tt.shop)
			wantStatus(t, d.do(shows("/orders/x", "shop:manage")), 401)
		})
	}
}

// Users of a central gateway come and go with its file; one whose password is not
// known here cannot show any.
func TestUsersFileIsWatched(t *testing.T) {
	u, dir := newTarget(t, always(ok)), t.TempDir()
	file := installUsers(t, dir, usersFile(kept(t, "s3same")))
	d := deploy(t, dir, fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
api_gateway: {dir: central}
apis:
- name: orders
  upstream: {targets: [{url: "http://%s"}]}
  policies:
    identify: {by: [basic], applications: none}
    authorize: {groups: {any: [Buyers]}}
`, u.address))
	wantStatus(t, d.do(shows("/orders/x", "shop:s3same")), 403)
	wantStatus(t, d.do(shows("/orders/x", "Administrator:{sha-256_v2}QUJD")), 401)
	wantStatus(t, d.do(shows("/orders/x", "Administrator:")), 401)
	d.applied(func() { put(t, file, usersFile(kept(t, "s3same"), "Buyers")) })
	wantStatus(t, d.do(shows("/orders/x", "shop:s3same")), 200)
	d.applied(func() { put(t, file, usersFile(kept(t, "another"), "Buyers")) })
	wantStatus(t, d.do(shows("/orders/x", "shop:s3same")), 401)
	wantStatus(t, d.do(shows("/orders/x", "shop:another")), 200)
	d.refused(func() { put(t, file, "<Values>") })
	wantStatus(t, d.do(shows("/orders/x", "shop:another")), 200)
}
