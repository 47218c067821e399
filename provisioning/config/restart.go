package config

import "reflect"

// Fixed returns a fault for each setting that differs from running's and is
// only read when the process starts. A nil running has none.
func (c *Config) Fixed(running *Config) Faults {
	if running == nil {
		return nil
	}
	v := new(checker)
	v.fixed([]any{"ports"}, c.Ports, running.Ports)
	v.fixed([]any{"limits"}, c.Limits, running.Limits)
	if c.AdminAPI.Listen != running.AdminAPI.Listen {
		v.add([]any{"admin_api", "listen"}, "%s", fixedWhileRunning)
	}
	return v.faults
}

const fixedWhileRunning = "fixed while running; restart to change it"

// fixed compares two structs key by key.
func (v *checker) fixed(path []any, now, running any) {
	a, b := reflect.ValueOf(now), reflect.ValueOf(running)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			v.add(at(path, a.Type().Field(i).Tag.Get("yaml")), "%s", fixedWhileRunning)
		}
	}
}
