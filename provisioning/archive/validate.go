package archive

// validateFor translates the comparison with a definition. The definition itself is
// not in our grammar yet, so the API is left out.
func validateFor(stage string) translator {
	return func(t *translation, at string, _ *parameter) {
		t.refuse(at, "messages cannot be compared in stage %s: the definition of the export is not taken over", stage)
	}
}
