package main

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

const (
	// askTimeout bounds how long a list waits for one city to speak for
	// itself: a list is of more use now than in full.
	askTimeout = 2 * time.Second
	// asksMax is how many cities are asked at once: few enough for the limits
	// on one peer's connections and streams.
	asksMax = 8
)

// withDetails fills in where the cities that are alive are reached, by a lookup, and
// what they say of themselves now. What cannot be had in askTimeout stays as
// the node has it.
func (d dispatcher) withDetails(ctx context.Context, cities []cityJSON) []cityJSON {
	var asking errgroup.Group
	asking.SetLimit(asksMax)
	for i := range cities {
		if cities[i].Status == string(protocol.StatusAlive) {
			asking.Go(func() error {
				d.addDetails(ctx, &cities[i])
				return nil
			})
		}
	}
	_ = asking.Wait() // no function fails
	return cities
}

// addDetails fills in one city. It opens links of its own, for it runs beside
// others.
func (d dispatcher) addDetails(ctx context.Context, c *cityJSON) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	node := d.Node().Clone()
	defer node.Close()
	info, err := node.Lookup(ctx, c.Name)
	if err != nil || info.ID.String() != c.Peer {
		return // gone meanwhile, or another holder of the name
	}
	c.Addrs = addrTexts(info)
	if c.Restarts != nil {
		return // it is the node itself, which has told
	}
	city := d.LinkTo(c.Name, info)
	defer city.Close()
	reply, err := infoAt(ctx, city)
	if err == nil {
		c.setInfo(reply)
	}
}

// unlistedCity returns a city that the node could look up but does not list.
func (d dispatcher) unlistedCity(ctx context.Context, name string) (cityJSON, error) {
	at, err := d.cityNamed(ctx, name)
	if err != nil {
		return cityJSON{}, err
	}
	reply, err := infoAt(ctx, at)
	if err != nil {
		return cityJSON{}, err
	}
	c := cityJSON{
		Name:   name,
		Peer:   at.Peer().ID.String(),
		Addrs:  addrTexts(at.Peer()),
		Status: string(protocol.StatusAlive),
	}
	c.setInfo(reply)
	return c, nil
}

func infoAt(ctx context.Context, at *dispatch.Link) (protocol.InfoReply, error) {
	var reply protocol.InfoReply
	err := at.Call(ctx, func(c *protocol.Client) (err error) {
		reply, err = c.Info(ctx)
		return err
	})
	if err != nil {
		return protocol.InfoReply{}, fmt.Errorf("ask %s: %w", at, err)
	}
	return reply, nil
}

// addrTexts returns a peer's addresses, each with /p2p.
func addrTexts(info peer.AddrInfo) []string {
	texts := []string{}
	addrs, err := peer.AddrInfoToP2pAddrs(&info)
	if err != nil {
		return texts
	}
	for _, addr := range addrs {
		texts = append(texts, addr.String())
	}
	return texts
}
