#!/usr/bin/env python3
"""DPO on a GPU against TRL's, start counted, each in a process of its own; prints the table of speed and memory.

usage: benchmarks/train_gpu.py [--device cuda] [--pairs 176] [--batch 16] [--kinds bf16 fp32 lora] [--rounds 2] [--without-trl] [--rows FILE]

Seconds are a process's from its start to its last step's end: the JVM's and libtorch's start, Python's imports, the reading of weights and the
reference's pass are counted. Memory is the GPU's as nvidia-smi has it, the most while the process ran less what was taken before; with --device cpu,
which is a dry run of the same commands, the process's own. --rows keeps each row as it comes. Needs ../shared (or $AUTODIDACT_SHARED), the model as a
Hugging Face folder ($MODEL_HF), a Python with TRL ($PEERS_PYTHON), and a build or $BENCHMARK_CLASSPATH; for cuda libtorch's natives for CUDA in
$AUTODIDACT_FIRST_JAR. The first process of ours unpacks them, so that a training of one pair is run before all and not counted.
"""
import argparse, json, os, statistics, subprocess, sys, threading, time
import common

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
ap.add_argument("--pairs", default="176")
ap.add_argument("--batch", default="16")
ap.add_argument("--max-length", default="512")
ap.add_argument("--rounds", type=int, default=2)
ap.add_argument("--kinds", nargs="+", default=["bf16", "fp32"], choices=["bf16", "fp32", "lora"])
ap.add_argument("--without-trl", action="store_true")
ap.add_argument("--rows", default=os.devnull)
a = ap.parse_args()
hf = os.environ["MODEL_HF"]
ranked = os.path.join(common.shared, "data", "ranked_responses.jsonl")


def ours(precision, rank="0", pairs=a.pairs):
    return common.java("TrainBenchmark", hf, ranked, pairs, a.batch, a.max_length, precision, rank, "1", "device=" + a.device)


def trl(*more):
    script = os.path.join(common.root, "benchmarks", "trl_dpo.py")
    return [common.python, script, hf, ranked, "--pairs", a.pairs, "--batch", a.batch, "--max-length", a.max_length, "--device", a.device, *more]


def device_memory():
    """MB that are taken on the first GPU."""
    out = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"], stdout=subprocess.PIPE, text=True)
    return int(out.stdout.split()[0])


def resident(pid):
    try:
        status = open(f"/proc/{pid}/status").read()
    except FileNotFoundError:
        return 0
    return int(status.split("VmHWM:")[1].split()[0]) // 1024 if "VmHWM:" in status else 0


def measured(name, command):
    """The command's JSON line, with the most memory that was taken while it ran."""
    before = device_memory() if a.device == "cuda" else 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    most = [0]

    def watch():
        while process.poll() is None:
            most[0] = max(most[0], device_memory() - before if a.device == "cuda" else resident(process.pid))
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, errors = process.communicate()
    watcher.join()
    lines = [l for l in out.splitlines() if l.startswith('{"')]
    if process.returncode or not lines:
        print(f"{name} failed ({process.returncode}): {' '.join(command)}\n{errors[-3000:]}", file=sys.stderr, flush=True)
        return None
    row = {"name": name, **json.loads(lines[-1]), "memory_mb": most[0]}
    for line in errors.splitlines():
        if "fused attention" in line:
            row["note"] = line
    print(json.dumps(row), file=sys.stderr, flush=True)
    with open(a.rows, "a") as file:
        file.write(json.dumps(row) + "\n")
    return row


kinds = {"bf16": [("TRL bf16", trl("--bf16")), ("autodidact bf16", ours("bf16"))],
         "fp32": [("TRL fp32", trl()), ("autodidact fp32", ours("fp32"))],
         "lora": [("autodidact LoRA bf16", ours("bf16", "16"))]}
against = {"autodidact bf16": "TRL bf16", "autodidact fp32": "TRL fp32", "autodidact LoRA bf16": "TRL bf16"}
if a.device == "cuda":
    measured("warm-up", ours("bf16", pairs="1"))
found = {}
for _ in range(a.rounds):
    for name, command in (c for kind in a.kinds for c in kinds[kind]):
        if not (a.without_trl and name.startswith("TRL")):
            row = measured(name, command)
            if row:
                found.setdefault(name, []).append(row)
if a.device == "cuda":
    print(subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], stdout=subprocess.PIPE, text=True).stdout.strip())
print(common.origin())
middle = lambda name, key: statistics.median(row[key] for row in found[name])
print(f"| {a.pairs} pairs, batch {a.batch}, {a.device} | seconds, start counted | times as fast | tokens/s after the start | memory, MB | ratio | losses of the first steps |")
print("|---|---|---|---|---|---|---|")
for name, rows in found.items():
    peer = against.get(name)
    total, memory = "seconds_from_process_start", "memory_mb"
    fast = f"{middle(peer, total) / middle(name, total):.2f}" if peer in found else ""
    ratio = f"{middle(name, memory) / max(1, middle(peer, memory)):.2f}" if peer in found else ""
    losses = " ".join(f"{float(x):.4f}" for x in rows[0]["losses"][:4])
    print(f"| {name} | {middle(name, total):.1f} | {fast} | {middle(name, 'tokens_per_second'):,.0f} | {middle(name, memory):,.0f} | {ratio} | {losses} |")
missing = [name for kind in a.kinds for name, _ in kinds[kind] if name not in found and not (a.without_trl and name.startswith("TRL"))]
sys.exit(f"without a row: {', '.join(missing)}" if missing else 0)
