package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// checkPackageDocs wants one package comment per package: what it is for and what
// it must not know. Two of them are two truths.
func checkPackageDocs(m *module) []fault {
	var faults []fault
	for _, p := range m.packages {
		var documented []*file
		hasCode := false
		for _, f := range p.files {
			hasCode = hasCode || !f.test
			if f.ast.Doc != nil && !f.test && !f.generated {
				documented = append(documented, f)
			}
		}
		switch first := "Package " + p.name + " "; {
		case !hasCode:
		case len(documented) == 0:
			faults = append(faults, fault{p.files[0].path, 1, "package " + p.name + " has no package comment"})
		case len(documented) > 1:
			faults = append(faults, fault{documented[1].path, 1,
				fmt.Sprintf("package %s has a second package comment; the other is in %s", p.name, documented[0].path)})
		default:
			if p.name == "main" {
				first = "Command "
			}
			if !strings.HasPrefix(documented[0].ast.Doc.Text(), first) {
				faults = append(faults, fault{documented[0].path, 1, fmt.Sprintf("the package comment starts with %q", first)})
			}
		}
	}
	return faults
}

// selfExplaining are methods whose meaning the standard library's interfaces fix.
var selfExplaining = map[string]bool{
	"String": true, "Error": true, "Unwrap": true, "Is": true, "As": true,
	"Len": true, "Less": true, "Swap": true, "Close": true, "Read": true, "Write": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true,
}

// checkExportedDocs wants a comment on each exported declaration. A group of
// constants or variables may be explained once, at its head.
func checkExportedDocs(m *module) []fault {
	var faults []fault
	for _, p := range m.packages {
		for _, f := range p.files {
			if f.test || f.generated || p.name == "main" {
				continue
			}
			for _, d := range f.ast.Decls {
				for _, name := range undocumented(d) {
					faults = append(faults, fault{f.path, m.line(name.Pos()), "exported " + name.Name + " has no comment"})
				}
			}
		}
	}
	return faults
}

// undocumented names what a declaration exports without a comment.
func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d) && !selfExplaining[d.Name.Name]) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		if d.Doc != nil && (d.Tok != token.TYPE || !d.Lparen.IsValid()) {
			return nil
		}
		var names []*ast.Ident
		for _, spec := range d.Specs {
			names = append(names, undocumentedSpec(spec)...)
		}
		return names
	}
	return nil
}

func undocumentedSpec(spec ast.Spec) []*ast.Ident {
	var names []*ast.Ident
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Doc == nil && s.Comment == nil && s.Name.IsExported() {
			names = append(names, s.Name)
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if s.Doc == nil && s.Comment == nil && n.IsExported() {
				names = append(names, n)
			}
		}
	}
	return names
}

func exportedReceiver(d *ast.FuncDecl) bool {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}
