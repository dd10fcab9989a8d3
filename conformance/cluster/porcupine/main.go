// Judges histories with porcupine, a checker of linearizability that others wrote, so that the checker of this repository can be
// compared with it. Its models of a key and of a lock are written apart from those in TypeScript, from the same description.
//
// Reads lines of JSON from stdin, one history each, and answers each with a line: true, false, or null when it gave up. Its argument is
// the longest time for one history, such as 3s; 0s is no limit.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

type input struct {
	Kind     string `json:"kind"`
	Value    string `json:"value"`
	Revision int    `json:"revision"`
	Session  string `json:"session"`
}

type found struct {
	Value    string `json:"value"`
	Revision int    `json:"revision"`
}

type output struct {
	Found   *found  `json:"found"`
	Applied *bool   `json:"applied"`
	Holder  *string `json:"holder"`
}

type operation struct {
	Client int     `json:"client"`
	Input  input   `json:"input"`
	Output *output `json:"output"`
	Call   int64   `json:"call"`
	// Null when the outcome is unknown.
	Return *int64 `json:"return"`
}

type history struct {
	Kind       string      `json:"kind"`
	Operations []operation `json:"operations"`
}

type keyState struct {
	value    string
	present  bool
	revision int
	floor    int
}

// A value is written once, so the revision at which any reader saw it is the revision of its write.
func keyModel(operations []operation) porcupine.Model {
	revisions := map[string]int{}
	for _, each := range operations {
		if each.Output != nil && each.Output.Found != nil {
			revisions[each.Output.Found.Value] = each.Output.Found.Revision
		}
	}
	write := func(state keyState, value string) (bool, keyState) {
		revision, seen := revisions[value]
		if !seen {
			return true, keyState{value: value, present: true, revision: -1, floor: state.floor}
		}
		return revision > state.floor, keyState{value: value, present: true, revision: revision, floor: revision}
	}
	step := func(anyState, anyInput, anyOutput interface{}) (bool, interface{}) {
		state, in := anyState.(keyState), anyInput.(input)
		out, _ := anyOutput.(*output)
		removed := keyState{floor: state.floor}
		switch in.Kind {
		case "get":
			if out == nil {
				return true, state
			}
			if out.Found == nil {
				return !state.present, state
			}
			return state.present && out.Found.Value == state.value && out.Found.Revision == state.revision, state
		case "delete":
			return true, removed
		case "put":
			possible, after := write(state, in.Value)
			if !possible && out == nil {
				return true, state
			}
			return possible, after
		case "cas", "delete-cas":
			holds := state.revision == in.Revision || (in.Kind == "delete-cas" && !state.present)
			possible, after := true, removed
			if in.Kind == "cas" {
				possible, after = write(state, in.Value)
			}
			if out == nil {
				if holds && possible {
					return true, after
				}
				return true, state
			}
			if *out.Applied != holds {
				return false, state
			}
			if !holds {
				return true, state
			}
			return possible, after
		}
		panic("unknown operation " + in.Kind)
	}
	return porcupine.Model{Init: func() interface{} { return keyState{} }, Step: step}
}

type lockState struct {
	holder string
	ended  string
}

var lockModel = porcupine.Model{
	Init: func() interface{} { return lockState{} },
	Step: func(anyState, anyInput, anyOutput interface{}) (bool, interface{}) {
		state, in := anyState.(lockState), anyInput.(input)
		out, _ := anyOutput.(*output)
		holds, after := false, state
		switch in.Kind {
		case "read":
			if out == nil {
				return true, state
			}
			seen := ""
			if out.Holder != nil {
				seen = *out.Holder
			}
			return seen == state.holder, state
		case "end":
			if has(state.ended, in.Session) {
				return true, state
			}
			if after.holder == in.Session {
				after.holder = ""
			}
			after.ended = with(state.ended, in.Session)
			return true, after
		case "acquire":
			holds = (state.holder == "" || state.holder == in.Session) && !has(state.ended, in.Session)
			after.holder = in.Session
		case "release":
			holds = state.holder == in.Session
			after.holder = ""
		default:
			panic("unknown operation " + in.Kind)
		}
		if out != nil && *out.Applied != holds {
			return false, state
		}
		if !holds {
			return true, state
		}
		return true, after
	},
}

func has(ended, session string) bool {
	for _, each := range strings.Split(ended, ",") {
		if each == session {
			return true
		}
	}
	return false
}

func with(ended, session string) string {
	all := append(strings.Split(ended, ","), session)
	sort.Strings(all)
	return strings.Trim(strings.Join(all, ","), ",")
}

func judge(line []byte, limit time.Duration) (string, error) {
	var read history
	if err := json.Unmarshal(line, &read); err != nil {
		return "", err
	}
	model := lockModel
	if read.Kind == "key" {
		model = keyModel(read.Operations)
	}
	// An operation of unknown outcome ends after all others, where it may also have no effect.
	var last int64
	for _, each := range read.Operations {
		if each.Call > last {
			last = each.Call
		}
		if each.Return != nil && *each.Return > last {
			last = *each.Return
		}
	}
	var operations []porcupine.Operation
	for _, each := range read.Operations {
		end := last + 1
		if each.Return != nil {
			end = *each.Return
		}
		operations = append(operations, porcupine.Operation{ClientId: each.Client, Input: each.Input, Call: each.Call, Output: each.Output, Return: end})
	}
	switch porcupine.CheckOperationsTimeout(model, operations, limit) {
	case porcupine.Ok:
		return "true", nil
	case porcupine.Illegal:
		return "false", nil
	default:
		return "null", nil
	}
}

func main() {
	limit, err := time.ParseDuration(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		verdict, err := judge(lines.Bytes(), limit)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(verdict)
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
