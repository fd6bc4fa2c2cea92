//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/citynode/citynode/internal/datadir"
)

// lockNames are the files whose bytes nobody relies on: who has the folder.
var lockNames = map[string]bool{datadir.LockName: true, "LOCK": true}

// sealCommand remembers what is in a folder.
func sealCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: seal FOLDER")
	}
	scriptOf(ts).sealed[args[0]] = folderContents(ts, args[0])
}

// sealedCommand compares a folder with what was remembered.
func sealedCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sealed FOLDER")
	}
	was, is := scriptOf(ts).sealed[args[0]], folderContents(ts, args[0])
	for path := range was {
		if _, there := is[path]; !there {
			ts.Fatalf("%s is gone", path)
		}
	}
	for path, content := range is {
		if old, there := was[path]; !there || old != content {
			ts.Fatalf("%s is new or has changed: %q", path, content)
		}
	}
}

// folderContents returns the bytes of all files in a folder but locks.
func folderContents(ts *testscript.TestScript, folder string) map[string]string {
	contents := map[string]string{}
	root := ts.MkAbs(folder)
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || lockNames[d.Name()] {
			return err
		}
		content, err := os.ReadFile(path)
		contents[path] = string(content)
		return err
	}))
	return contents
}
