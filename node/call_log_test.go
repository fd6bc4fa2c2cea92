package node

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/internal/logging"
	"github.com/citynode/citynode/protocol"
)

func TestAnAdminChangesWhatANodeLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, text := newMockNet(t), new(lines)
		levels := logging.NewLevels(slog.LevelWarn, LogComponents(), nil)
		all := slog.NewTextHandler(text, &slog.HandlerOptions{Level: slog.LevelDebug})
		cfg := quiet("gotham")
		cfg.Logger, cfg.LogLevels = slog.New(logging.NewHandler(levels, "", all)), levels
		gotham := net.start(t, cfg)
		metropolis := net.start(t, quiet("metropolis"), gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		log := func(from *member, to, levels string) (reply protocol.LogReply, err error) {
			err = from.Call(t.Context(), to, func(c *protocol.Client) error {
				reply, err = c.Log(t.Context(), protocol.LogRequest{Levels: levels})
				return err
			})
			return reply, err
		}

		gotham.create(t, "Batman")
		if text.have("Batman") {
			t.Error("heroes are logged at warn")
		}
		reply, err := log(gotham, "gotham", "city=debug")
		if err != nil || reply.Levels != "warn,city=debug" || !slices.Equal(reply.Components, levels.Components()) {
			t.Errorf("the node's own program got %+v, %v", reply, err)
		}
		gotham.create(t, "Robin")
		if !text.have(`level=DEBUG msg="hero came" component=city`) || !text.have("name=Robin") {
			t.Errorf("heroes are not logged at debug:\n%s", text.all.String())
		}
		if _, err := log(gotham, "gotham", "nobody=debug"); !errors.Is(err, protocol.ErrBadRequest) || !strings.Contains(err.Error(), "presence") {
			t.Errorf("an unknown component: %v, want the known ones", err)
		}
		if _, err := log(metropolis, "gotham", ""); !errors.Is(err, protocol.ErrForbidden) {
			t.Errorf("somebody else: %v, want %v", err, protocol.ErrForbidden)
		}
		if _, err := log(metropolis, "metropolis", ""); !errors.Is(err, protocol.ErrUnsupported) {
			t.Errorf("a node without levels: %v, want %v", err, protocol.ErrUnsupported)
		}
	})
}

// What a panic of a call says has whose call it was, and from where.
func TestTheLogNamesACallerAndItsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, text := newMockNet(t), new(lines)
		cfg := quiet("gotham")
		cfg.Logger = slog.New(slog.NewTextHandler(text, nil))
		gotham := net.start(t, cfg)
		metropolis := net.start(t, quiet("metropolis"), gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		gotham.calls.journal, gotham.calls.self = nil, nil // info fails
		_ = metropolis.Call(t.Context(), "metropolis", func(*protocol.Client) error { return nil })
		_ = metropolis.clients.Call(t.Context(), gotham.Peer(), func(c *protocol.Client) error {
			_, err := c.Info(t.Context())
			return err
		})
		want := "component=calls addr=" + metropolis.host.Network().ListenAddresses()[0].String() +
			" caller=" + metropolis.Peer().String()
		if !text.have(want) {
			t.Errorf("the log has no %q:\n%s", want, text.all.String())
		}
	})
}

// The order is that of docs/wire: whether the caller may, the body, whether there are
// levels, and whether those asked for are right.
func TestErrorsOfLogAreJudgedInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		admin, other := newStranger(t, net), newStranger(t, net)
		cfg := quiet("gotham")
		cfg.Admins = append(cfg.Admins, admin.ID())
		gotham := net.start(t, cfg)
		awaitReady(t, gotham)
		malformed, wrong := protocol.RawItem{0xa1, 0x01, 0x00}, protocol.RawItem{0xa1, 0x01, 0x61, 'x'}
		for _, c := range []struct {
			from *stranger
			body protocol.RawItem
			want string
		}{
			{other, malformed, "forbidden"},
			{admin, malformed, "bad_request"},
			{admin, wrong, "unsupported"},
		} {
			c.from.meets(t, gotham)
			request, err := protocol.Marshal(protocol.Request{Method: protocol.MethodLog, ID: newID(), Body: c.body})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.from.answersTo(t, gotham, append(frameHead(len(request)), request...)); !slices.Equal(got, []string{c.want}) {
				t.Errorf("%x: %v, want %s", c.body, got, c.want)
			}
		}
	})
}
