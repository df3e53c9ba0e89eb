// Command sdkgen generates a package's SDK for one language, as that language's host would: Pulumi's own generators,
// which are in the CLI's module where the hosts are not.
//
//	sdkgen LANGUAGE FOLDER LOADER < schema.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: sdkgen LANGUAGE FOLDER LOADER < schema.json"))
	}
	language, folder, target := os.Args[1], os.Args[2], os.Args[3]
	files, err := generate(language, target)
	if err != nil {
		fail(err)
	}
	for name, data := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			fail(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			fail(err)
		}
	}
}

func generate(language, target string) (map[string][]byte, error) {
	client, err := schema.NewLoaderClient(target)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	loader := schema.NewCachedLoader(client)
	var spec schema.PackageSpec
	if err := json.NewDecoder(os.Stdin).Decode(&spec); err != nil {
		return nil, err
	}
	pkg, diagnostics, err := schema.BindSpec(spec, loader, schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, err
	}
	if diagnostics.HasErrors() {
		return nil, diagnostics
	}
	switch language {
	case "python":
		return python.GeneratePackage("sdkgen", pkg, nil, loader)
	case "nodejs":
		return nodejs.GeneratePackage("sdkgen", pkg, nil, nil, true, loader)
	default:
		return nil, fmt.Errorf("no generator for %s", language)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
