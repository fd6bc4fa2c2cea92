package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/citynode/citynode/crdt"
)

// idOf returns the nth ID, which ascend. It is a UUID of version 7.
func idOf(n int) crdt.ID {
	id := crdt.ID{0x01, 0x98, 0, 0, 0, 0, 0x70, 0, 0x80}
	id[13], id[14], id[15] = byte(n>>16), byte(n>>8), byte(n)
	return id
}

// someHeroes returns heroes with the IDs from one on.
func someHeroes(from, n int) (heroes []crdt.Hero) {
	for i := range n {
		heroes = append(heroes, crdt.Hero{
			ID: idOf(from + i), Name: fmt.Sprintf("hero %d", from+i), Location: "gotham", Health: 100,
			Version: crdt.Version{Assigned: 1 << 40, Replica: 7, HLC: 1<<40 + crdt.Stamp(i)},
		})
	}
	return heroes
}

func someTombstones(from, n int) (dead []crdt.Tombstone) {
	for i := range n {
		dead = append(dead, crdt.Tombstone{ID: idOf(from + i), Version: crdt.Version{HLC: 1 << 41}})
	}
	return dead
}

// headOf returns the head of a file with these entries.
func headOf(e crdt.Entries) Head {
	h := Head{Network: "main", City: "gotham", Peer: bytes.Repeat([]byte{5}, 38), Taken: 1 << 50}
	for _, t := range e.Tombstones {
		h.Summary = h.Summary.Plus(crdt.SummaryOf(crdt.TombstoneRecord(t)))
	}
	for _, x := range e.Heroes {
		h.Summary = h.Summary.Plus(crdt.SummaryOf(crdt.HeroRecord(x)))
	}
	return h
}

// written returns the file with these entries.
func written(t testing.TB, e crdt.Entries) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, headOf(e))
	if err == nil {
		err = errors.Join(w.Add(e), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if w.Bytes() != int64(out.Len()) || w.Entries() != uint64(e.Len()) {
		t.Fatalf("the writer counts %d bytes, %d entries, and wrote %d, %d", w.Bytes(), w.Entries(), out.Len(), e.Len())
	}
	return out.Bytes()
}

// readAll reads a file to its end.
func readAll(in io.Reader) (Head, crdt.Entries, error) {
	r, err := NewReader(in)
	if err != nil {
		return Head{}, crdt.Entries{}, err
	}
	var all crdt.Entries
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Head(), all, nil
		}
		if err != nil {
			return r.Head(), all, err
		}
		all.Append(e)
	}
}

// Some fill no frame, some one, some many; a reader may be given one byte at a time.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, e := range []crdt.Entries{
		{},
		{Heroes: someHeroes(0, 1)},
		{Tombstones: someTombstones(0, 3)},
		{Heroes: someHeroes(3000, 2000), Tombstones: someTombstones(0, 3000)},
	} {
		file := written(t, e)
		for _, in := range []io.Reader{bytes.NewReader(file), iotest.OneByteReader(bytes.NewReader(file))} {
			head, got, err := readAll(in)
			want := headOf(e)
			if err != nil || head.Summary != want.Summary || head.City != want.City || !bytes.Equal(head.Peer, want.Peer) {
				t.Fatalf("%d entries: head %+v, %v", e.Len(), head, err)
			}
			if !bytes.Equal(crdt.AppendEntries(nil, got), crdt.AppendEntries(nil, e)) {
				t.Errorf("%d entries: others are read", e.Len())
			}
		}
	}
}

// However the entries are handed over, in one go or one by one, the file is the same.
func TestEqualStatesHaveEqualFiles(t *testing.T) {
	e := crdt.Entries{Heroes: someHeroes(100, 2000), Tombstones: someTombstones(0, 100)}
	var out bytes.Buffer
	w, err := NewWriter(&out, headOf(e))
	for i := range e.Tombstones {
		err = errors.Join(err, w.Add(crdt.Entries{Tombstones: e.Tombstones[i : i+1]}))
	}
	for i := range e.Heroes {
		err = errors.Join(err, w.Add(crdt.Entries{Heroes: e.Heroes[i : i+1]}))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), written(t, e)) {
		t.Error("the files differ")
	}
}

func TestAWriterRefusesWhatTheHeadDoesNotPromise(t *testing.T) {
	e := crdt.Entries{Heroes: someHeroes(0, 3), Tombstones: someTombstones(10, 2)}
	for fact, add := range map[string][]crdt.Entries{
		"an entry is missing":           {{Heroes: e.Heroes[:2], Tombstones: e.Tombstones}},
		"a tombstone after a hero":      {{Heroes: e.Heroes}, {Tombstones: e.Tombstones}},
		"a hero twice":                  {{Tombstones: e.Tombstones}, {Heroes: e.Heroes}, {Heroes: e.Heroes[2:]}},
		"a hero in another version":     {{Tombstones: e.Tombstones}, {Heroes: append(someHeroes(0, 2), someHeroes(3, 1)...)}},
		"tombstones that do not ascend": {{Tombstones: []crdt.Tombstone{e.Tombstones[1], e.Tombstones[0]}}},
	} {
		w, err := NewWriter(io.Discard, headOf(e))
		for _, some := range add {
			err = errors.Join(err, w.Add(some))
		}
		if err = errors.Join(err, w.Close()); err == nil {
			t.Errorf("%s: written", fact)
		}
	}
}

func TestAHeadThatIsNotValidIsNotWritten(t *testing.T) {
	for _, change := range []func(*Head){
		func(h *Head) { h.Network = "Main" },
		func(h *Head) { h.City = "home" },
		func(h *Head) { h.Peer = nil },
		func(h *Head) { h.Peer = make([]byte, peerBytesMax+1) },
	} {
		h := headOf(crdt.Entries{})
		change(&h)
		if _, err := NewWriter(io.Discard, h); err == nil {
			t.Errorf("%+v is written", h)
		}
	}
}

// A file that ends anywhere before its end is told to be cut off, and nothing else.
func TestACutFileSaysSo(t *testing.T) {
	file := written(t, crdt.Entries{Heroes: someHeroes(1, 900), Tombstones: someTombstones(0, 1)})
	for n := 0; n < len(file); n += 1 + n/50 {
		_, _, err := readAll(bytes.NewReader(file[:n]))
		if cut, ok := errors.AsType[*CutError](err); !ok || cut.Bytes != int64(n) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

// Whatever bit changes, it is noticed.
func TestADamagedFileIsRefused(t *testing.T) {
	file := written(t, crdt.Entries{Heroes: someHeroes(1, 2), Tombstones: someTombstones(0, 1)})
	for i := range file {
		for bit := range 8 {
			bad := bytes.Clone(file)
			bad[i] ^= 1 << bit
			if _, _, err := readAll(bytes.NewReader(bad)); err == nil {
				t.Fatalf("bit %d of byte %d may change", bit, i)
			}
		}
	}
}

func TestALaterVersionIsNamedAsSuch(t *testing.T) {
	file := written(t, crdt.Entries{})
	file[len(magic)+versionBytes-1] = Version + 1
	_, _, err := readAll(bytes.NewReader(file))
	if later, ok := errors.AsType[*VersionError](err); !ok || later.Have != Version+1 || !strings.Contains(err.Error(), "made by a later version") {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoBackupIsNamedAsSuch(t *testing.T) {
	for _, text := range []string{"x", "citynode store\n", strings.Repeat("\x00", 100)} {
		if _, _, err := readAll(strings.NewReader(text)); !errors.Is(err, ErrNotBackup) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A disk that cannot be read says nothing of the file.
func TestAStreamThatFailsIsNoDamage(t *testing.T) {
	broken := errors.New("input/output error")
	file := written(t, crdt.Entries{Heroes: someHeroes(0, 2000)})
	for _, n := range []int{0, 5, 30, 5000} {
		_, _, err := readAll(io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken)))
		_, damaged := errors.AsType[*DamagedError](err)
		if !errors.Is(err, broken) || damaged {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// A file that promises a long frame and has nothing of it makes nobody allocate that.
func TestALengthAloneAllocatesNothing(t *testing.T) {
	file := written(t, crdt.Entries{})
	at := len(magic) + versionBytes
	file = append(file[:at:at], 0, 4, 0, 0, 1) // 256 KiB
	in := bytes.NewReader(file)
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			in.Reset(file)
			_, _, _ = readAll(in)
		}
	}).AllocedBytesPerOp()
	if got > 16<<10 {
		t.Errorf("%d bytes are allocated for a file of %d", got, len(file))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, crdt.Entries{}))
	f.Add(written(f, crdt.Entries{Heroes: someHeroes(1, 2), Tombstones: someTombstones(0, 1)}))
	for _, v := range vectorsOf(f) {
		f.Add(v.bytes(f))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		head, e, err := readAll(bytes.NewReader(file))
		if err != nil {
			return
		}
		// What is taken is what a Writer makes of it, but for where its frames end.
		var out bytes.Buffer
		w, err := NewWriter(&out, head)
		if err == nil {
			err = errors.Join(w.Add(e), w.Close())
		}
		if err != nil {
			t.Fatalf("it is read, and cannot be written: %v", err)
		}
		again, same, err := readAll(&out)
		if err != nil || again.Summary != head.Summary || !bytes.Equal(crdt.AppendEntries(nil, same), crdt.AppendEntries(nil, e)) {
			t.Fatalf("read again: %v", err)
		}
	})
}
