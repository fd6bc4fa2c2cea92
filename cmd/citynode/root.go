package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// execute runs the command line and gives the exit code.
func execute(args []string, stdout, stderr io.Writer) int {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(context.Background())
	report(stderr, err, asksForJSON(args))
	if isCheck(cmd.Name(), args) {
		return monitorCode(err)
	}
	return exitCode(err)
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	g := &globals{stdin: os.Stdin, stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "citynode",
		Short: "A city of a leaderless cluster, and the commands to it",
		Long: `citynode runs cities that hold a common state of superheroes, with no leader
and no central server, and gives orders to them.

Start with a show of it:      citynode demo
Then run a city:              citynode run gotham
and, in another terminal:     citynode run metropolis
and give orders:              citynode hero create Batman --city gotham

Environment: CITYNODE_HOME is the folder for all that citynode keeps, for services
and users without a home, in place of the XDG base directories; CITYNODE_NODE is
the node to ask, as --node is; CITYNODE_BOOTSTRAP holds peers to join, as run
--bootstrap does; CITY_NAME is the city that run starts; CITYNODE_MDNS=off never
sends multicast; NO_COLOR switches colors off.

Exit codes: 0 ok, 1 failure, 2 usage, 3 no node reachable, 4 not found,
5 refused (dead, forbidden, wrong city, bad request, name taken, one key run
twice), 6 timeout or unavailable to the end, 8 not converged in time, 70 the
supervisor gave up.
status --check has its own: 0 well, 1 warning, 2 ill, 3 not known.
With --json an error is one line on standard error, {"error","code","exit"}, with
"hint" where something can be done about it; "code" is the word for it.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return g.check(cmd) },
		Args:              subcommandOnly,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(flagError)
	g.addFlags(root)
	root.AddCommand(
		newDemo(g), newRun(g),
		newHero(g), newCity(g), newGet(g), newWatch(g),
		newStatus(g), newPeers(g), newPing(g), newBench(g), newWait(g), newLogLevel(g),
		newStates(g), newBootstrap(g), newKey(g), newVersion(g),
	)
	refuseUnknownHelp(root)
	return root
}

// refuseUnknownHelp has the command help refuse what is no command. Cobra's own prints the
// help of the last command that it finds.
func refuseUnknownHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err) // it was made a line above
	}
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		about, unknown, err := root.Find(args)
		if err != nil {
			return usagef("%w", err)
		}
		if err := subcommandOnly(about, unknown); err != nil {
			return err
		}
		about.InitDefaultHelpFlag()
		return about.Help()
	}
}

// newGroup returns a command that only has subcommands.
func newGroup(use, short string, subcommands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			_ = cmd.Help()
			return usagef("%s needs a subcommand", cmd.CommandPath())
		},
	}
	group.AddCommand(subcommands...)
	return group
}

// subcommandOnly refuses what is no subcommand's name.
func subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := usagef("unknown command %q for %q", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		return err.withHint("did you mean %s?", strings.Join(like, ", "))
	}
	return err.withHint("see %s --help", cmd.CommandPath())
}

// exactly asks for that many arguments, whose names it knows.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("%s needs %s", cmd.CommandPath(), strings.Join(names[len(args):], " and ")).
				withHint("see %s --help", cmd.CommandPath())
		case len(args) > len(names):
			return usagef("%s: one argument too many: %q", cmd.CommandPath(), args[len(names)]).
				withHint("a name with spaces needs quotes")
		}
		return nil
	}
}

// atMostOne allows one argument.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%s: one argument too many: %q", cmd.CommandPath(), args[1])
	}
	return nil
}

func flagError(cmd *cobra.Command, err error) error {
	e := usagef("%v", err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if similar := likeOnes(unknown.GetSpecifiedName(), flagNames(cmd)); len(similar) > 0 {
			return e.withHint("did you mean --%s?", strings.Join(similar, ", --"))
		}
	}
	return e.withHint("see %s --help", cmd.CommandPath())
}

// flagNames returns the flags of a command, those of every command included.
func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
