package supervise

import (
	"context"
	"runtime/debug"
)

// live is one life of the child: its start and its run. It calls started once
// if Start succeeds, and ended once, last, however the life ends.
func (c Child) live(ctx context.Context, started func(), ended func(error)) {
	err := errGoexit // stands if the next line neither returns nor panics
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		ended(err)
	}()
	labeled(ctx, c.Name, func(ctx context.Context) { err = c.startAndRun(ctx, started) })
}

func (c Child) startAndRun(ctx context.Context, started func()) error {
	run, err := c.Start(ctx)
	if err != nil {
		return err
	}
	if run == nil {
		return errNothingToRun
	}
	started()
	return run(ctx)
}
