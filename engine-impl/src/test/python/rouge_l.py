"""Makes rouge_l.json: texts of our own and their ROUGE-L F1 by Google's rouge_score, no stemmer.

    pip install rouge-score
    python rouge_l.py > ../resources/org/autodidact/engine/text/rouge_l.json
"""
import json
import random
import sys

from rouge_score import rouge_scorer

scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
random = random.Random(3)
words = "a the list Write write poem about rain, snow; e.g. 3.5 U.S. don't co-op naïve ÉTÉ 東京 ß İx x_y 10,000 -- _ğ".split()


def text(n):
    return random.choice(["", " ", "\n"]) + " ".join(random.choice(words) for _ in range(n))


pairs = [("", ""), ("", "a"), ("東京", "東京"), ("a b c", "a b c"), ("A-b_c", "a b c"), ("x", "y")]
for _ in range(250):
    a = text(random.randint(0, 90))
    b = text(random.randint(0, 90))
    if random.random() < 0.5:
        parts = a.split(" ")
        for _ in range(random.randint(0, 8)):
            if parts:
                parts[random.randrange(len(parts))] = random.choice(words)
        b = " ".join(parts)
    pairs.append((a, b))
json.dump(
    [{"a": a, "b": b, "f1": scorer.score(a, b)["rougeL"].fmeasure} for a, b in pairs], sys.stdout
)
print()
