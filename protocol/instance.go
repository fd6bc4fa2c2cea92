package protocol

import (
	"bytes"
	"cmp"
	"fmt"
	"unsafe"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/cbor"
)

// InstanceRandomBytes is the number of random bytes in an Instance: as many as make it
// certain that no two processes draw the same.
const InstanceRandomBytes = 16

// An Instance names one process that runs a city. It is drawn when the process starts, and
// neither a crash of the city nor a bomb changes it. Of two processes that run with one
// key the one with the greater Instance stops. On the wire it is an array of two.
type Instance struct {
	_       struct{}   `cbor:",toarray"`
	Started crdt.Stamp // the clock when the process started
	Random  [InstanceRandomBytes]byte
}

// Compare orders by Started, then by Random.
func (i Instance) Compare(other Instance) int {
	return cmp.Or(cmp.Compare(i.Started, other.Started), bytes.Compare(i.Random[:], other.Random[:]))
}

func appendInstance(dst []byte, i *Instance) []byte {
	dst = cbor.AppendHead(dst, cbor.Array, 2)
	return cbor.AppendBytes(cbor.AppendUint(dst, uint64(i.Started)), i.Random[:])
}

func (d *decoder) instance(p unsafe.Pointer) {
	i, start := (*Instance)(p), d.At()
	if n := d.Array("", 1); !d.Failed() && n != 2 {
		d.Fail(start, fmt.Errorf("array of %d, want 2", n))
	}
	i.Started = crdt.Stamp(d.Uint(""))
	d.id((*crdt.ID)(&i.Random))
}
