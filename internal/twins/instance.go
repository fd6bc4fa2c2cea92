package twins

import (
	"crypto/rand"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// Draw returns the instance of a process that starts now.
func Draw(now crdt.Stamp) protocol.Instance {
	i := protocol.Instance{Started: now}
	_, _ = rand.Read(i.Random[:]) // never fails
	return i
}
