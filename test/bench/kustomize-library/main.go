// Kustomize's own library in one process: builds folders of one tree, one after another, and tells in JSON what each took.
//
//	kustomize-library [-program KUSTOMIZE] OUTPUT FOLDER...
//
// Each result is written to OUTPUT as it comes and let go. With -program, that program is started for each folder instead.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

type took struct {
	WallMs float64 `json:"wallMs"`
	// User and system time of all threads.
	CPUMs float64 `json:"cpuMs"`
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}

func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// From the folder to its YAML.
func build(folder string, output io.Writer) (took, error) {
	before, err := processorTime()
	if err != nil {
		return took{}, err
	}
	started := time.Now()
	found, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return took{}, err
	}
	text, err := found.AsYaml()
	if err != nil {
		return took{}, err
	}
	wall := time.Since(started)
	after, err := processorTime()
	if err != nil {
		return took{}, err
	}
	_, err = output.Write(text)
	return took{WallMs: milliseconds(wall), CPUMs: milliseconds(after - before)}, err
}

func start(program, folder string, output io.Writer) (took, error) {
	command := exec.Command(program, "build", folder)
	command.Stdout = output
	command.Stderr = os.Stderr
	started := time.Now()
	if err := command.Run(); err != nil {
		return took{}, err
	}
	state := command.ProcessState
	return took{WallMs: milliseconds(time.Since(started)), CPUMs: milliseconds(state.UserTime() + state.SystemTime())}, nil
}

// Most that was ever resident, in KiB. Not getrusage's, which a process has from its parent. Zero where there is no /proc.
func peakKb() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kb int64
	for _, line := range strings.Split(string(text), "\n") {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			fmt.Sscan(rest, &kb)
		}
	}
	return kb
}

func run(program string, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: kustomize-library [-program KUSTOMIZE] OUTPUT FOLDER...")
	}
	output, err := os.Create(args[0])
	if err != nil {
		return err
	}
	defer output.Close()
	all := make([]took, 0, len(args)-1)
	for _, folder := range args[1:] {
		one := took{}
		if program == "" {
			one, err = build(folder, output)
		} else {
			one, err = start(program, folder, output)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		all = append(all, one)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"builds": all, "peakKb": peakKb()})
}

func main() {
	program := flag.String("program", "", "path of kustomize")
	flag.Parse()
	if err := run(*program, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
