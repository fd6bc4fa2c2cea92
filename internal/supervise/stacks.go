package supervise

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
)

const (
	// partLabel is the profiler's label of the goroutines of a part, which carry it on to
	// all that they begin. CPU profiles of a program show it too.
	partLabel = "part"
	// stacksBytesMax bounds what is kept of a part's stacks: a hundred goroutines, which
	// are more than any part has that does not serve the streams of others.
	stacksBytesMax = 64 << 10
)

// labeled runs f, and all goroutines that it begins, under the name of a part.
func labeled(ctx context.Context, part string, f func(context.Context)) {
	pprof.Do(ctx, pprof.Labels(partLabel, part), f)
}

// stacksOf returns where the goroutines of a part are, each stack once with how many
// goroutines have it, at most stacksBytesMax bytes. It stops all goroutines of the program
// for a moment.
func stacksOf(part string) []byte {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return nil // a buffer takes everything
	}
	return pickStacks(all.Bytes(), part)
}

// pickStacks returns the stacks of a part from a profile of goroutines in text form, where
// blank lines part the stacks, and a line with the labels follows the first line of each.
func pickStacks(profile []byte, part string) []byte {
	label := fmt.Appendf(nil, "%q:%q", partLabel, part)
	var picked [][]byte
	for stack := range bytes.SplitSeq(profile, []byte("\n\n")) {
		_, rest, _ := bytes.Cut(stack, []byte("\n# labels: "))
		labels, _, _ := bytes.Cut(rest, []byte("\n"))
		if bytes.Contains(labels, label) {
			picked = append(picked, bytes.TrimSpace(stack))
		}
	}
	text := bytes.Join(picked, []byte("\n\n"))
	return text[:min(len(text), stacksBytesMax)]
}
