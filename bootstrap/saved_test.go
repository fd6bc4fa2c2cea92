package bootstrap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func openSaved(t *testing.T, path string) *Saved {
	t.Helper()
	s, err := OpenSaved(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSavedPeersComeBackNewestFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "saved")
	s := openSaved(t, path)
	list := infos(t, 3)
	for _, info := range list {
		s.Remember(info)
	}
	s.Remember(list[0]) // met again
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint([]peer.AddrInfo{list[0], list[2], list[1]})
	if got := fmt.Sprint(openSaved(t, path).Peers()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTheOldestGivesWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "saved")
	s := openSaved(t, path)
	list := infos(t, savedMax+1)
	for _, info := range list {
		s.Remember(info)
	}
	if n := len(s.Peers()); n != savedMax {
		t.Errorf("%d peers in memory", n)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	got := openSaved(t, path).Peers()
	if len(got) != savedMax || got[0].ID != list[savedMax].ID || got[savedMax-1].ID != list[1].ID {
		t.Errorf("%d peers", len(got))
	}
}

func TestNewAddressesReplaceTheOld(t *testing.T) {
	s := openSaved(t, "")
	info := infos(t, 1)[0]
	s.Remember(info)
	info.Addrs = []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.2/tcp/1")}
	s.Remember(info)
	if got := s.Peers(); len(got) != 1 || fmt.Sprint(got[0].Addrs) != "[/ip4/192.0.2.2/tcp/1]" {
		t.Errorf("got %v", got)
	}
}

func TestOnlyAddressesThatCanBeDialedAreKept(t *testing.T) {
	s := openSaved(t, "")
	id := peerID(t)
	var addrs []ma.Multiaddr
	for _, text := range []string{
		"/ip4/0.0.0.0/tcp/1", "/ip4/192.0.2.1/tcp/0", "/ip4/192.0.2.1/udp/1", "/ip4/192.0.2.1",
		"/dns4/" + strings.Repeat("a", addrBytesMax) + "/tcp/1",
		"/ip4/192.0.2.1/tcp/1/p2p/" + id.String(), "/ip4/192.0.2.1/tcp/1",
	} {
		addrs = append(addrs, ma.StringCast(text))
	}
	s.Remember(peer.AddrInfo{ID: id, Addrs: addrs[:5]})
	if got := s.Peers(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	s.Remember(peer.AddrInfo{ID: id, Addrs: addrs})
	if got := s.Peers(); len(got) != 1 || fmt.Sprint(got[0].Addrs) != "[/ip4/192.0.2.1/tcp/1]" {
		t.Errorf("got %v", got)
	}
	for i := range 3 * addrsMax {
		addrs = append(addrs, ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", i+1)))
	}
	s.Remember(peer.AddrInfo{ID: id, Addrs: addrs})
	if got := s.Peers(); len(got[0].Addrs) != addrsMax {
		t.Errorf("%d addresses", len(got[0].Addrs))
	}
}

func TestAPeerIsForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "saved")
	s := openSaved(t, path)
	list := infos(t, 2)
	s.Remember(list[0])
	s.Remember(list[1])
	s.Forget(list[1].ID)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := openSaved(t, path).Peers(); len(got) != 1 || got[0].ID != list[0].ID {
		t.Errorf("got %v", got)
	}
}

func TestADamagedFileIsSetAsideAndItsGoodLinesKept(t *testing.T) {
	path := file(t, savedHeader, addrA, "/ip4/192.0.2.1/tc\x00", addrB)
	s, err := OpenSaved(path)
	if corrupt, ok := errors.AsType[*CorruptError](err); !ok || corrupt.SetAside != path+".corrupt" || !strings.Contains(err.Error(), path+":3") {
		t.Errorf("got %v", err)
	}
	if got := s.Peers(); len(got) != 2 {
		t.Errorf("kept %v", got)
	}
	if _, err := os.Stat(path + ".corrupt"); err != nil {
		t.Error(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := openSaved(t, path).Peers(); len(got) != 2 {
		t.Errorf("kept %v", got)
	}
}

func TestAFileThatIsNotOursIsSetAside(t *testing.T) {
	path := file(t, strings.Repeat("\x00\xff", fileBytesMax))
	s, err := OpenSaved(path)
	if !is[*CorruptError](err) || s == nil || len(s.Peers()) != 0 {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	s, err := OpenSaved(t.TempDir()) // a folder
	if err == nil || s != nil && !is[*CorruptError](err) {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestNothingIsWrittenWithoutAChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "saved")
	s := openSaved(t, path)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file without peers")
	}
	info := infos(t, 1)[0]
	for range 2 {
		s.Remember(info)
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.Remember(info) // no news
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("written again")
	}
}

func TestAFileThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "none")
	s := openSaved(t, filepath.Join(folder, "saved"))
	s.Remember(infos(t, 1)[0])
	if err := s.Flush(); err == nil {
		t.Fatal("no error")
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := openSaved(t, filepath.Join(folder, "saved")).Peers(); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestAChangeWhileTheListIsWrittenIsWrittenNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "saved")
	s := openSaved(t, path)
	list := infos(t, 2)
	s.Remember(list[0])
	_, version, _ := s.snapshot()
	s.Remember(list[1]) // while the version is on its way to the disk
	s.wrote(version)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := openSaved(t, path).Peers(); len(got) == 0 || got[0].ID != list[1].ID {
		t.Errorf("the change is not in the file, which begins with %v", got[:min(len(got), 1)])
	}
}
