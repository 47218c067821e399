// Package definition reads what an API says of itself, Swagger 2, OpenAPI 3.0 or
// 3.1, and judges parts of messages by it. Schemas are those of gateway/schema.
//
// reader.go goes through a document: openapi.go and swagger.go are what the two
// families write differently. operation.go is what comes of it, and paths.go
// finds the one a request is for.
//
// parameter.go judges what stands in a query, a path, a header or a cookie;
// style.go and deep.go take it apart, and shape.go makes values of texts. media.go tells
// content types apart, form.go and multipart.go make values of bodies.
package definition
