package schema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
)

// comments are what a package says of its structs and their fields, by Type and
// Type.Field.
type comments map[string]string

func readComments(source fs.FS) (comments, error) {
	names, err := fs.Glob(source, "*.go")
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	found := comments{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return nil, fmt.Errorf("read source: %w", err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parse source: %w", err)
		}
		for _, declared := range file.Decls {
			found.read(declared)
		}
	}
	return found, nil
}

func (c comments) read(declared ast.Decl) {
	group, ok := declared.(*ast.GenDecl)
	if !ok || group.Tok != token.TYPE {
		return
	}
	for _, spec := range group.Specs {
		named := spec.(*ast.TypeSpec)
		c[named.Name.Name] = line(named.Doc, group.Doc)
		fields, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range fields.Fields.List {
			for _, name := range f.Names {
				c[named.Name.Name+"."+name.Name] = line(f.Doc, f.Comment)
			}
		}
	}
}

// line is the first of the comments that says something, as one line.
func line(groups ...*ast.CommentGroup) string {
	for _, group := range groups {
		if text := strings.Join(strings.Fields(group.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}
