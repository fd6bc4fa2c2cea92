package connlimit

import (
	"math"
	"testing"
)

func TestSharesFitTheFiles(t *testing.T) {
	for _, files := range []int{64, 256, 1024, 4096, 1 << 20, math.MaxInt} {
		s := SharesOf(files)
		if used := s.InAll + s.Reserve; files >= filesForOthers+filesMin && used > files-filesForOthers {
			t.Errorf("%d files: %+v leaves %d to others", files, s, files-used)
		}
		if s.PerHost >= s.InAll || s.Handshakes >= s.InAll || s.Silent >= s.Handshakes || s.SilentPerHost >= s.Silent || s.SilentPerHost < 2 {
			t.Errorf("%d files: %+v: one share takes all of another", files, s)
		}
		if files >= 256 && s.PerHost < 64 {
			t.Errorf("%d files: %d of one address, want room for 64 cities", files, s.PerHost)
		}
	}
}

func TestOneAddressHasRoomForABurstOf64Cities(t *testing.T) {
	if s := SharesOf(4096); s.SilentPerHost < 64 || s.PerHost < 2*64 {
		t.Errorf("%+v", s)
	}
}
