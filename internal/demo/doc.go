// Package demo shows a few cities at work, in one process and on loopback: they
// find each other, heroes come, patrol and fight, one city is bombed and healed by
// its neighbours, and in the end all hold the same.
//
// The package tells what happens by the functions of its [Config] and prints
// nothing. It keeps nothing on disk, and all cities have left when [Run] returns.
package demo
