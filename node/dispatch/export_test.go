package dispatch

// Known returns how many cities the dispatcher has learned of.
func (d *Dispatcher) Known() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.known)
}
