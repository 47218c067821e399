// Package system is how the process gets along with the machine it runs on: it
// keeps within the memory it is given, says when its file descriptors will not
// do, and tells a service manager how it is.
package system
