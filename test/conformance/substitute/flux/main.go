// Reads cases, a JSON document a line, and answers each with what Flux's kustomize-controller makes of the object: written as YAML, run through
// its envsubst library, read again. The two calls around the library are those of fluxcd/pkg kustomize.SubstituteVariables.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/yaml"
)

type request struct {
	Object    json.RawMessage   `json:"object"`
	Variables map[string]string `json:"variables"`
	Strict    bool              `json:"strict"`
}

type response struct {
	Object  json.RawMessage `json:"object,omitempty"`
	Failure string          `json:"failure,omitempty"`
}

func substitute(asked request) response {
	text, err := yaml.JSONToYAML(asked.Object)
	if err != nil {
		return response{Failure: err.Error()}
	}
	filled, err := envsubst.Eval(string(text), func(name string) (string, bool) {
		value, found := asked.Variables[name]
		return value, found || !asked.Strict
	})
	if err != nil {
		return response{Failure: err.Error()}
	}
	object, err := yaml.YAMLToJSON([]byte(filled))
	if err != nil {
		return response{Failure: err.Error()}
	}
	return response{Object: object}
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 16<<20)
	output := json.NewEncoder(os.Stdout)
	for input.Scan() {
		var asked request
		if err := json.Unmarshal(input.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := output.Encode(substitute(asked)); err != nil {
			panic(err)
		}
	}
}
