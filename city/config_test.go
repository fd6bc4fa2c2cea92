package city

import (
	"strings"
	"testing"
)

func TestAConfigOutOfItsBoundsIsRefusedByField(t *testing.T) {
	for want, cfg := range map[string]Config{
		"city name": {Name: "home"},
		"DamageMin": {Name: "gotham", DamageMin: 20, DamageMax: 10},
		"DamageMax": {Name: "gotham", DamageMax: 101},
		"Boost":     {Name: "gotham", Boost: -1},
		"HealthMax": {Name: "gotham", HealthMax: 101},
	} {
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want it to name %s", cfg, err, want)
		}
	}
	for _, cfg := range []Config{{Name: "gotham"}, {Name: "gotham", DamageMin: 50}, {Name: "gotham", DamageMin: 7, DamageMax: 7}} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
