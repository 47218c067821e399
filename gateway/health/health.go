// Package health is the commands that ask a running gateway on this host: how it
// is, for probes in an image that has no shell, and what it serves.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"postern/provisioning"
)

const (
	patience = 2 * time.Second
	maxBody  = 64 << 10
)

type command struct {
	provisioning.Flags
	live bool
	url  string
}

// New is the command. It asks the operator's listener of a gateway on this host.
func New() *cobra.Command {
	var c command
	made := &cobra.Command{
		Use: "health", Short: "Ask the gateway on this host whether it is ready.", Args: cobra.NoArgs,
		Long: `It reads admin_api.listen from the configuration that the gateway was started
with, and waits 2 seconds at most. Exit code 1: not ready, with the reasons.`,
		Example: `	HEALTHCHECK CMD ["/postern", "health"]
	postern health -c postern.yaml || echo "not ready"
	postern health --live --url http://127.0.0.1:9485`,
		RunE: func(called *cobra.Command, _ []string) error {
			if err := c.run(called.Context()); err != nil {
				return err
			}
			_, err := fmt.Fprintln(called.OutOrStdout(), "ok")
			return err
		},
	}
	c.Bind(made)
	made.Flags().BoolVar(&c.live, "live", false, "Ask only whether the process answers (/livez), not whether requests should come to it (/readyz).")
	made.Flags().StringVar(&c.url, "url", "", "Ask at this `ADDRESS`, whatever the configuration says: http://127.0.0.1:9485.")
	return made
}

// run returns an error that says why the gateway is not ready.
func (c command) run(ctx context.Context) error {
	base := c.url
	if base == "" {
		var err error
		if base, err = loopback("admin_api.listen", provisioning.Glance(c.Sources()).AdminAPI.Listen); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	path := "/readyz"
	if c.live {
		path = "/livez"
	}
	return ask(ctx, strings.TrimSuffix(base, "/")+path)
}

// loopback is the address under which this host reaches a listener, of which
// name says where it is stated.
func loopback(name, listen string) (string, error) {
	address, err := netip.ParseAddrPort(listen)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s %q is not ip:port", name, listen)
	case address.Port() == 0:
		return "", errors.New(name + " takes a free port: say with --url or -p which one it took")
	}
	host := address.Addr().Unmap()
	if host.IsUnspecified() && host.Is4() {
		host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	} else if host.IsUnspecified() {
		host = netip.IPv6Loopback()
	}
	return "http://" + netip.AddrPortFrom(host, address.Port()).String(), nil
}

// send asks once. It uses no proxy and follows no redirect: the one who answers
// is the one who was asked.
func send(request *http.Request) (*http.Response, error) {
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("not reachable: %w", err)
	}
	return response, nil
}

// ask returns nil when the answer is 200.
func ask(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask %q: %w", address, err)
	}
	response, err := send(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxBody)) // what came is shown
	var answer struct {
		Reasons []string `json:"reasons"`
	}
	if json.Unmarshal(body, &answer) == nil && len(answer.Reasons) > 0 {
		return fmt.Errorf("not ready: %s", strings.Join(answer.Reasons, "\nnot ready: "))
	}
	return fmt.Errorf("not ready: %s answers %s", address, response.Status)
}
