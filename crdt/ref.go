package crdt

// ref says where a record lies: the position in its slab, counted from 1, and
// in the lowest bit whether that is the slab of tombstones. 31 bits are enough:
// 2^31 heroes would take more than 200 GB.
type ref uint32

const none ref = 0

func heroAt(at uint32) ref { return ref(at+1) << 1 }

func tombstoneAt(at uint32) ref { return ref(at+1)<<1 | 1 }

func (r ref) at() uint32 { return uint32(r>>1) - 1 }

func (r ref) kind() Kind {
	switch {
	case r == none:
		return KindNone
	case r&1 == 0:
		return KindHero
	default:
		return KindTombstone
	}
}
