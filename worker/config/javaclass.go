package config

import (
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// javaClasses and javaInterfaces are public types of Java's own library that
// every JVM has and that are no plugins. Naming one is another mistake than
// naming a class that does not exist, and has another message.
var (
	javaClasses = map[string][]string{
		"java.lang": {
			"Boolean", "Byte", "Character", "Class", "ClassLoader", "Double", "Enum", "Error", "Exception", "Float", "Integer", "Long", "Math", "Module",
			"Number", "Object", "Package", "Process", "ProcessBuilder", "Record", "Runtime", "RuntimeException", "Short", "StackTraceElement", "StrictMath",
			"String", "StringBuffer", "StringBuilder", "System", "Thread", "ThreadGroup", "ThreadLocal", "Throwable", "Void",
			"IllegalArgumentException", "IllegalStateException", "NullPointerException", "UnsupportedOperationException",
		},
		"java.util": {
			"AbstractList", "AbstractMap", "AbstractSet", "ArrayDeque", "ArrayList", "Arrays", "Base64", "BitSet", "Calendar", "Collections", "Currency",
			"Date", "EnumMap", "EnumSet", "Formatter", "GregorianCalendar", "HashMap", "HashSet", "Hashtable", "IdentityHashMap", "LinkedHashMap",
			"LinkedHashSet", "LinkedList", "Locale", "Objects", "Optional", "PriorityQueue", "Properties", "Random", "Scanner", "Stack",
			"StringJoiner", "StringTokenizer", "Timer", "TimeZone", "TreeMap", "TreeSet", "UUID", "Vector", "WeakHashMap",
		},
		"java.math": {"BigDecimal", "BigInteger", "MathContext"},
		"java.io":   {"File", "InputStream", "OutputStream", "Reader", "Writer", "IOException"},
		"java.time": {"Duration", "Instant", "LocalDate", "LocalDateTime", "LocalTime", "OffsetDateTime", "ZonedDateTime"},
		"java.net":  {"InetAddress", "Socket", "URI", "URL"},
	}
	javaInterfaces = map[string][]string{
		"java.lang": {"AutoCloseable", "CharSequence", "Cloneable", "Comparable", "Iterable", "Runnable"},
		"java.util": {"Collection", "Comparator", "Deque", "Iterator", "List", "Map", "NavigableMap", "Queue", "Set", "SortedMap", "SortedSet"},
		"java.io":   {"Closeable", "Serializable"},
	}
)

// javaClass finds a type of Java's own library.
func javaClass(name string) (string, bool) {
	dot := max(strings.LastIndexByte(name, '.'), 0)
	return name, slices.Contains(javaClasses[name[:dot]], strings.TrimPrefix(name[dot:], ".")) || javaInterface(name)
}

// visibleClass finds a class as Java's class loader does for a connector:
// plugins of all kinds, and Java's own library.
func visibleClass(ps *connect.Plugins) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if class, ok := anyClass(ps)(name); ok {
			return class, true
		}
		return javaClass(name)
	}
}

func javaInterface(name string) bool {
	dot := max(strings.LastIndexByte(name, '.'), 0)
	return slices.Contains(javaInterfaces[name[:dot]], strings.TrimPrefix(name[dot:], "."))
}

// notA is Java's message for a class of the wrong kind.
func notA(class, kind string) string {
	of := "class "
	if javaInterface(class) {
		of = "interface "
	}
	return "Class " + of + class + " does not implement the " + kind + " interface"
}
