package bootstrap

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multihash"
)

// kadProtocol follows the prefix in the protocol ID of the DHT; the library
// fixes it.
const kadProtocol = "/kad/1.0.0"

// ProvideValidity is how long a node keeps the record that a peer provides a
// name. The storing node forgets the record, so all nodes share the constant.
// Until then lookups dial a dead city in vain, so it is far below the 48 h of
// IPFS. A city has one name, so providing it three times in that span is cheap.
const ProvideValidity = 30 * time.Minute

const (
	// provideEvery is short enough that a record survives two provides that fail.
	provideEvery = ProvideValidity / 3
	// dhtBucketSize is how many peers a node keeps of each distance, and how many
	// peers keep a record. A node connects to all of them, so this number decides
	// what the DHT costs: 60 nodes had 47 connections each and took 12.7 s of CPU to
	// form, but 57 and 21.7 s with the library's defaults (20, and a concurrency of
	// 10). Ten copies, renewed every 10 minutes, do not all vanish between two
	// renewals.
	dhtBucketSize = 10
	// dhtConcurrency is the number of peers that one query asks at once. Kademlia's
	// own 3 keeps the dials of a lookup few. The library's default of 10 suits a
	// network of many thousands where most peers do not answer.
	dhtConcurrency = 3
	// lookupChecksMax bounds the checks of new peers at once.
	lookupChecksMax = 16
)

// NamesConfig says what is advertised and looked up. Digest and Prefix are
// facts of the wire, which the caller's protocol states.
type NamesConfig struct {
	// Digest returns the SHA-256 digest under which a city's name is provided: the
	// key of its provider records is the CIDv1 of codec raw and multihash sha2-256
	// of this digest. It is required.
	Digest func(city string) [sha256.Size]byte
	// Prefix begins the protocol ID of the DHT. Only nodes with the same prefix
	// form one DHT. It is required.
	Prefix string
	// City is the name that is advertised. If it is empty, names are only looked
	// up.
	City string
	// IsCity reports whether a peer that speaks these protocols may be a city that is looked
	// for. Nil takes whoever speaks any. It must not block.
	IsCity func(protocols []protocol.ID) bool
	// Logger takes what heals itself; nil discards it.
	Logger *slog.Logger
}

// Names is a node of the DHT that advertises one city and looks others up.
//
// Anybody can provide any name, and records outlive cities, so the DHT offers
// candidates and never answers.
type Names struct {
	host    host.Host
	dht     *dht.IpfsDHT
	config  NamesConfig
	closing chan struct{}

	candidates *candidates
	dials      chan struct{} // has room for each candidate that is tried

	mu      sync.Mutex // guards closed, and that running does not grow after it is set
	closed  bool
	running sync.WaitGroup // the calls under way
}

// DHTProtocol returns the protocol ID of the DHT with that prefix.
func DHTProtocol(prefix string) protocol.ID { return protocol.ID(prefix + kadProtocol) }

// NewNames starts a server of the DHT on the host. The server runs until Close.
// It serves private networks and loopback like the public network, and accepts
// any number of peers at one address, since many cities may live on one machine.
func NewNames(h host.Host, config NamesConfig) (*Names, error) {
	if config.Digest == nil || config.Prefix == "" {
		return nil, errors.New("names: a digest and a prefix are required")
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	node, err := dht.New(h,
		dht.Mode(dht.ModeServer), // ModeAuto stays a client on private networks
		dht.ProtocolPrefix(protocol.ID(config.Prefix)),
		dht.DisableValues(),
		dht.ProviderDatastore(newProviderStore()),
		dht.ProviderManagerOpts(
			records.ProvideValidity(ProvideValidity),
			records.ProviderAddrTTL(ProvideValidity),
			records.CleanupInterval(provideEvery),
		),
		dht.BucketSize(dhtBucketSize),
		dht.Concurrency(dhtConcurrency),
		dht.LookupCheckConcurrency(lookupChecksMax),
		dht.AddressFilter(addrsTold(h)),
	)
	if err != nil {
		return nil, fmt.Errorf("start the dht: %w", err)
	}
	return &Names{
		host: h, dht: node, config: config, closing: make(chan struct{}),
		candidates: newCandidates(), dials: make(chan struct{}, candidatesInAll),
	}, nil
}

// Close ends Serve, the lookups under way and the DHT, and waits for them.
func (n *Names) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	n.mu.Unlock()
	close(n.closing)
	n.running.Wait()
	n.host.RemoveStreamHandler(DHTProtocol(n.config.Prefix))
	if err := n.dht.Close(); err != nil {
		return fmt.Errorf("close the dht: %w", err)
	}
	return nil
}

var errNamesClosed = errors.New("names: closed")

// begin returns a context that ends with ctx or when Close is called. The caller
// must call end when it is done: Close waits for it.
func (n *Names) begin(ctx context.Context) (_ context.Context, end func(), _ error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, nil, errNamesClosed
	}
	n.running.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-n.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-watched
		n.running.Done()
	}, nil
}

// key returns the key of a city's provider records.
func (n *Names) key(city string) cid.Cid {
	digest := n.config.Digest(city)
	hash, err := multihash.Encode(digest[:], multihash.SHA2_256)
	if err != nil {
		panic(err) // Encode fails only on a length that is not that of the hash
	}
	return cid.NewCidV1(cid.Raw, hash)
}
