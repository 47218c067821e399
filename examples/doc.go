// Package examples holds one folder per question a newcomer asks: its settings,
// a README.md, and an expect.txt with requests and what comes back for them, in
// the words that examples/partners/expect.txt explains. The tests boot and play
// each of them, and load every yaml block of every README of the project. The
// folder demo is a demonstration in one process.
package examples
