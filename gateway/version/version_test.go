package version

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}
	for _, tt := range []struct {
		name, main, stamp string
		settings          []debug.BuildSetting
		want              string
	}{
		{name: "a tag, or what Go makes of a commit", main: "v1.2.3", settings: commit, want: "v1.2.3"},
		{name: "only a commit", main: "(devel)", settings: commit, want: "0123456789ab"},
		{name: "nothing", main: "(devel)", want: "unknown"},
		{name: "no build info", want: "unknown"},
		{name: "stamped", main: "(devel)", stamp: "v9", want: "v9"},
		{name: "stamped over a tag", main: "v1.2.3", stamp: "v1.2.3-acme", want: "v1.2.3-acme"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info := &debug.BuildInfo{Settings: tt.settings}
			info.Main.Version = tt.main
			got := of(info, tt.stamp)
			if got.Version != tt.want || got.String() != tt.want || got.Dirty != (tt.settings != nil) {
				t.Errorf("%+v, want version %q", got, tt.want)
			}
		})
	}
}
