// Package e2e has the tests of the whole program on a whole network: the real
// citynode binary on several hosts of a laboratory (internal/netlab), with
// links that are slow, lose frames, and are cut, on disks that are full, read-only,
// or forget at a power cut what was not synced (internal/lossyfs), and with clocks
// that are wrong. The binary differs from a user's in one thing: a file of its host's
// may set its clock ahead or back.
//
// Each test states a fact that the cities' users may rely on. They know nothing
// of the program but its command line and its JSON. They take minutes and need
// root, so that they run only where the environment has CITYNODE_E2E=1, as make
// e2e sets it, and are skipped elsewhere. There is nothing to import here.
package e2e
