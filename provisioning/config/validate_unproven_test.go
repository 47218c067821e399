package config_test

import (
	"fmt"
	"strings"
	"testing"

	"postern/provisioning/config"
)

// A body is searched with every expression, so there are few, however many
// applications have them.
func TestFewExpressions(t *testing.T) {
	with := func(applications, expressions int) (faults config.Faults) {
		c := config.Default()
		for i := range applications {
			rule := config.PayloadRule{JSONPath: fmt.Sprintf("$.a%d", i%expressions), Equals: fmt.Sprint(i)}
			c.Applications = append(c.Applications, config.Application{Name: fmt.Sprint(i), Identify: config.Identifiers{Payload: []config.PayloadRule{rule}}})
		}
		c.SetDefaults()
		for _, f := range c.Validate() {
			if strings.Contains(f.Message, "different expressions") {
				faults = append(faults, f)
			}
		}
		return faults
	}
	if faults := with(1000, 50); len(faults) > 0 {
		t.Errorf("fifty: %v", faults)
	}
	if faults := with(100, 51); len(faults) != 1 {
		t.Errorf("fifty-one: %v", faults)
	}
}
