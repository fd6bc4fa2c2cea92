package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file writes a file of lines and returns its path.
func file(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peers")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommentsAndBlankLinesAreSkipped(t *testing.T) {
	got, err := ReadPeersFile(file(t, "# ours", "", "  "+addrA+"   # the old one\r", "\t# "+addrA, addrB, addrA))
	if err != nil || fmt.Sprint(got) != fmt.Sprintf("[%s %s]", addrA, addrB) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEveryBadLineIsNamedByItsNumber(t *testing.T) {
	path := file(t, "# ours", "gotham # where", addrA, "", addrB+"#x")
	got, err := ReadPeersFile(path)
	if len(got) != 1 {
		t.Errorf("took %v", got)
	}
	for _, want := range []string{path + `:2: "gotham": not a multiaddr`, path + ":5: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	line, ok := errors.AsType[*LineError](err)
	if !ok || line.Line != 2 || line.Text != "gotham" || line.Err == nil {
		t.Errorf("got %+v", line)
	}
}

func TestNoFileIsAnErrorThatSaysSo(t *testing.T) {
	if _, err := ReadPeersFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestAHugeFileIsRefusedAndNotReadWhole(t *testing.T) {
	path := file(t, strings.Repeat("#\n", fileBytesMax))
	if _, err := ReadPeersFile(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
	path = file(t, strings.Repeat("x", fileBytesMax+1))
	if _, err := ReadPeersFile(path); err == nil {
		t.Error("no error")
	}
}
