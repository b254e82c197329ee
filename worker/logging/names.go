package logging

import (
	"path"
	"runtime"
	"strings"
	"sync"
)

// Key is the attribute that names the logger of a line, for the few lines that
// are not to go under the name of the code that wrote them.
const Key = "logger"

// connectors begins the names of the connectors' own loggers: the level of
// connector.plc-1, once it is set, holds for all lines of connector plc-1,
// whatever code writes them.
const connectors = "connector."

// Java's loggers of what the worker does too; tools and runbooks know them.
const (
	runtimeName = "org.apache.kafka.connect.runtime."
	storageName = "org.apache.kafka.connect.storage."
	clientsName = "org.apache.kafka.clients"
)

const module = "github.com/millwright-connect/millwright/"

// names are the loggers of our code: of a folder, or of a file in it. Code that
// does what a class of Java's does logs under that class's name, so that what
// people know of Connect's loggers holds here.
var names = map[string]string{
	"worker":                runtimeName + "Worker",
	"worker/herder.go":      runtimeName + "distributed.DistributedHerder",
	"worker/plan.go":        runtimeName + "distributed.DistributedHerder",
	"worker/verbs.go":       runtimeName + "distributed.DistributedHerder",
	"worker/restart.go":     runtimeName + "distributed.DistributedHerder",
	"worker/offsetverbs.go": runtimeName + "distributed.DistributedHerder",
	"worker/member.go":      runtimeName + "distributed.WorkerGroupMember",
	"worker/connector.go":   runtimeName + "WorkerConnector",
	"worker/task.go":        runtimeName + "WorkerTask",
	"worker/source.go":      runtimeName + "WorkerSourceTask",
	"worker/sink.go":        runtimeName + "WorkerSinkTask",
	"worker/exactlyonce.go": runtimeName + "ExactlyOnceWorkerSourceTask",
	"worker/topics.go":      storageName + "KafkaConfigBackingStore",
	"worker/status.go":      storageName + "KafkaStatusBackingStore",
	"worker/assign":         runtimeName + "distributed.IncrementalCooperativeAssignor",
	"worker/config":         runtimeName + "WorkerConfig",
	"worker/group":          runtimeName + "distributed.WorkerCoordinator",
	"worker/kafka":          clientsName,
	"worker/logging":        runtimeName + "Loggers",
	"worker/pipeline":       runtimeName + "errors.LogReporter",
	"worker/state":          storageName + "KafkaConfigBackingStore",
	"worker/topiclog":       "org.apache.kafka.connect.util.KafkaBasedLog",
	"offsets":               storageName + "KafkaOffsetBackingStore",
	"rest":                  runtimeName + "rest.RestServer",
	"connectors/file":       "org.apache.kafka.connect.file",
	"connectors/mirror":     "org.apache.kafka.connect.mirror",
	"connectors/transforms": "org.apache.kafka.connect.transforms",
	"connectors/converters": "org.apache.kafka.connect.converters",
	"cmd/millwright":        "millwright",
}

// Known are the names of the loggers that exist from the start.
func Known() []string {
	known := []string{"org.apache.kafka.connect", "org.apache.kafka", "millwright"}
	for _, n := range names {
		known = append(known, n)
	}
	return known
}

// nameOf returns the logger of the code at a program counter: by names for our
// code, millwright.opcua for connectors/opcua and the like, the import path for
// code of others.
func nameOf(pc uintptr) string {
	if pc == 0 {
		return "millwright"
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return codeName(f.Function, f.File)
}

func codeName(function, file string) string {
	// github.com/a/b/worker/group.(*Member).Run
	slash := strings.LastIndexByte(function, '/')
	dot := strings.IndexByte(function[slash+1:], '.')
	if dot < 0 {
		return "millwright"
	}
	pkg := function[:slash+1+dot]
	own, ours := strings.CutPrefix(pkg, module)
	if !ours {
		if pkg == "main" {
			return "millwright"
		}
		return strings.ReplaceAll(pkg, "/", ".")
	}
	if n, ok := names[own+"/"+path.Base(file)]; ok {
		return n
	}
	if n, ok := names[own]; ok {
		return n
	}
	own = strings.TrimPrefix(own, "connectors/")
	return "millwright." + strings.ReplaceAll(own, "/", ".")
}

// sites remembers the logger of every place in the code that has logged.
type sites struct {
	loggers *Loggers
	byPC    sync.Map // uintptr → *logger
}

func (s *sites) at(pc uintptr) *logger {
	if g, ok := s.byPC.Load(pc); ok {
		return g.(*logger)
	}
	g := s.loggers.logger(nameOf(pc))
	s.byPC.Store(pc, g)
	return g
}
