package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// listDir is where the list of faults lies, from the root of this module.
var listDir = filepath.Join("internal", "tools", "mutants", "list")

func main() {
	var c choice
	flag.StringVar(&c.only, "only", "", "the `name` of the only fault to make")
	flag.IntVar(&c.sample, "sample", 0, "how `many` faults to draw; 0: all")
	flag.StringVar(&c.seed, "seed", "", "any `text` that the sample is drawn by; empty: a random one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, c); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run checks the whole list first: what is wrong with it is told in a second, not
// after half an hour.
func run(ctx context.Context, out io.Writer, c choice) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	all, err := readList(filepath.Join(root, listDir))
	if err != nil {
		return err
	}
	if err := errors.Join(check(root, all)...); err != nil {
		return err
	}
	chosen, err := c.from(out, all)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	lab := &laboratory{root: root, scratch: scratch, limit: testTimeMax}
	return tryAll(ctx, out, lab, chosen)
}

// tryAll makes the faults one after another and writes a line for each.
func tryAll(ctx context.Context, out io.Writer, lab *laboratory, chosen []mutant) error {
	began := time.Now()
	if err := lab.control(ctx, out, chosen); err != nil {
		return err
	}
	bad := 0
	for i, m := range chosen {
		start := time.Now()
		v, err := lab.try(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Fprintf(out, "%3d/%d %-8s %5.1f s  %s\n", i+1, len(chosen), v.outcome, time.Since(start).Seconds(), m.name)
		if v.outcome != killed {
			bad++
			fmt.Fprintf(out, "    %s: %s\n    %s\n", m.file, m.why, v.detail)
		}
	}
	fmt.Fprintf(out, "%d of %d faults killed, in %s\n", len(chosen)-bad, len(chosen), time.Since(began).Round(time.Second))
	if bad > 0 {
		return fmt.Errorf("%d faults were not killed", bad)
	}
	return nil
}
