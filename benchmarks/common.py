"""What the scripts here share: the project's own class path, the peers' Python, and the processor's name."""
import datetime, json, os, shlex, subprocess, sys

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
shared = os.environ.get("AUTODIDACT_SHARED", os.path.join(root, "..", "shared"))
data = os.path.join(shared, "data", "seed_tasks.jsonl")
python = os.environ.get("PEERS_PYTHON", "python3")


def java(benchmark, *arguments):
    """The command that runs a class of org.autodidact.benchmarks. Build first: mvn -q install -DskipTests.

    $BENCHMARK_CLASSPATH in place of a build: the benchmarks and all that they need. $AUTODIDACT_FIRST_JAR goes before either.
    """
    classes = os.environ.get("BENCHMARK_CLASSPATH", "")
    if not classes:
        classpath = os.path.join(root, "benchmarks", "target", "classpath.txt")
        if not os.path.exists(classpath):
            subprocess.run(["mvn", "-q", "-ntp", "dependency:build-classpath", "-Dmdep.outputFile=" + classpath, "-pl", "benchmarks"], cwd=root, check=True)
        classes = os.path.join(root, "benchmarks", "target", "classes") + ":" + open(classpath).read().strip()
    classes = ":".join(filter(None, [os.environ.get("AUTODIDACT_FIRST_JAR", ""), classes]))
    launcher = open(os.path.join(root, "autodidact")).read()
    flags = [flag for name in ("vectors", "heap") for flag in launcher.split(f'\n{name}="')[1].split('"')[0].split()]
    arenas = launcher.split("MALLOC_ARENA_MAX:-")[1].split("}")[0]
    return ["env", "MALLOC_ARENA_MAX=" + arenas, "java", *flags, "-cp", classes, "org.autodidact.benchmarks." + benchmark, *arguments]


def peer(script, *arguments):
    return [python, os.path.join(shared, "peers", script), *arguments]


def rows(name, command):
    """The JSON lines that a command prints."""
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if out.returncode:
        raise SystemExit(f"{name} failed: {' '.join(command)}")
    return [json.loads(line) for line in out.stdout.splitlines() if line.startswith('{"')]


def machine():
    cpu = next(l for l in open("/proc/cpuinfo") if l.startswith("model name")).split(":")[1].strip()
    flags = next(l for l in open("/proc/cpuinfo") if l.startswith("flags")).split()
    return f"{cpu}, {os.cpu_count()} cores, " + " ".join(f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if f in flags)


def origin():
    """What a table in docs/measurements says of itself: date, commit, processor and command."""
    git = lambda *arguments: subprocess.run(["git", "-C", root, *arguments], stdout=subprocess.PIPE, text=True).stdout.strip()
    commit = git("rev-parse", "--short", "HEAD") + (" with changes" if git("status", "--porcelain", "-uno") else "")
    command = " ".join(["benchmarks/" + os.path.basename(sys.argv[0]), *map(shlex.quote, sys.argv[1:])])
    return f"Measured {datetime.date.today()}, commit {commit}, on {machine()}, by `{command}`.\n"
