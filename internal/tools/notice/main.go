package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// The files that are written, from the root of this module.
var (
	noticeFile  = "NOTICE"
	modulesFile = filepath.Join("cmd", "citynode", "modules.txt")
)

func main() {
	check := flag.Bool("check", false, "fail if the files are not what would be written")
	flag.Parse()
	if err := run(context.Background(), *check); err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, check bool) error {
	modules, err := modulesOf(ctx, "./cmd/citynode")
	if err != nil {
		return err
	}
	for i := range modules {
		if err := modules[i].readLicences(); err != nil {
			return err
		}
	}
	for path, want := range map[string][]byte{noticeFile: notice(modules), modulesFile: table(modules)} {
		if err := put(path, want, check); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file, or checks that it is as it would be written.
func put(path string, want []byte, check bool) error {
	if !check {
		return os.WriteFile(path, want, 0o644)
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s does not agree with go.mod: run make notice", path)
	}
	return nil
}
