#!/usr/bin/env bash
# Selectors × judges × losses on the demo's task, over seeds: a run each, then one table.
#   benchmarks/demo_table.sh OUT [SEEDS] [SELECTORS] [JUDGES] [LOSSES]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
autodidact=${AUTODIDACT:-$here/../autodidact}
out=$1 seeds=${2:-"3 4"} selectors=${3:-"max-min margin best-of-random length-controlled"} judges=${4:-"additive random oracle"}
losses=${5:-"sigmoid ipo simpo"}
mkdir -p "$out"
echo "| selector | judge | loss | seed | M1 | M2 | M3 | judge, pairwise, M1 and M3 |" | tee "$out/table.md"
echo "|---|---|---|---|---|---|---|---|" | tee -a "$out/table.md"
for selector in $selectors; do for judge in $judges; do for loss in $losses; do for seed in $seeds; do
  run=$out/$selector-$judge-$loss-$seed
  [ -s "$run.json" ] || $autodidact demo --output "$run" --seed "$seed" --judge "$judge" --set selector="$selector" \
    --set preference-training.loss="$loss" --json 2> "$run.log" | tail -n 1 > "$run.json"
  numbers=$(grep -o '"verified_mean":[0-9.]*' "$run.json" | cut -d: -f2 | paste -sd'|')
  agreement=$(grep -o '"judge_pairwise_accuracy":[0-9.]*' "$run.json" | cut -d: -f2 | sed -n '1p;$p' | paste -sd',')
  echo "| $selector | $judge | $loss | $seed | ${numbers//|/ | } | $agreement |" | tee -a "$out/table.md"
done; done; done; done
