package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// answerBytesMax bounds what is read of an answer: more than anybody types.
const answerBytesMax = 256

// A consent is how the user of a command that destroys something agrees to that.
type consent struct {
	yes bool // --yes: agreed beforehand
}

// add adds --yes to a command.
func (c *consent) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask; needed where nobody can be asked and no full id is given")
}

// A casualty is what a command is about to destroy, as a person is shown it.
type casualty struct {
	deed  string // what is done to it: "retire the hero"
	name  string
	id    string // in full
	place string // where it is
}

// agree returns nil if a command may destroy what its argument names. Every command that
// destroys something calls it first.
//
// A person is asked only where one can answer: standard input and standard error are
// terminals, and neither --yes nor --json was given. Look is called only then; it
// finds what is destroyed, and its caller destroys that and nothing else afterwards.
// Anything but y is an error of exit code 1.
//
// Elsewhere a program runs the command. A name or the beginning of an id may mean
// something else by now than when the program was written, so without --yes it is a
// usage error: fullID says whether the argument is an id in full.
func (g *globals) agree(c consent, fullID bool, look func() (casualty, error)) error {
	if c.yes {
		return nil
	}
	if !g.canAsk() {
		if fullID {
			return nil
		}
		return usagef("this cannot be undone, and nobody can be asked: a name or the beginning of an id is not enough").
			withHint("give the full id, or --yes")
	}
	what, err := look()
	if err != nil {
		return err
	}
	return g.ask(what)
}

// canAsk reports whether a person is there who can be asked.
func (g *globals) canAsk() bool {
	in, ok := g.stdin.(*os.File)
	return ok && !g.json && isTerminal(in) && isTerminal(g.stderr)
}

// ask asks whether something is to be destroyed.
func (g *globals) ask(what casualty) error {
	fmt.Fprintf(g.stderr, "%s %s?\n  id     %s\n  place  %s\nThis cannot be undone. Go on? [y/N] ",
		what.deed, printable(what.name), printable(what.id), printable(what.place))
	answer, err := bufio.NewReader(io.LimitReader(g.stdin, answerBytesMax)).ReadString('\n')
	if strings.EqualFold(strings.TrimSpace(answer), "y") {
		return nil
	}
	if err != nil {
		g.notef("") // the answer has not ended the line
	}
	return failf(exitFailure, "not confirmed, nothing was done")
}
