//go:build linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/backup"
)

const (
	// backupHeroes are so many that an export of them, read slowly, takes seconds.
	backupHeroes = 60_000
	// backupWriters give orders meanwhile, each one after another.
	backupWriters = 6
	// backupReadEvery is the pause after each backupReadBytes of an export that is read
	// slowly: 5 s in all.
	backupReadEvery = 50 * time.Millisecond
	backupReadBytes = 48 << 10
	// backupMax is far beyond what an import or export needs on a busy machine.
	backupMax = 60 * time.Second
)

// exported is what the tests read of citynode state export, and of import.
type exported struct {
	Digest      string `json:"digest"`
	Heroes      int    `json:"heroes"`
	Changed     int    `json:"changed"`
	DigestAfter string `json:"digest_after"`
}

// writtenBackup writes a backup of a city that never was, and returns its path.
func writtenBackup(t *testing.T, dir string, heroes int) string {
	t.Helper()
	var e crdt.Entries
	head := backup.Head{Network: "lab", City: "paris", Peer: []byte{0, 1, 2}, Taken: crdt.StampAt(time.Now())}
	for i := range heroes {
		id := crdt.ID{0x01, 0x98, 0, 0, 0, 0, 0x70, 0, 0x80, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)}
		h := crdt.Hero{
			ID: id, Name: fmt.Sprintf("hero %d", i), Location: crdt.Home, Health: 100,
			Version: crdt.Version{Replica: 7, HLC: head.Taken},
		}
		e.Heroes = append(e.Heroes, h)
		head.Summary = head.Summary.Plus(crdt.SummaryOf(crdt.HeroRecord(h)))
	}
	path := filepath.Join(dir, "paris.backup")
	var file bytes.Buffer
	w, err := backup.NewWriter(&file, head)
	if err == nil {
		err = errors.Join(w.Add(e), w.Close(), os.WriteFile(path, file.Bytes(), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// An order is one that was acknowledged.
type order struct {
	hero         crdt.ID
	begun, acked time.Time
}

// orders gives orders to a city until ctx ends, and returns those that were acknowledged.
func (c *city) orders(ctx context.Context, t *testing.T) (all []order) {
	var mu sync.Mutex // guards all
	var writers sync.WaitGroup
	for n := range backupWriters {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				var made struct {
					ID crdt.ID `json:"id"`
				}
				o := order{begun: time.Now()}
				if err := c.try(commandMax, &made, "hero", "create", fmt.Sprintf("writer %d %d", n, i)); err != nil {
					t.Errorf("order: %v", err)
					return
				}
				o.hero, o.acked = made.ID, time.Now()
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	return all
}

// slowly exports the city's state to a pipe, and reads that slowly, as a person does who
// sends it over a thin line.
func (c *city) slowly(t *testing.T) (file []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), backupMax)
	defer cancel()
	cmd := c.host.Command(ctx, binary, "state", "export", "-", "--network", "lab", "--timeout", backupMax.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	pause := time.NewTicker(backupReadEvery)
	defer pause.Stop()
	for part := make([]byte, backupReadBytes); ; <-pause.C {
		n, err := io.ReadFull(out, part)
		file = append(file, part[:n]...)
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("export: %v: %s", err, stderr.Bytes())
	}
	return file
}

// read returns what a backup has.
func readBackup(t *testing.T, file []byte) (head backup.Head, has map[crdt.ID]bool) {
	t.Helper()
	r, err := backup.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	has = make(map[crdt.ID]bool)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Head(), has
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range e.Heroes {
			has[h.ID] = true
		}
	}
}

// The cut is one that the city had: what was acknowledged before the export began is in
// it, what was begun after it is not, and whoever is in it, all those are in it too that
// were acknowledged before its order was begun. The restored city answers with the same
// digest.
func TestABackupOfACityUnderLoadIsOneOfItsStatesAndIsRestored(t *testing.T) {
	lab := newLab(t, 1)
	dir := lab.Hosts[0].Dir
	folder, restored := filepath.Join(dir, "gotham"), filepath.Join(dir, "restored")
	gotham := startCity(t, lab.Hosts[0], "gotham", slices.Concat(quiet, []string{"--data-dir", folder})...)
	var done exported
	gotham.ask(t, backupMax, &done, "state", "import", writtenBackup(t, dir, backupHeroes), "--yes")
	if done.Changed != backupHeroes {
		t.Fatalf("%d heroes were imported, want %d", done.Changed, backupHeroes)
	}

	ctx, end := context.WithCancel(t.Context())
	defer end()
	acked := make(chan []order)
	go func() { acked <- gotham.orders(ctx, t) }()
	await(t, formMax, func() error {
		var s status
		if err := gotham.try(commandMax, &s, "status"); err != nil || s.Heroes > backupHeroes+20 {
			return err
		}
		return errors.New("no orders yet")
	})
	begun := time.Now()
	file := gotham.slowly(t)
	ended := time.Now()
	await(t, formMax, func() error { // some more that are no part of it
		if time.Since(ended) > time.Second {
			return nil
		}
		return errors.New("not yet")
	})
	end()
	orders := <-acked

	head, has := readBackup(t, file)
	before, meanwhile, in := 0, 0, 0
	var lastIn time.Time // the latest begin of an order that is in the cut
	for _, o := range orders {
		switch {
		case o.acked.Before(begun):
			before++
			if !has[o.hero] {
				t.Errorf("%v was acknowledged %v before the export began, and is missing", o.hero, begun.Sub(o.acked))
			}
		case o.begun.After(ended):
			if has[o.hero] {
				t.Errorf("%v was ordered %v after the export had ended, and is in it", o.hero, o.begun.Sub(ended))
			}
		default:
			meanwhile++
		}
		if has[o.hero] {
			in++
			if o.begun.After(lastIn) {
				lastIn = o.begun
			}
		}
	}
	for _, o := range orders {
		if !has[o.hero] && o.acked.Before(lastIn) {
			t.Errorf("%v is missing, and one is there whose order was begun %v later", o.hero, lastIn.Sub(o.acked))
		}
	}
	if len(has) != backupHeroes+in || int(head.Summary.Heroes) != len(has) {
		t.Errorf("%d heroes, the head says %d, want %d and %d that were ordered", len(has), head.Summary.Heroes, backupHeroes, in)
	}
	if before < 10 || meanwhile < 3 {
		t.Errorf("only %d orders before the export, %d meanwhile", before, meanwhile)
	}
	t.Logf("%d bytes in %v; %d orders were acknowledged before, %d meanwhile; %d are in the backup", len(file), ended.Sub(begun), before, meanwhile, in)

	gotham.stop(t)
	path := filepath.Join(dir, "gotham.backup")
	key, err := os.ReadFile(filepath.Join(folder, "identity.key"))
	err = errors.Join(err, os.WriteFile(path, file, 0o600), os.Mkdir(restored, 0o700))
	if err = errors.Join(err, os.WriteFile(filepath.Join(restored, "identity.key"), key, 0o600)); err != nil {
		t.Fatal(err)
	}
	gotham.ask(t, backupMax, &done, "state", "import", "gotham", path, "--data-dir", restored, "--new")
	again := startCity(t, lab.Hosts[0], "gotham", slices.Concat(quiet, []string{"--data-dir", restored})...)
	var now status
	again.ask(t, commandMax, &now, "status")
	if want := head.Summary.Digest.String(); now.Digest != want || done.DigestAfter != want {
		t.Errorf("restored to %s, and it holds %s, want %s", done.DigestAfter, now.Digest, want)
	}
	if again.told()[0].Peer != gotham.told()[0].Peer {
		t.Error("it is another peer")
	}
}

// The city was killed, and its disk is mounted so that nobody can write to it, as one that
// is evidence: what was acknowledged is there, and not a byte changes.
func TestAFolderOnAReadOnlyMountIsVerifiedAndExported(t *testing.T) {
	lab := newLab(t, 1)
	host := lab.Hosts[0]
	d := newDisk(t, host)
	gotham := startCity(t, host, "gotham", slices.Concat(quiet, []string{"--data-dir", d.folder()})...)
	made := []crdt.ID{gotham.createdBy(t, "Batman"), gotham.createdBy(t, "Robin")}
	gotham.kill(t)
	for _, lock := range []string{"lock", "store/db/LOCK"} {
		if err := os.Remove(filepath.Join(d.folder(), lock)); err != nil {
			t.Fatal(err)
		}
	}
	d.setReadOnly(t, true)
	was := bytesOf(t, d.folder())
	if err := os.WriteFile(filepath.Join(d.path, "new"), nil, 0o600); err == nil {
		t.Fatal("the disk can be written to")
	}
	var verified struct {
		Heroes   int        `json:"heroes"`
		Problems []struct{} `json:"problems"`
	}
	gotham.ask(t, commandMax, &verified, "state", "verify", "gotham", "--data-dir", d.folder())
	if verified.Heroes != len(made) || len(verified.Problems) > 0 {
		t.Errorf("verified: %+v", verified)
	}
	path := filepath.Join(host.Dir, "rescued.backup")
	var done exported
	gotham.ask(t, commandMax, &done, "state", "export", "gotham", path, "--data-dir", d.folder())
	if !maps.Equal(bytesOf(t, d.folder()), was) {
		t.Error("something in the folder has changed")
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, has := readBackup(t, file)
	if len(has) != len(made) || !has[made[0]] || !has[made[1]] || head.Summary.Digest.String() != done.Digest {
		t.Errorf("the backup has %v of %+v, want %v", has, head, made)
	}
	var refused *exported
	err = gotham.try(commandMax, &refused, "state", "import", "gotham", path, "--data-dir", d.folder())
	if err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("an import there: %v", err)
	}
}
