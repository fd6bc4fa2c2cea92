// Command performance draws what a run of make bench measured: the cost of a
// merge and of a call against how much a city holds, and the bytes that a sync
// takes against how much two cities differ in.
//
//	make bench | tee bench.txt
//	go run ./docs/performance <bench.txt >docs/performance.svg
package main
