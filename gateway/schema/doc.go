// Package schema judges values by the schemas of an API's definition: JSON
// Schema 2020-12 as OpenAPI 3.1 has it, and its older forms in OpenAPI 3.0 and
// Swagger 2.
//
// node.go finds values in documents and follows their references; compile.go,
// with keyword.go, makes a Schema of one, and acyclic.go refuses those that would
// never end. check.go judges a value by it: applied.go by the schemas within it,
// object.go, list.go, number.go and text.go by its kind. fault.go says what is
// wrong; equal.go tells what is equal, pattern.go and format.go are what texts
// are compared with, discriminator.go picks one of several schemas, and shape.go
// tells what a value given as text should become.
//
// Why not a library: santhosh-tekuri/jsonschema, which is good at it, judges a
// recursive schema with anyOf in time that doubles with each level that a stranger
// nests, seconds for 20 of them, and cannot be stopped. Here every step counts
// against a budget. The tests compare each outcome with that library's.
package schema
