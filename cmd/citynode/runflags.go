package main

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

// envCity names the city where the command line does not.
const envCity = "CITY_NAME"

// tickMin is the shortest interval of a tick: one that still leaves the city
// time for calls.
const tickMin = time.Millisecond

// runFlags are the flags of run, as given.
type runFlags struct {
	listen, announce    []string
	bootstrap           []string
	bootstrapFile       string
	mdns                bool
	admins              []string
	patrol, fight       time.Duration
	entriesMax          int
	dataDir             string
	ephemeral           bool
	logLevel, logFormat string
	quiet               bool
}

func (f *runFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.listen, "listen", nil, "listen on this multiaddr, such as /ip4/0.0.0.0/tcp/4001 (repeatable)")
	flags.StringArrayVar(&f.announce, "announce", nil, "tell others this address instead of those listened on (repeatable)")
	flags.StringSliceVar(&f.bootstrap, "bootstrap", nil, "join this peer, a multiaddr that ends in /p2p/PEERID, or /dnsaddr/NAME\n(repeatable, or separated by commas)")
	flags.StringVar(&f.bootstrapFile, "bootstrap-file", "", "join the peers in this file, one a line, instead of the kept list")
	flags.BoolVar(&f.mdns, "mdns", true, "look for cities on the local network, where --network or --listen opens it\n(default true, unless CITYNODE_MDNS=off)")
	flags.StringArrayVar(&f.admins, "admin", nil, "let this peer ID bomb the city, as the user who starts it may (repeatable)")
	flags.DurationVar(&f.patrol, "patrol-every", city.DefaultPatrolEvery, "send a hero on patrol so often; 0 never")
	flags.DurationVar(&f.fight, "fight-every", city.DefaultFightEvery, "let a patrolling hero fight so often; 0 never")
	flags.IntVar(&f.entriesMax, "max-entries", 0, "hold at most so many heroes, the dead included; half of them is for admins and\nfor cities that are known (default 4000000, or fewer where memory is short)")
	flags.StringVar(&f.dataDir, "data-dir", "", "keep the city's identity and its store in this folder, instead of one in the state folder")
	flags.BoolVar(&f.ephemeral, "ephemeral", false, "store nothing: what the city holds is lost with the process")
	flags.StringVar(&f.logLevel, "log-level", "warn", "log this and worse to standard error: debug, info, warn, error, off;\nof one component with COMPONENT=LEVEL, such as info,gossip=debug")
	flags.StringVar(&f.logFormat, "log-format", "text", "log as text or json")
	flags.BoolVar(&f.quiet, "quiet", false, "print no events, and no first line of the log")
	cmd.Flags().Lookup("mdns").DefValue = "" // said in words
}

// plan reads the command line. All that is wrong with it is found before
// anything is started.
func (f *runFlags) plan(cmd *cobra.Command, g *globals, args []string) (*runPlan, error) {
	if err := refuseFlag(cmd, "node", "to join a city that runs elsewhere, use --bootstrap"); err != nil {
		return nil, err
	}
	p := &runPlan{ready: g.readyBy(cmd), quiet: f.quiet}
	p.config.City.Name = os.Getenv(envCity)
	if len(args) == 1 {
		p.config.City.Name = args[0]
	}
	p.config.Network = cmp.Or(g.network, protocol.DefaultNetwork)
	p.config.Open = cmd.Flags().Changed("network") || cmd.Flags().Changed("listen")
	p.config.Software = software()
	p.config.Now = wallClock
	steps := []func(*node.Config) error{
		f.name, f.addresses, f.peers, f.adminPeers, f.ticks,
		f.room, f.folder,
		func(c *node.Config) error { return f.discovery(cmd, c) },
		func(c *node.Config) (err error) { p.log, err = newRunLog(g.stderr, f, c); return err },
	}
	for _, step := range steps {
		if err := step(&p.config); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// readyBy returns how long the city may take to be ready: --timeout if given, else
// as long as it likes.
func (g *globals) readyBy(cmd *cobra.Command) time.Duration {
	if cmd.Flags().Changed("timeout") {
		return g.timeout
	}
	return 0
}

func (f *runFlags) name(c *node.Config) error {
	if c.City.Name == "" {
		return usagef("no name for the city").withHint("citynode run CITY, or set %s", envCity)
	}
	return checkCity(c.City.Name)
}

func (f *runFlags) folder(c *node.Config) (err error) {
	c.Ephemeral = f.ephemeral
	c.DataDir, err = cityFolder(f.dataDir, c.Network, c.City.Name)
	return err
}

func (f *runFlags) addresses(c *node.Config) (err error) {
	if c.Listen, err = parseAddrs("--listen", f.listen, "such as /ip4/0.0.0.0/tcp/4001"); err != nil {
		return err
	}
	c.Announce, err = parseAddrs("--announce", f.announce, "such as /dns4/gotham.example.org/tcp/4001")
	return err
}

// parseAddrs reads the addresses of one flag, which are this node's own and so
// name no peer.
func parseAddrs(flag string, texts []string, example string) ([]ma.Multiaddr, error) {
	var addrs []ma.Multiaddr
	for _, text := range texts {
		addr, err := ma.NewMultiaddr(text)
		if err == nil {
			if _, id := peer.SplitAddr(addr); id != "" {
				err = errors.New("the node's own peer ID is not part of it")
			}
		}
		if err != nil {
			return nil, usagef("%s %q: %w", flag, text, err).withHint("give a multiaddr %s", example)
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

func (f *runFlags) peers(c *node.Config) error {
	named, err := bootstrap.ParsePeers(f.bootstrap)
	if err != nil {
		return usagef("--bootstrap: %w", err).withHint("a city prints its addresses when it starts")
	}
	fromEnv, err := bootstrap.PeersFromEnv()
	if err != nil {
		return usagef("%w", err)
	}
	fromFile, err := f.peersFile()
	if err != nil {
		return usagef("%w", err)
	}
	c.Bootstrap = slices.Concat(named, fromFile, fromEnv)
	if at := slices.IndexFunc(c.Bootstrap, isAway); at >= 0 && !c.Open {
		return usagef("%s is not on this machine, and a city that is told no network stays here", c.Bootstrap[at]).
			withHint("open it with --network %s", c.Network)
	}
	kept, err := f.keptPeers(c)
	if err != nil {
		return usagef("%w", err)
	}
	c.Bootstrap = append(c.Bootstrap, kept...)
	return nil
}

// isAway reports whether an address may be another machine's.
func isAway(addr ma.Multiaddr) bool { return !manet.IsIPLoopback(addr) }

// keptPeers reads the list that citynode bootstrap keeps of the network, if no file was
// named. A city that stays on this machine leaves out who is elsewhere.
func (f *runFlags) keptPeers(c *node.Config) ([]ma.Multiaddr, error) {
	if f.bootstrapFile != "" {
		return nil, nil
	}
	kept, err := bootstrapList(c.Network)
	if err == nil && !c.Open {
		kept = slices.DeleteFunc(kept, isAway)
	}
	return kept, err
}

// peersFile reads the file that was named, if one was.
func (f *runFlags) peersFile() ([]ma.Multiaddr, error) {
	if f.bootstrapFile != "" {
		return bootstrap.ReadPeersFile(f.bootstrapFile)
	}
	return nil, nil
}

func (f *runFlags) adminPeers(c *node.Config) error {
	for _, text := range f.admins {
		id, err := peer.Decode(strings.TrimSpace(text))
		if err != nil {
			return usagef("--admin %q is not a peer ID: %w", text, err).
				withHint("citynode key identity prints that of its user")
		}
		c.Admins = append(c.Admins, id)
	}
	return nil
}

func (f *runFlags) ticks(c *node.Config) (err error) {
	if c.City.PatrolEvery, err = interval("--patrol-every", f.patrol); err != nil {
		return err
	}
	c.City.FightEvery, err = interval("--fight-every", f.fight)
	return err
}

// room reads how many entries the city holds. The node decides where nothing is said.
func (f *runFlags) room(c *node.Config) error {
	if c.EntriesMax = f.entriesMax; c.EntriesMax == 0 {
		return nil
	}
	if err := (city.Config{Name: c.City.Name, EntriesMax: c.EntriesMax}).Validate(); err != nil {
		return usagef("--max-entries: %v", err)
	}
	return nil
}

// interval reads the interval of a tick, of which 0 is off.
func interval(flag string, d time.Duration) (time.Duration, error) {
	switch {
	case d == 0:
		return city.Off, nil
	case d < tickMin:
		return 0, usagef("%s is %v, must be 0 (off) or at least %v", flag, d, tickMin)
	}
	return d, nil
}

// discovery decides on mDNS: on for an open node, unless somebody says no.
func (f *runFlags) discovery(cmd *cobra.Command, c *node.Config) error {
	asked := cmd.Flags().Changed("mdns")
	if asked && f.mdns && !c.Open {
		return usagef("--mdns=true of a city that stays on this machine").
			withHint("open it with --network NAME, or with --listen")
	}
	c.MDNS = c.Open && f.mdns && (asked || !mdnsOff())
	return nil
}
