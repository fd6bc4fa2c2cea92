package store_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// aFolder is a store that was closed, or left as a crash of the process leaves it,
// after n commits of five heroes each, and what its last log was before the last.
func aFolder(t testing.TB, n int, closed bool) (f store.MemFS, want storetest.Contents, before int) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	f, want = store.MemFS{FS: mem}, storetest.NewContents()
	s, err := f.Open(storetest.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range n {
		before = len(read(t, f.FS, newest(t, f.FS, ".log")))
		b := batch(10*i, 5)
		b.Epoch = 1
		if err := s.Commit(b); err != nil {
			t.Fatal(err)
		}
		if i < n-1 {
			want.Apply(b)
		}
	}
	if closed {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return store.MemFS{FS: mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0})}, want, before
}

// newest returns the path of the last file in the database whose name has the part.
func newest(t testing.TB, fs vfs.FS, part string) string {
	t.Helper()
	dir := store.CityDir + "/db"
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.Contains(n, part) || strings.HasPrefix(n, "marker") })
	if len(names) == 0 {
		t.Fatalf("no %s", part)
	}
	return path.Join(dir, slices.Max(names))
}

func read(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t testing.TB, fs vfs.FS, name string, text []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(slices.Clone(text)) // which may be overwritten
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// contents are the bytes of all files of a folder but the lock.
func contents(t testing.TB, fs vfs.FS) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range []string{store.CityDir, store.CityDir + "/db"} {
		names, err := fs.List(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if info, err := fs.Stat(path.Join(dir, name)); err == nil && !info.IsDir() && name != "LOCK" {
				all[path.Join(dir, name)] = string(read(t, fs, path.Join(dir, name)))
			}
		}
	}
	return all
}

func TestALogThatIsCutInItsLastRecordIsRepaired(t *testing.T) {
	f, want, before := aFolder(t, 4, false)
	log := newest(t, f.FS, ".log")
	text := read(t, f.FS, log)
	end := len(bytes.TrimRight(text, "\x00"))
	if end <= before {
		t.Fatalf("the log ends at %d, before the last record at %d", end, before)
	}
	for cut := before; cut < end; cut += step(5) {
		f, _, _ := aFolder(t, 4, false)
		write(t, f.FS, log, text[:cut])
		// A crash tears what no sync has ended for.
		f.WriteWitness(log, text[:before])
		s, err := f.Open(storetest.Config())
		if err != nil {
			t.Fatalf("cut at %d of %d: %v", cut, end, err)
		}
		dropped := len(bytes.TrimRight(text[before:cut], "\x00"))
		if r := s.Recovered(); r.DroppedBytes != int64(dropped) || dropped > 0 && (r.File != log || r.Offset != int64(before)) {
			t.Errorf("cut at %d of %d: recovered %+v; want %d bytes after %d", cut, end, r, dropped, before)
		}
		if got := storetest.Load(t, s); !got.Equal(want) {
			t.Errorf("cut at %d of %d: %d heroes, want %d", cut, end, len(got.Heroes), len(want.Heroes))
		}
		s.Close()
		if s, err = f.Open(storetest.Config()); err != nil || s.Recovered() != (store.Recovered{}) {
			t.Fatalf("cut at %d, opened again: %v", cut, err)
		}
		s.Close()
	}
}

// flip changes a bit of a file, and checks that the damage is found there by Verify
// and, if open has to notice, by Open, which then changes nothing.
func flip(t *testing.T, f store.MemFS, name string, at int, atOpen bool) {
	t.Helper()
	text := read(t, f.FS, name)
	text[at] ^= 4
	write(t, f.FS, name, text)
	report, err := f.Verify()
	if err != nil || len(report.Problems) == 0 || report.Problems[0].File != name || report.Problems[0].Offset < 0 {
		t.Errorf("%s, byte %d of %d: verify found %+v, %v", name, at, len(text), report.Problems, err)
	}
	was := contents(t, f.FS)
	s, err := f.Open(storetest.Config())
	if err == nil && !atOpen {
		err = s.Load(t.Context(), func(store.Part) error { return nil })
		s.Close()
	}
	if now := contents(t, f.FS); atOpen && !maps.Equal(now, was) {
		t.Errorf("%s, byte %d: opening changed the folder", name, at)
	}
	c, ok := errors.AsType[*store.CorruptError](err)
	if !ok || c.File != name || c.Offset < 0 || c.Offset > int64(at) {
		t.Errorf("%s, byte %d of %d: %v; want it to be found", name, at, len(text), err)
	}
}

func TestADamagedLogIsRefused(t *testing.T) {
	_, _, end := aFolder(t, 6, false)
	for at := 0; at < end-400; at += 97 {
		f, _, _ := aFolder(t, 6, false)
		flip(t, f, newest(t, f.FS, ".log"), at, true)
	}
}

func TestADamagedManifestIsRefused(t *testing.T) {
	for i := range 20 { // over the first half: what is at the end may be torn
		f, _, _ := aFolder(t, 400, true)
		name := newest(t, f.FS, "MANIFEST")
		flip(t, f, name, i*len(read(t, f.FS, name))/40, true)
	}
}

func TestADamagedTableIsFound(t *testing.T) {
	for _, part := range []int{2, 3, 10} {
		f, _, _ := aFolder(t, 400, true)
		name := newest(t, f.FS, ".sst")
		flip(t, f, name, len(read(t, f.FS, name))/part, false)
	}
}

func TestVerifyCountsAllThatIsThere(t *testing.T) {
	f, want, _ := aFolder(t, 40, true)
	r, err := f.Verify()
	if err != nil || r.Heroes != len(want.Heroes)+5 || r.Answers != 40 || r.Epoch != 1 || len(r.Problems) != 0 {
		t.Errorf("verify: %+v, %v", r, err)
	}
}

// A log may be empty after a crash, if nothing in it was synced; no other file that counts
// may.
func TestAnEmptyFileIsRefused(t *testing.T) {
	for _, part := range []string{"MANIFEST", ".sst"} {
		f, _, _ := aFolder(t, 400, true)
		name := newest(t, f.FS, part)
		write(t, f.FS, name, nil)
		_, err := f.Open(storetest.Config())
		if !as[*store.CorruptError](err) {
			t.Errorf("%s is empty: %v", name, err)
		}
	}
}
