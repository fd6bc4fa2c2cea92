package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

// A city takes 16 MiB a second from one caller, and 64 MiB at once. An import leaves a
// quarter of that to whatever else its user does.
const (
	importRate  = 12 << 20
	importBurst = 8 << 20
	// importBytes is about how much is brought at once. A city stores what it is brought
	// before it answers, so a page at a time would wait for its disk a hundred times for as
	// many thousand heroes; 512 KiB are four requests, which the client sends together.
	importBytes = 512 << 10
)

// importRunning merges a backup into a running city.
func (g *globals) importRunning(cmd *cobra.Command, city cityRef, b *backupFile, f importFlags) (done importedJSON, err error) {
	err = g.agree(f.agreed, city.full(), func() (what casualty, err error) {
		city, what, err = g.cityToFill(cmd, city, b)
		return what, err
	})
	if err != nil {
		return done, err
	}
	err = g.dispatchLong(cmd, func(ctx context.Context, d dispatcher, alive func()) error {
		if err := f.checkNetworkOf(b, d.Network()); err != nil {
			return err
		}
		at, name, err := d.cityOrNode(ctx, city)
		if err != nil {
			return err
		}
		alive()
		done, err = d.fill(ctx, at, b, alive)
		done.City, done.Network = name, d.Network()
		return err
	})
	return done, err
}

// cityToFill finds the city that is meant, for a person to agree to this one.
func (g *globals) cityToFill(cmd *cobra.Command, ref cityRef, b *backupFile) (full cityRef, what casualty, err error) {
	err = g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
		at, name, err := d.cityOrNode(ctx, ref)
		if err != nil {
			return err
		}
		full = cityRef{name, at.Peer().ID}
		deed := fmt.Sprintf("Merge %d entries of a backup of %s, taken %s, into the city", b.entries(), b.head.City, timeText(b.head.Taken))
		place := "network " + d.Network() + ", at " + strings.Join(withoutPeer(addrTexts(at.Peer())), " ")
		what = casualty{deed, name, full.peer.String(), place}
		return nil
	})
	return full, what, err
}

// fill brings a backup to a city, batch by batch. One that the city is too busy for is
// brought again; merging it twice changes nothing, though it is not counted as changed then.
func (d dispatcher) fill(ctx context.Context, at *dispatch.Link, b *backupFile, alive func()) (done importedJSON, err error) {
	done = importedJSON{File: b.name, Entries: b.entries()}
	err = at.Call(ctx, func(c *protocol.Client) error {
		info, err := c.Info(ctx)
		done.DigestBefore = info.Summary.Digest.String()
		return err
	})
	if err != nil {
		return done, err
	}
	done.DigestAfter = done.DigestBefore
	pace := rate.NewLimiter(importRate, importBurst)
	p, brought := d.g.newProgress("imported", done.Entries), uint64(0)
	defer p.end()
	err = b.batches(importBytes, func(e crdt.Entries) error {
		if err := pace.WaitN(ctx, entriesBytes(e)); err != nil {
			return err
		}
		var reply protocol.UpdateReply
		err := at.Call(ctx, func(c *protocol.Client) (err error) {
			reply, err = c.Update(ctx, e)
			return err
		})
		if err != nil {
			return err
		}
		alive()
		done.add(reply)
		brought += uint64(e.Len())
		p.at(brought)
		return nil
	})
	if err != nil && brought > 0 {
		err = fmt.Errorf("%d of %d entries were imported, and it may be begun anew: %w", brought, done.Entries, err)
	}
	return done, err
}

// add counts what a city did with a batch.
func (i *importedJSON) add(r protocol.UpdateReply) {
	i.Changed += r.Changed
	i.SkippedFull += r.Full
	i.SkippedFuture += r.Skipped - min(r.Full, r.Skipped)
	i.DigestAfter = r.Summary.Digest.String()
}
