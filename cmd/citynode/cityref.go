package main

import (
	"context"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

// A cityRef is a city as a person names it: by its name, or by its peer ID, which is a
// city's full id.
type cityRef struct {
	name string
	peer peer.ID // "": any that holds the name
}

// parseCityRef reads the name of a city or a peer ID. What can be a city's name is one.
func parseCityRef(text string) (cityRef, error) {
	err := checkCity(text)
	if err == nil {
		return cityRef{name: text}, nil
	}
	if id, notID := peer.Decode(text); notID == nil {
		return cityRef{peer: id}, nil
	}
	return cityRef{}, err
}

// full reports whether the city was named by its full id.
func (r cityRef) full() bool { return r.peer != "" }

// cityMeant returns the link to the city that is meant, and its name.
func (d dispatcher) cityMeant(ctx context.Context, ref cityRef) (*dispatch.Link, string, error) {
	if ref.name == "" {
		view, err := d.view(ctx)
		if err != nil {
			return nil, "", err
		}
		if ref.name = view.cityOf(ref.peer); ref.name == "" {
			return nil, "", failf(exitNotFound, "the node knows no city of peer %s", ref.peer).
				withHint("see all with %s", d.g.command("city list"))
		}
	}
	at, err := d.cityNamed(ctx, ref.name)
	if err != nil {
		return nil, "", err
	}
	if holder := at.Peer().ID; ref.full() && holder != ref.peer {
		return nil, "", failf(exitRefused, "the name of peer %s, %s, leads to %s", ref.peer, ref.name, holder).
			withHint("the name is contested; reach this one with --node")
	}
	return at, ref.name, nil
}

// cityNamed returns the link to the city of that name, or to the node if the name is empty.
// The error that there is none says what is like it.
func (d dispatcher) cityNamed(ctx context.Context, name string) (*dispatch.Link, error) {
	at, err := d.City(ctx, name)
	if err != nil {
		return nil, d.withSimilarCities(ctx, name, err)
	}
	return at, nil
}

// cityOf returns the name of the city of that peer, "" if the node knows none.
func (v view) cityOf(id peer.ID) string {
	for _, line := range v.lines {
		if string(line.Peer) == string(id) {
			return line.Presence.City
		}
	}
	return ""
}

// withSimilarCities adds to an error that no city has that name the names of cities that are
// like it.
func (d dispatcher) withSimilarCities(ctx context.Context, name string, err error) error {
	if exitCode(err) != exitNotFound {
		return err
	}
	view, viewErr := d.view(ctx)
	if viewErr != nil {
		return err
	}
	names := make([]string, 0, len(view.lines))
	for _, line := range view.lines {
		if line.Status == protocol.StatusAlive {
			names = append(names, line.Presence.City)
		}
	}
	e := failf(exitNotFound, "%w", err)
	if similar := likeOnes(name, names); len(similar) > 0 {
		return e.withHint("did you mean %s?", strings.Join(similar, ", "))
	}
	return e.withHint("see all with %s", d.g.command("city list"))
}
