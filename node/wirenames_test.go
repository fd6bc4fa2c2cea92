package node

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/protocol"
)

func TestANodeServesTheDHTOfTheSpecification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const want = "/citynode/kad/1.0.0"
		protocols := newMockNet(t).start(t, quiet("gotham")).host.Mux().Protocols()
		if !slices.Contains(protocols, want) {
			t.Errorf("%v has no %s", protocols, want)
		}
	})
}

func TestCitiesAnnounceTheServiceOfTheSpecification(t *testing.T) {
	if got, want := protocol.MDNSService, "_citynode._udp"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
