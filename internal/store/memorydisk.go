package store

import "maps"

// memoryDisk is an ordered series of writes: what shows of them, and what is durable.
// Its zero value is empty.
type memoryDisk struct {
	now      map[string][]byte
	durable  map[string][]byte
	unsynced [][]op // the last writes, which are not durable
	written  uint64 // counts all writes
}

// write shows what ops do, and returns the number of the write.
func (d *memoryDisk) write(ops []op) (number uint64) {
	if d.now == nil {
		d.now, d.durable = make(map[string][]byte), make(map[string][]byte)
	}
	applyTo(d.now, ops)
	d.unsynced = append(d.unsynced, ops)
	d.written++
	return d.written
}

// sync makes all writes up to that number durable.
func (d *memoryDisk) sync(number uint64) {
	for len(d.unsynced) > 0 && d.written-uint64(len(d.unsynced)) < number {
		applyTo(d.durable, d.unsynced[0])
		d.unsynced = d.unsynced[1:]
	}
}

// forget loses what is not durable. Those writes keep their numbers.
func (d *memoryDisk) forget() {
	d.now, d.unsynced = maps.Clone(d.durable), nil
}

func applyTo(keys map[string][]byte, ops []op) {
	for _, o := range ops {
		switch {
		case o.end != nil:
			maps.DeleteFunc(keys, func(key string, _ []byte) bool {
				return string(o.key) <= key && key < string(o.end)
			})
		case o.value == nil:
			delete(keys, string(o.key))
		default:
			keys[string(o.key)] = o.value
		}
	}
}
