// Command citynode runs a city, and gives orders to cities that run.
//
// "citynode run" is a node: one city on a libp2p host. "citynode demo" shows a
// few of them at work in one process. All other commands are dispatchers: they
// start a short-lived host with the operator's key, reach one running node,
// and speak the call protocol to it and to the cities that it looks up.
//
// # Files
//
// By the XDG base directories, each with a folder citynode in it:
//
//   - XDG_CONFIG_HOME (else ~/.config): operator.key, the identity of the
//     command line; bootstrap, the list of peers that every run joins.
//   - XDG_STATE_HOME (else ~/.local/state): NETWORK/CITY/identity.key, and what
//     a node keeps between runs.
//   - XDG_RUNTIME_DIR (else a folder of this user in the temporary folder): one
//     file a running node, by which commands and new nodes find it.
//
// # Exit codes
//
//	 0  ok
//	 1  failure; of run also: a part of it did not end in time, nobody reads its
//	    events any more, or a second signal ended it at once
//	 2  usage
//	 3  no node reachable
//	 4  not found
//	 5  refused: dead, forbidden, wrong city, bad request, name taken
//	 6  timeout, or unavailable to the end
//	 8  not converged in time
//	70  the supervisor gave up
//
// Results go to standard output and messages to standard error. Nothing that a
// peer sends reaches the terminal with control characters in it.
package main
