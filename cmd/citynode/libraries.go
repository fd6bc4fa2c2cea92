package main

import (
	"log/slog"
	"os"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/gologshim"
)

// quietLibraries keeps libraries from writing to our standard error. What goes
// wrong in them comes back as errors.
func quietLibraries() {
	gologshim.SetDefaultHandler(slog.DiscardHandler)
	golog.SetupLogging(golog.Config{Level: golog.LevelFatal, Stderr: true})
	// quic-go prints a warning where the kernel's buffers are small.
	_ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
}
