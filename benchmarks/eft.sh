#!/usr/bin/env bash
# Does fine-tuning on judgements make a better judge? EFT data from a ranking (no justifications), SFT on some of it, then both
# judges of the untrained and the fine-tuned model on what was held out.
#   benchmarks/eft.sh MODEL RANKED.jsonl OUT [EXAMPLES] [INSTRUCTIONS]
# EXAMPLES (240) whose lines are below 2,400 characters, so that two cores are done in half an hour; INSTRUCTIONS (100) held out are
# judged. AUTODIDACT names the command line, EXCLUDE a file of prompts that nothing is trained on.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
autodidact=${AUTODIDACT:-$here/../autodidact}
model=$1 data=$2 out=$3 examples=${4:-240} instructions=${5:-100}
template=$here/judge_short.txt
$autodidact eft from-ranking --data "$data" --output "$out" --template "$template" ${EXCLUDE:+--exclude "$EXCLUDE"}
awk -v n="$examples" 'length($0) < 2400 && k++ < n' "$out/train.jsonl" > "$out/some.jsonl"
$autodidact train sft --model "$model" --data "$out/some.jsonl" --output "$out/judge" --learning-rate 5e-5 --batch-size 8 \
  --warmup-steps 5 --epochs 1
for judged in "$model" "$out/judge"; do
  for judge in expected-score additive; do
    name=$(basename "$judged")-$judge
    echo "$name"
    $autodidact evaluate judge --model "$judged" --judge $judge --data "$out/held-out.jsonl" --template "$template" \
      --count "$instructions" --max-tokens 16 --precision int8 --output "$out/$name.jsonl" --json | tee "$out/$name.json"
  done
done
