package main

import (
	"os"
	"strings"
	"time"
)

// clockFile is empty in every program but that of tests, which the linker gives
// the path of a file (-X main.clockFile=PATH). The file holds, as a Go duration,
// how far the clock of the machine is to seem ahead; no file is no difference.
var clockFile string

// wallClock is the clock that a city and the commands about it go by.
var wallClock = clockBy(clockFile)

// clockBy returns the machine's clock, or one that a file sets ahead or back: it is
// read again at each look, so that a clock can be seen to jump.
func clockBy(file string) func() time.Time {
	if file == "" {
		return time.Now
	}
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			return time.Now()
		}
		ahead, err := time.ParseDuration(strings.TrimSpace(string(text)))
		if err != nil {
			return time.Now()
		}
		return time.Now().Round(0).Add(ahead) // wall clock alone: what is monotonic does not jump
	}
}
