package bootstrap

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAPeerIsAddedOnceAndTheRestKept(t *testing.T) {
	path := file(t, "# ours", "bad line", addrA+" # old") // no newline at the end
	for _, want := range []bool{true, false} {
		if added, err := AppendPeerToFile(path, " "+addrB+" "); err != nil || added != want {
			t.Fatalf("added %v, %v", added, err)
		}
	}
	if added, err := AppendPeerToFile(path, addrA); err != nil || added {
		t.Errorf("added %v, %v", added, err)
	}
	if got, want := content(t, path), "# ours\nbad line\n"+addrA+" # old\n"+addrB+"\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTheFileAndItsFolderAreMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "peers")
	if added, err := AppendPeerToFile(path, addrA); err != nil || !added {
		t.Fatalf("added %v, %v", added, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got := content(t, path); got != addrA+"\n" {
		t.Errorf("got %q", got)
	}
}

func TestABadPeerIsNotAdded(t *testing.T) {
	path := file(t, addrA)
	if _, err := AppendPeerToFile(path, "gotham"); !is[*ItemError](err) {
		t.Errorf("got %v", err)
	}
	if _, err := RemovePeerFromFile(path, "gotham"); !is[*ItemError](err) {
		t.Errorf("got %v", err)
	}
	if got := content(t, path); got != addrA {
		t.Errorf("got %q", got)
	}
}

func TestAnAddressRemovesItsLineAndAPeerIDAllOfThePeer(t *testing.T) {
	other := "/ip4/192.0.2.9/tcp/1/p2p/" + peerA
	for _, c := range []struct {
		item, want string
		removed    int
	}{
		{addrA, "# ours\n" + other + "\nbad line\n" + addrB + "\n", 1},
		{peerA, "# ours\nbad line\n" + addrB + "\n", 2},
		{"/ip4/192.0.2.77/tcp/1/p2p/" + peerA, "# ours\n" + addrA + " # old\n" + other + "\nbad line\n" + addrB + "\n", 0},
	} {
		path := file(t, "# ours", addrA+" # old", other, "bad line", addrB, "")
		removed, err := RemovePeerFromFile(path, c.item)
		if err != nil || removed != c.removed {
			t.Errorf("%s: removed %d, %v", c.item, removed, err)
		}
		if got := content(t, path); got != c.want {
			t.Errorf("%s: got  %q\nwant %q", c.item, got, c.want)
		}
	}
}

func TestRemovingFromNoFileRemovesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	if removed, err := RemovePeerFromFile(path, peerA); err != nil || removed != 0 {
		t.Errorf("removed %d, %v", removed, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was made")
	}
}

func TestALinkStaysALink(t *testing.T) {
	path := file(t, addrA)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if added, err := AppendPeerToFile(link, addrB); err != nil || !added {
		t.Fatalf("added %v, %v", added, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v", info, err)
	}
	if got := content(t, path); got != addrA+"\n"+addrB+"\n" {
		t.Errorf("got %q", got)
	}
}

func TestEditsAtTheSameTimeAreAllKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers")
	const editors = 20
	var editing sync.WaitGroup
	for i := range editors {
		editing.Go(func() {
			if _, err := AppendPeerToFile(path, fmt.Sprintf("/ip4/192.0.2.1/tcp/%d/p2p/%s", i+1, peerA)); err != nil {
				t.Error(err)
			}
		})
	}
	editing.Wait()
	if got, err := ReadPeersFile(path); err != nil || len(got) != editors {
		t.Errorf("%d peers, %v", len(got), err)
	}
}
