// Package crdttest generates random valid entries for property tests with
// pgregory.net/rapid. Its values are made to collide: few IDs, locations and
// stamps, so that heroes meet their tombstones, versions tie, and equal
// versions carry different content. It is for tests only.
package crdttest
