package message

import "bytes"

// What a document takes of the memory for bodies is counted before it is read, by
// the marks of what it is made of: an empty object is two bytes of text and
// hundreds of memory. Marks within texts count too, which are few. Measured, in
// bytes, and rounded up.
const (
	textCost    = 2   // of each byte, which is copied
	objectCost  = 320 // a map for eight members
	itemCost    = 48  // a place in an object or a list, and the value in it
	elementCost = 304 // with a text beside it
	pairCost    = 80  // an attribute
)

// jsonCost is at least what a JSON text takes.
func jsonCost(text []byte) int64 {
	return textCost*int64(len(text)) + objectCost*marks(text, "{") + itemCost*marks(text, "[,:")
}

// xmlCost is the same of XML.
func xmlCost(text []byte) int64 {
	return textCost*int64(len(text)) + elementCost*marks(text, "<") + pairCost*marks(text, "=")
}

// marks is how often one of these bytes stands in a text; of more than a document
// may have nodes, it is refused when they are read.
func marks(text []byte, of string) (n int64) {
	for i := range len(of) {
		n += int64(bytes.Count(text, []byte{of[i]}))
	}
	return min(n, maxNodes)
}
