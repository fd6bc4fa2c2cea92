package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A reader that went away is an error of the write, not the end of a city.
	signal.Ignore(syscall.SIGPIPE)
	quietLibraries()
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}
