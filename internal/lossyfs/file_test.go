//go:build linux && (amd64 || arm64)

package lossyfs

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A file is held against the states that it went through: after a cut it is one of
// those since the sync, or one of them with a part of the next write.
func TestAFileThatIsCutIsAsItWasAtSomeTimeSinceItsSync(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f file
		was := [][]byte{nil} // since the sync
		var torn []write     // the write after each of those
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				f.sync()
				was, torn = was[len(was)-1:], nil
				continue
			case 1:
				torn = append(torn, write{at: rapid.Int64Range(0, 30).Draw(t, "length")})
			default:
				torn = append(torn, write{
					at:    rapid.Int64Range(0, 30).Draw(t, "at"),
					bytes: rapid.SliceOfN(rapid.Byte(), 1, 10).Draw(t, "bytes"),
				})
			}
			w := torn[len(torn)-1]
			var err error
			if w.bytes == nil {
				err = f.resize(w.at)
			} else {
				err = f.write(w.bytes, w.at)
			}
			if err != nil {
				t.Fatal(err)
			}
			was = append(was, written(was[len(was)-1], w))
		}
		if !bytes.Equal(f.now, was[len(was)-1]) {
			t.Fatalf("it holds %v, want %v", f.now, was[len(was)-1])
		}
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		left, loss := f.survive(chance)
		if !explained(left, was[len(was)-1-loss.Writes], torn[len(torn)-loss.Writes:], loss.Torn) {
			t.Fatalf("%v is left, %v lost, of %v", left, loss, was)
		}
	})
}

// written is the plain way to write, a byte at a time.
func written(content []byte, w write) []byte {
	content = bytes.Clone(content)
	if w.bytes == nil && int(w.at) < len(content) {
		return content[:w.at]
	}
	for len(content) < int(w.at)+len(w.bytes) {
		content = append(content, 0)
	}
	for i, b := range w.bytes {
		content[int(w.at)+i] = b
	}
	return content
}

// explained reports whether left is content, or content with some of the next write.
func explained(left, content []byte, lost []write, torn int) bool {
	if torn == 0 {
		return bytes.Equal(left, content)
	}
	for n := 1; n < len(lost[0].bytes); n++ {
		if bytes.Equal(left, written(content, write{lost[0].at, lost[0].bytes[:n]})) {
			return true
		}
	}
	return false
}

// A program that never syncs does not make the disk hold more and more.
func TestTheOldestWritesBecomeDurableByThemselves(t *testing.T) {
	var f file
	block := make([]byte, 1<<20)
	for i := range 40 {
		block[0] = byte(i)
		if err := f.write(block, 0); err != nil {
			t.Fatal(err)
		}
	}
	if f.bytes > unsyncedBytesMax || f.synced[0] != byte(40-len(f.unsynced)-1) {
		t.Errorf("%d bytes in %d writes wait, and durable is write %d", f.bytes, len(f.unsynced), f.synced[0])
	}
	if err := f.write(block, fileBytesMax-1); err == nil {
		t.Error("a file is longer than files may be")
	}
}
