//go:build linux && (amd64 || arm64)

package lossyfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// mounted is a disk at a path. Its methods are what a program does.
type mounted struct {
	*Disk
	t    *testing.T
	path string
}

func mount(t *testing.T, seed uint64) *mounted {
	t.Helper()
	m := &mounted{Disk: New(seed), t: t, path: t.TempDir()}
	m.Mount(t, m.path)
	return m
}

func (m *mounted) at(name string) string { return filepath.Join(m.path, name) }

func (m *mounted) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// write makes a file with one write for each part, and syncs it or not.
func (m *mounted) write(name string, sync bool, parts ...string) {
	m.t.Helper()
	f, err := os.Create(m.at(name))
	m.must(err)
	for _, part := range parts {
		_, err := f.WriteString(part)
		m.must(err)
	}
	if sync {
		m.must(f.Sync())
	}
	m.must(f.Close())
}

func (m *mounted) sync(name string) {
	m.t.Helper()
	f, err := os.Open(m.at(name))
	m.must(err)
	m.must(errors.Join(f.Sync(), f.Close()))
}

// holds is all that the disk holds: paths with what the files hold.
func (m *mounted) holds() string {
	m.t.Helper()
	var all []string
	m.must(filepath.WalkDir(m.path, func(path string, d os.DirEntry, err error) error {
		name, _ := filepath.Rel(m.path, path)
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() {
			all = append(all, name+"/")
			return nil
		}
		text, err := os.ReadFile(path)
		all = append(all, name+"="+string(text))
		return err
	}))
	return strings.Join(all, " ")
}

// seeds are how often the tests of chance try.
const seeds = 200

// outcomes does the same to many disks, cuts each, and fails the test unless what they
// hold then is all of these and nothing else.
func outcomes(t *testing.T, do func(*mounted), want ...string) {
	t.Helper()
	m := mount(t, 0)
	seen := make(map[string]int)
	for range seeds {
		m.must(m.clear())
		do(m)
		m.Cut()
		seen[m.holds()]++
	}
	for got, times := range seen {
		if !slices.Contains(want, got) {
			t.Errorf("%d times the disk held %q", times, got)
		}
	}
	for _, w := range want {
		if seen[w] == 0 {
			t.Errorf("it never held %q", w)
		}
	}
}

// clear removes all, durably.
func (m *mounted) clear() error {
	entries, err := os.ReadDir(m.path)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(m.at(e.Name())))
	}
	m.sync("")
	return err
}

func TestADiskIsAFileSystem(t *testing.T) {
	m := mount(t, 1)
	m.must(os.MkdirAll(m.at("a/b"), 0o700))
	m.write("a/b/c", false, "one ", "two")
	m.must(os.Rename(m.at("a/b/c"), m.at("a/b/d")))
	m.must(os.Link(m.at("a/b/d"), m.at("a/b/e")))
	f, err := os.OpenFile(m.at("a/b/e"), os.O_WRONLY|os.O_APPEND, 0)
	m.must(err)
	_, err = f.WriteString(" three")
	m.must(errors.Join(err, f.Close()))
	if got, want := m.holds(), "a/ a/b/ a/b/d=one two three a/b/e=one two three"; got != want {
		t.Errorf("holds %q, want %q", got, want)
	}
	m.must(os.Truncate(m.at("a/b/d"), 3))
	m.must(os.Remove(m.at("a/b/e")))
	m.must(os.Chmod(m.at("a/b/d"), 0o640))
	if info, err := os.Stat(m.at("a/b/d")); err != nil || info.Mode() != 0o640 || info.Size() != 3 {
		t.Errorf("stat: %v, %v", info, err)
	}
	for what, err := range map[string]error{
		"not empty": os.Remove(m.at("a/b")),
		"not there": os.Remove(m.at("x")),
		"exists":    os.Link(m.at("a/b/d"), m.at("a/b")),
		"too long":  os.Truncate(m.at("a/b/d"), fileBytesMax+1),
		"elsewhere": os.Rename(m.at("a/b/d"), m.at("d")),
	} {
		if err == nil {
			t.Errorf("%s is no error", what)
		}
	}
	m.must(os.RemoveAll(m.at("a")))
	if got := m.holds(); got != "" {
		t.Errorf("holds %q, want nothing", got)
	}
}

func TestALockIsHeldByOneAndEndsWithItsFile(t *testing.T) {
	m := mount(t, 1)
	lock := func() (*os.File, error) {
		f, err := os.Create(m.at("lock"))
		m.must(err)
		return f, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	first, err := lock()
	m.must(err)
	second, err := lock()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("the second lock: %v", err)
	}
	m.must(errors.Join(first.Close(), second.Close()))
	third, err := lock()
	m.must(errors.Join(err, third.Close()))
}

func TestWhatWasSyncedSurvives(t *testing.T) {
	outcomes(t, func(m *mounted) {
		m.must(os.Mkdir(m.at("a"), 0o700))
		m.write("a/b", true, "one ", "two")
		m.sync("a")
		m.sync("")
	}, "a/ a/b=one two")
}

func TestAPrefixOfTheWritesSinceTheSyncSurvives(t *testing.T) {
	outcomes(t, func(m *mounted) {
		m.write("a", true, "0")
		m.sync("")
		f, err := os.OpenFile(m.at("a"), os.O_WRONLY|os.O_APPEND, 0)
		m.must(err)
		for _, part := range []string{"12", "34"} {
			_, err := f.WriteString(part)
			m.must(err)
		}
		m.must(f.Close())
	}, "a=0", "a=01", "a=012", "a=0123", "a=01234")
}

func TestAFileThatWasSyncedIsLostIfItsFolderWasNot(t *testing.T) {
	outcomes(t, func(m *mounted) { m.write("a", true, "1") }, "", "a=1")
	outcomes(t, func(m *mounted) {
		m.must(os.Mkdir(m.at("a"), 0o700))
		m.write("a/b", true, "1")
		m.sync("a")
	}, "", "a/ a/b=1")
}

func TestAFolderThatWasSyncedDoesNotSyncItsFiles(t *testing.T) {
	outcomes(t, func(m *mounted) {
		m.write("a", false, "1")
		m.sync("")
	}, "a=", "a=1")
}

func TestChangesOfDifferentNamesSurviveInAnyOrder(t *testing.T) {
	outcomes(t, func(m *mounted) {
		m.write("old", true, "1")
		m.sync("")
		m.write("new", true, "2")
		m.must(os.Remove(m.at("old")))
	}, "", "old=1", "new=2", "new=2 old=1")
}

func TestARenameIsDoneWhollyOrNotAtAll(t *testing.T) {
	outcomes(t, func(m *mounted) {
		m.write("a", true, "old")
		m.sync("")
		m.write("a.new", true, "new")
		m.must(os.Rename(m.at("a.new"), m.at("a")))
	}, "a=old", "a=old a.new=new", "a=new")
	outcomes(t, func(m *mounted) {
		m.write("a", true, "old")
		m.sync("")
		m.write("a.new", true, "new")
		m.must(os.Rename(m.at("a.new"), m.at("a")))
		m.sync("")
	}, "a=new")
}

// Who renames what was not synced may find it empty.
func TestARenameDoesNotSyncWhatItRenames(t *testing.T) {
	outcomes(t, func(m *mounted) {
		m.write("a.new", false, "n")
		m.must(os.Rename(m.at("a.new"), m.at("a")))
		m.sync("")
	}, "a=", "a=n")
}

func TestARemovalIsUndoneUnlessTheFolderIsSynced(t *testing.T) {
	gone := func(m *mounted) {
		m.write("a", true, "1")
		m.sync("")
		m.must(os.Remove(m.at("a")))
	}
	outcomes(t, gone, "", "a=1")
	outcomes(t, func(m *mounted) { gone(m); m.sync("") }, "")
}

func TestBothNamesOfAFileStayOneFile(t *testing.T) {
	outcomes(t, func(m *mounted) {
		m.write("a", true, "1")
		m.must(os.Link(m.at("a"), m.at("b")))
		m.sync("")
		f, err := os.OpenFile(m.at("b"), os.O_WRONLY, 0)
		m.must(err)
		_, err = f.WriteString("2")
		m.must(errors.Join(err, f.Close()))
	}, "a=1 b=1", "a=2 b=2")
}

func TestWhatIsOpenAtACutReachesNothingAfterIt(t *testing.T) {
	m := mount(t, 1)
	m.write("a", true, "before")
	m.sync("")
	f, err := os.OpenFile(m.at("a"), os.O_RDWR, 0)
	m.must(err)
	m.Cut()
	_, err = f.WriteString("after!")
	m.must(errors.Join(err, f.Sync()))
	if got := m.holds(); got != "a=before" {
		t.Errorf("holds %q", got)
	}
	if text, err := io.ReadAll(io.NewSectionReader(f, 0, 10)); err != nil || string(text) != "after!" {
		t.Errorf("the open file has %q, %v", text, err)
	}
	m.must(f.Close())
}

func TestTheSameSeedLosesTheSame(t *testing.T) {
	lose := func(seed uint64) (string, Loss) {
		m := mount(t, seed)
		for i := range 20 {
			m.write(fmt.Sprint(i), i%2 == 0, "some ", "thing ", "to lose")
		}
		loss := m.Cut()
		return m.holds(), loss
	}
	once, lost := lose(1)
	again, lostAgain := lose(1)
	other, _ := lose(2)
	if once != again || lost != lostAgain || once == other {
		t.Errorf("seed 1 left %q and %q, seed 2 %q", once, again, other)
	}
	if lost.Writes == 0 || lost.Torn == 0 || lost.Changes == 0 {
		t.Errorf("lost %v", lost)
	}
}
