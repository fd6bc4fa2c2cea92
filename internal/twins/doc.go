// Package twins finds another process that runs with this node's key, as where a city's
// folder was copied or restored on a second machine. Both would write the same heroes
// under the same orders, and each would take the place of the other in its neighbours'
// eyes.
//
// Each process has a [protocol.Instance], drawn when it starts. Of two that run with one
// key the greater stops. That is judged only by an info on a connection which this process
// has dialed now and which has proved the own key: only the other process can answer there.
// Everything else that tells of a twin may be old, or a lie, and is only a reason to dial.
package twins
