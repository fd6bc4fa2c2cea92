package main

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"slices"
)

// A choice says which faults of the list to make.
type choice struct {
	only   string // the name of one; empty: all
	sample int    // how many to draw; 0: all
	seed   string // what they are drawn by; empty: something random
}

// from returns the chosen ones in the order of the list. It writes how to draw
// a sample again.
func (c choice) from(out io.Writer, all []mutant) ([]mutant, error) {
	switch {
	case c.only != "":
		for _, m := range all {
			if m.name == c.only {
				return []mutant{m}, nil
			}
		}
		return nil, fmt.Errorf("no fault is called %s", c.only)
	case c.sample < 0:
		return nil, fmt.Errorf("a sample of %d", c.sample)
	case c.sample == 0 || c.sample >= len(all):
		return all, nil
	}
	if c.seed == "" {
		c.seed = rand.Text()
	}
	fmt.Fprintf(out, "%d of %d faults; the same again: make mutants SAMPLE=%d SEED=%s\n", c.sample, len(all), c.sample, c.seed)
	random := mathrand.New(mathrand.NewChaCha8(sha256.Sum256([]byte(c.seed))))
	drawn := random.Perm(len(all))[:c.sample]
	slices.Sort(drawn)
	chosen := make([]mutant, 0, c.sample)
	for _, i := range drawn {
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
