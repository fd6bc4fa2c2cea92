package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

// timeoutDefault is how long a command tries before it gives up.
const timeoutDefault = 10 * time.Second

// A globals holds the flags that every command has, and where the output goes.
type globals struct {
	json    bool
	timeout time.Duration
	network string // "": that of the node
	node    string // "": CITYNODE_NODE, or one that runs here

	keyless error // why the command calls with a key in memory; nil: it has the operator's

	stdin          io.Reader
	stdout, stderr io.Writer
}

// command returns a command of citynode as a person is to type it, with the flags that say
// which network and which node it is about.
func (g *globals) command(words string) string {
	command := commandOf(words, g.network)
	if g.node != "" {
		command += " --node " + g.node
	}
	return command
}

// commandOf returns a command of citynode that is about a network, if that is named.
func commandOf(words, network string) string {
	if network != "" {
		words += " --network " + network
	}
	return "citynode " + words
}

func (g *globals) addFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.BoolVar(&g.json, "json", false, "print JSON")
	flags.DurationVar(&g.timeout, "timeout", timeoutDefault, "give up after this time")
	flags.StringVar(&g.network, "network", "", `the network's name (default: that of the node; of run: "main")`)
	flags.StringVar(&g.node, "node", "", "ask this node, a multiaddr that ends in /p2p/PEERID\n"+
		"(default: CITYNODE_NODE, else a node of this user on this machine,\nelse one that mDNS finds)")
}

// check refuses values that no command can use. It runs before every command.
func (g *globals) check(cmd *cobra.Command) error {
	if g.timeout <= 0 {
		return usagef("--timeout is %v, must be more than 0", g.timeout)
	}
	if cmd.Flags().Changed("network") {
		return checkNetwork(g.network)
	}
	return nil
}

func checkNetwork(name string) error {
	if err := protocol.ValidateNetwork(name); err != nil {
		return usagef("%v", err).withHint("a network's name is a DNS label: a-z, 0-9 and inner hyphens, at most 63")
	}
	return nil
}

// refuseFlag returns a usage error if a flag was given that means nothing to the
// command.
func refuseFlag(cmd *cobra.Command, name, hint string) error {
	if !cmd.Flags().Changed(name) {
		return nil
	}
	return usagef("%s has no --%s", cmd.Name(), name).withHint("%s", hint)
}
