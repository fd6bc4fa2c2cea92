//go:build linux

package netlab

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	tunDevice = "/dev/net/tun"
	// deviceName is the name of the device on each host.
	deviceName = "eth0"
)

// makeTAP makes the device in a namespace and returns its other end. Each Read
// returns a frame that the namespace sends. The namespace receives the frame of
// each Write. The device exists until its other end is closed.
func makeTAP(ns namespace) (tap *os.File, err error) {
	err = ns.do(func() error {
		fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", tunDevice, err)
		}
		if err := configureTAP(fd); err != nil {
			_ = unix.Close(fd)
			return fmt.Errorf("make a TAP device: %w", err)
		}
		tap = os.NewFile(uintptr(fd), "tap of "+string(ns))
		return nil
	})
	return tap, err
}

func configureTAP(fd int) error {
	request, err := unix.NewIfreq(deviceName)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	return unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
}
