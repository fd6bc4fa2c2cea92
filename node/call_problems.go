package node

import (
	"context"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// problemsPerReply keeps a reply with problems well within a frame, also where each has a
// detail of protocol.MessageBytesMax.
const problemsPerReply = 128

// sendProblems sends the problems that this node knows of, its own first. It answers also
// while the own city restarts.
func (c *calls) sendProblems(ctx context.Context, call *protocol.Call) (any, error) {
	lines := []protocol.ProblemLine{}
	for _, p := range c.problems() {
		lines = append(lines, protocol.ProblemLine{
			Problem: p.Code,
			City:    p.City,
			Peer:    []byte(p.Peer),
			Since:   crdt.StampAt(p.Since),
			Detail:  p.Detail,
		})
	}
	for len(lines) > problemsPerReply {
		if err := call.Send(protocol.ProblemsReply{Problems: lines[:problemsPerReply]}); err != nil {
			return nil, err
		}
		lines = lines[problemsPerReply:]
	}
	return protocol.ProblemsReply{Problems: lines}, nil
}
