package connlimit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	manet "github.com/multiformats/go-multiaddr/net"
)

// A conn is a connection that is cut after SilenceMax without a byte, until its
// handshake has proved who is at the other end.
type conn struct {
	manet.Conn
	door   *Door
	silent silent
	timer  *time.Timer
	spoken sync.Once
	proved atomic.Bool
}

// Read reads from the connection. It belongs to one goroutine at a time.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.proved.Load() {
		c.spoken.Do(func() { c.door.spoke(&c.silent) })
		c.timer.Reset(SilenceMax)
		if c.proved.Load() { // it was meanwhile, and the timer was stopped before
			c.timer.Stop()
		}
	}
	return n, err
}

// Close closes the connection.
func (c *conn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// leave ends the watch.
func (c *conn) leave() {
	c.proved.Store(true)
	c.timer.Stop()
	c.spoken.Do(func() { c.door.spoke(&c.silent) })
}

// SetLinger sets what a close does with what was not sent, as net.TCPConn does.
func (c *conn) SetLinger(seconds int) error {
	if of, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return of.SetLinger(seconds)
	}
	return nil
}

// SetKeepAlive sets whether the kernel asks for signs of life, as net.TCPConn does.
func (c *conn) SetKeepAlive(on bool) error {
	if of, ok := c.Conn.(interface{ SetKeepAlive(bool) error }); ok {
		return of.SetKeepAlive(on)
	}
	return nil
}

// SetKeepAlivePeriod sets how often, as net.TCPConn does.
func (c *conn) SetKeepAlivePeriod(every time.Duration) error {
	if of, ok := c.Conn.(interface{ SetKeepAlivePeriod(time.Duration) error }); ok {
		return of.SetKeepAlivePeriod(every)
	}
	return nil
}

// A scope is that of the resource manager. It is how a connection learns that its
// handshake is over: libp2p names the peer then.
type scope struct {
	network.ConnManagementScope
	conn *conn
}

// SetPeer notes whose the connection is.
func (s *scope) SetPeer(p peer.ID) error {
	s.conn.leave()
	return s.ConnManagementScope.SetPeer(p)
}
