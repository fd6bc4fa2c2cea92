//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/netlab"
)

const (
	// diskBytes is the size of the small disks: a store with some heroes takes
	// a few KiB of it, a file system of its own a few hundred.
	diskBytes = 16 << 20
	// diskHealMax is how soon a city works again once its disk does; it tries
	// each second.
	diskHealMax = 10 * time.Second
	// refusedMax is the --timeout of orders that are expected to be refused.
	refusedMax = 3 * time.Second
	// lastRoomMax is how many orders the room in blocks that are begun may be
	// good for on a full disk: 4 KiB of log.
	lastRoomMax = 200
)

// disk is a small file system on a host.
type disk struct{ path string }

// newDisk mounts an empty disk in memory.
func newDisk(t *testing.T, host *netlab.Host) disk {
	t.Helper()
	d := disk{path: filepath.Join(host.Dir, "disk")}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		t.Fatal(err)
	}
	d.mount(t, "tmpfs", "tmpfs", 0, fmt.Sprintf("size=%d", diskBytes))
	return d
}

// mount mounts a file system until the end of the test. Processes that run on
// hosts have a view of it of their own, and free it when they end.
func (d disk) mount(t *testing.T, source, kind string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, d.path, kind, flags, data); err != nil {
		t.Fatalf("mount %s %s: %v", kind, d.path, err)
	}
	t.Cleanup(func() { d.unmount(t) })
}

func (d disk) unmount(t *testing.T) {
	t.Helper()
	if err := unix.Unmount(d.path, unix.MNT_DETACH); err != nil {
		t.Errorf("unmount %s: %v", d.path, err)
	}
}

// setReadOnly makes a disk that nobody writes to read-only, or writable again.
func (d disk) setReadOnly(t *testing.T, readOnly bool) {
	t.Helper()
	flags := uintptr(unix.MS_REMOUNT)
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("", d.path, "", flags, ""); err != nil {
		t.Fatalf("remount %s: %v", d.path, err)
	}
}

// folder is the data folder of the city on the disk.
func (d disk) folder() string { return filepath.Join(d.path, "data") }

func (d disk) filler() string { return filepath.Join(d.path, "filler") }

// fill leaves so many bytes of the disk free, down to a block.
func (d disk) fill(t *testing.T, left uint64) {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.path, &s); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(d.filler())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, s.Bsize)
	for free := s.Bavail * uint64(s.Bsize); free > left; free -= uint64(len(block)) {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// free makes all the room again that fill took.
func (d disk) free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
}

// standing is what the tests read of citynode status about how a city is.
type standing struct {
	Store        string `json:"store"`
	ClockDoubted bool   `json:"clock_doubted"`
	ClockBehind  bool   `json:"clock_behind"`
}

// standing asks the city how it is.
func (c *city) standing(t *testing.T) (s standing) {
	t.Helper()
	c.ask(t, commandMax, &s, "status")
	return s
}

// say runs a command on the city's host as a person does, and returns all that it
// says.
func (c *city) say(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandMax+commandGrace)
	defer cancel()
	out, err := c.host.Command(ctx, binary, append(args, "--network", "lab")...).CombinedOutput()
	return string(out), err
}

// says fails the test unless a command that must succeed says all of that.
func (c *city) says(t *testing.T, args []string, all ...string) {
	t.Helper()
	said, err := c.say(args...)
	if err != nil {
		t.Fatalf("%v: %v:\n%s", args, err, said)
	}
	for _, part := range all {
		if !strings.Contains(said, part) {
			t.Errorf("%v does not say %q:\n%s", args, part, said)
		}
	}
}

// exitOf is the exit code of the command that an error of try is about.
func exitOf(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}

// refused fails the test unless the error is that a command ended with that code
// and said all of that.
func refused(t *testing.T, err error, code int, all ...string) {
	t.Helper()
	if exitOf(err) != code {
		t.Fatalf("want exit code %d: %v", code, err)
	}
	for _, part := range all {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("it does not say %q: %v", part, err)
		}
	}
}

// createUntilRefused has the city create heroes until it cannot, and returns those
// that it acknowledged and the refusal.
func (c *city) createUntilRefused(t *testing.T) (made []crdt.ID, refusal error) {
	t.Helper()
	for len(made) < lastRoomMax {
		var hero answer
		if err := c.try(refusedMax, &hero, "hero", "create", fmt.Sprintf("hero %d", len(made))); err != nil {
			return made, err
		}
		made = append(made, hero.ID)
	}
	t.Fatalf("%s has created %d heroes on a disk that takes none", c.name, len(made))
	return nil, nil
}

// createdBy is a hero that the city creates.
func (c *city) createdBy(t *testing.T, name string) crdt.ID {
	t.Helper()
	var hero answer
	c.ask(t, commandMax, &hero, "hero", "create", name)
	return hero.ID
}

// holds says which of some heroes the city does not hold alive.
func (c *city) holds(heroes ...crdt.ID) error {
	var held struct {
		Superheroes map[crdt.ID]answer `json:"superheroes"`
	}
	if err := c.try(commandMax, &held, "get", c.name); err != nil {
		return err
	}
	for _, id := range heroes {
		if _, ok := held.Superheroes[id]; !ok {
			return fmt.Errorf("%s does not hold hero %v", c.name, id)
		}
	}
	return nil
}

// startOnDisk starts two quiet cities, the first of which is on the disk.
func startOnDisk(t *testing.T, lab *netlab.Lab, d disk) (on, other *city) {
	t.Helper()
	on = startCity(t, lab.Hosts[0], "gotham", slices.Concat(quiet, []string{"--data-dir", d.folder()})...)
	other = startCity(t, lab.Hosts[1], "metropolis", slices.Concat(quiet, []string{"--bootstrap", on.addr(t)})...)
	awaitCities(t, []*city{on, other})
	return on, other
}

func TestACityWhoseDiskIsFullRefusesOrdersAndGoesOnWhenThereIsRoom(t *testing.T) {
	lab := newLab(t, 2)
	d := newDisk(t, lab.Hosts[0])
	gotham, metropolis := startOnDisk(t, lab, d)
	before := gotham.createdBy(t, "Batman")
	d.fill(t, 0)
	made, refusal := gotham.createUntilRefused(t)
	t.Logf("%d more heroes on the full disk, then: %v", len(made), refusal)
	refused(t, refusal, 6, "cannot store anything now", d.folder(), "no space left on device")
	gotham.says(t, []string{"status"}, "no space left on device", "make room on the disk", "by itself")
	knows := await(t, noticeMax, func() error {
		return errors.Join(metropolis.tells("gotham: store_fault"), metropolis.checks(1), gotham.checks(2))
	})
	t.Logf("a neighbour said so %v later", knows)
	made = append(made, before, metropolis.createdBy(t, "Robin"))
	t.Logf("a neighbour's hero came after %v", await(t, healMax, func() error { return gotham.holds(made...) }))

	d.free(t)
	works := await(t, diskHealMax, func() error { return gotham.try(lookEvery, new(struct{}), "hero", "create", "Joker") })
	t.Logf("it works %v after there was room", works)
	gotham.says(t, []string{"status"}, "works, what is answered is stored")
	await(t, noticeMax, func() error { return errors.Join(metropolis.checks(0), gotham.checks(0)) })
	made = append(made, gotham.createdBy(t, "Alfred"))
	metropolis.kill(t) // nobody brings back what the disk does not have
	gotham.kill(t)
	gotham.start(t)
	if err := gotham.holds(made...); err != nil {
		t.Error(err)
	}
}

// errReady is that a city has started, where it may have refused to.
var errReady = errors.New("it is ready")

// startToEnd starts a city that is expected to refuse, and returns how it ended and
// what it said. One that is ready is killed.
func startToEnd(host *netlab.Host, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startMax)
	defer cancel()
	cmd := host.Command(ctx, binary, slices.Concat([]string{"run", name, "--network", "lab", "--json"}, quiet, args)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	ready := strings.Contains(line, `"event":"ready"`)
	if ready {
		cancel()
	}
	err = cmd.Wait()
	switch {
	case ready:
		return errReady
	case err != nil:
		return fmt.Errorf("run %s: %w: %s", name, err, said.Bytes())
	}
	return nil
}

// There is every amount of room, from none up to the first with which the city
// starts.
func TestACityThatDoesNotFitOnTheDiskSaysSoAndStartsOnceItDoes(t *testing.T) {
	lab := newLab(t, 1)
	d := newDisk(t, lab.Hosts[0])
	for left := uint64(0); ; left += 4 << 10 {
		d.fill(t, left)
		err := startToEnd(lab.Hosts[0], "gotham", "--data-dir", d.folder())
		if errors.Is(err, errReady) && left > 0 {
			t.Logf("it starts with %d KiB", left>>10)
			break
		}
		refused(t, err, 1, d.path, "no space left on device", "make room on the disk", "--data-dir")
		d.free(t)
		gotham := startCity(t, lab.Hosts[0], "gotham", slices.Concat(quiet, []string{"--data-dir", d.folder()})...)
		hero := gotham.createdBy(t, "Batman")
		gotham.kill(t)
		gotham.start(t)
		if err := gotham.holds(hero); err != nil {
			t.Error(err)
		}
		gotham.stop(t)
		nothingHalfMade(t, d.folder())
		if err := os.RemoveAll(d.folder()); err != nil {
			t.Fatal(err)
		}
	}
}

// nothingHalfMade fails the test if the folder of a city holds anything but what
// belongs there.
func nothingHalfMade(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{"identity.key", "listen", "lock", "peers", "store"}, e.Name()) {
			t.Errorf("%s is left in the folder", e.Name())
		}
	}
}

func TestACityOnAReadOnlyDiskDoesNotStartAndChangesNothing(t *testing.T) {
	lab := newLab(t, 1)
	d := newDisk(t, lab.Hosts[0])
	d.setReadOnly(t, true)
	refuses := func() {
		t.Helper()
		err := startToEnd(lab.Hosts[0], "gotham", "--data-dir", d.folder())
		refused(t, err, 1, d.folder(), "read-only file system", "make it writable", "--data-dir")
	}
	refuses()
	d.setReadOnly(t, false)
	gotham := startCity(t, lab.Hosts[0], "gotham", slices.Concat(quiet, []string{"--data-dir", d.folder()})...)
	hero := gotham.createdBy(t, "Batman")
	gotham.stop(t)
	d.setReadOnly(t, true)
	refuses()
	d.setReadOnly(t, false)
	gotham.start(t)
	if err := gotham.holds(hero); err != nil {
		t.Error(err)
	}
}

// newImage mounts an empty disk that is a file of the host's, and returns the file.
func newImage(t *testing.T, host *netlab.Host) (d disk, image string) {
	t.Helper()
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skipf("no file system in a file: %v (it is in e2fsprogs)", err)
	}
	d, image = disk{path: filepath.Join(host.Dir, "disk")}, filepath.Join(host.Dir, "image")
	err := errors.Join(os.Mkdir(d.path, 0o700), os.WriteFile(image, nil, 0o600), os.Truncate(image, diskBytes))
	if err != nil {
		t.Fatal(err)
	}
	command(t, "mkfs.ext4", "-q", "-F", image)
	command(t, "mount", "-o", "loop,errors=remount-ro", image, d.path)
	t.Cleanup(func() { d.unmount(t) })
	return d, image
}

// The kernel makes a file system read-only whose journal it gives up, and then
// only another mount makes it writable; the test has it give up.
func TestACityWhoseDiskBecomesReadOnlyRefusesOrdersAndLosesNothing(t *testing.T) {
	lab := newLab(t, 2)
	d, image := newImage(t, lab.Hosts[0])
	gotham, metropolis := startOnDisk(t, lab, d)
	made := []crdt.ID{gotham.createdBy(t, "Batman")}
	command(t, "mount", "-o", "remount,abort", d.path)
	more, refusal := gotham.createUntilRefused(t)
	refused(t, refusal, 6, "cannot store anything now", d.folder(), "read-only file system")
	gotham.says(t, []string{"status"}, "read-only file system", "see to it", "by itself")
	made = append(append(made, more...), metropolis.createdBy(t, "Robin"))
	await(t, healMax, func() error { return gotham.holds(made...) })

	gotham.kill(t)
	after := image + ".after" // for processes on other hosts keep a view of the first
	command(t, "cp", image, after)
	d.unmount(t)
	command(t, "mount", "-o", "loop", after, d.path)
	metropolis.kill(t)
	gotham.start(t)
	if err := gotham.holds(made[:1+len(more)]...); err != nil {
		t.Error(err)
	}
}

// command runs a program of the system.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}
