package protocol

import (
	"context"
	"fmt"
)

// LogLevelsBytesMax bounds the levels of a LogRequest. All components with a level each
// have a tenth of it.
const LogLevelsBytesMax = 1 << 10

// LogRequest asks from which level on the components of a node are logged, or changes
// that. Only an admin may.
type LogRequest struct {
	// Levels are items with commas between them, which count in their order: LEVEL is that
	// of all components, COMPONENT=LEVEL that of one. Empty: nothing is changed.
	Levels string `cbor:"1,keyasint,omitempty"`
}

// LogReply answers log.
type LogReply struct {
	Levels     string   `cbor:"1,keyasint"` // all of them now, as a LogRequest has them
	Components []string `cbor:"2,keyasint"` // the names that there are
}

func (r *LogRequest) validate() error {
	if len(r.Levels) > LogLevelsBytesMax {
		return fmt.Errorf("levels of %d bytes, at most %d are allowed", len(r.Levels), LogLevelsBytesMax)
	}
	return nil
}

// Log asks for the levels of the node's log, or changes them. The error matches
// ErrForbidden if the caller is no admin, ErrBadRequest if the levels cannot be read, and
// ErrUnsupported if the node's program sees to its log itself.
func (c *Client) Log(ctx context.Context, r LogRequest) (LogReply, error) {
	return unary[LogReply](ctx, c, MethodLog, c.pipe.nextID(), &r)
}
