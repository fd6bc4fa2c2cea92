// Package memory tells how much memory this process may use, and keeps down what it uses
// beside what it holds.
package memory
