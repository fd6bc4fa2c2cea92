package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() { scriptCommands["sockets"] = socketsCommand }

// socketsCommand lists the local addresses of the internet sockets that a run has open.
func socketsCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: sockets NAME")
	}
	proc := filepath.Join("/proc", strconv.Itoa(runOf(ts, args[0]).cmd.Process.Pid))
	inodes := openInodes(ts, proc)
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile(filepath.Join(proc, "net", table))
		ts.Check(err)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line) // the second is the local address, the tenth the inode
			if len(fields) > 9 && inodes[fields[9]] {
				fmt.Fprintln(ts.Stdout(), table, localAddr(ts, fields[1]))
			}
		}
	}
}

// openInodes returns the sockets among the open files of a process.
func openInodes(ts *testscript.TestScript, proc string) map[string]bool {
	files, err := os.ReadDir(filepath.Join(proc, "fd"))
	ts.Check(err)
	inodes := map[string]bool{}
	for _, f := range files {
		target, _ := os.Readlink(filepath.Join(proc, "fd", f.Name())) // it may be closed by now
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes
}

// localAddr reads an address as the kernel writes it: words of four bytes, each in the
// order of the machine, which is little-endian wherever this is tested.
func localAddr(ts *testscript.TestScript, text string) netip.Addr {
	digits, _, _ := strings.Cut(text, ":")
	var bytes []byte
	for ; len(digits) >= 8; digits = digits[8:] {
		word, err := strconv.ParseUint(digits[:8], 16, 32)
		ts.Check(err)
		bytes = append(bytes, byte(word), byte(word>>8), byte(word>>16), byte(word>>24))
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return addr
}
