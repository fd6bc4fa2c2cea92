//go:build linux

package e2e

import (
	"fmt"
	"strings"
)

// tells returns an error unless status at the city says all of that.
func (c *city) tells(all ...string) error {
	said, err := c.say("status")
	if err != nil {
		return fmt.Errorf("status: %w:\n%s", err, said)
	}
	for _, part := range all {
		if !strings.Contains(said, part) {
			return fmt.Errorf("status at %s does not say %q:\n%s", c.name, part, said)
		}
	}
	return nil
}

// checks returns an error unless status --check at the city ends with that code.
func (c *city) checks(code int) error {
	said, err := c.say("status", "--check")
	if got := exitOf(err); err != nil && got != code || err == nil && code != 0 {
		return fmt.Errorf("status --check at %s: %v, want exit code %d:\n%s", c.name, err, code, said)
	}
	return nil
}
