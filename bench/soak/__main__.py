"""Annotators work while everything around them is broken: what was acknowledged is stored once, and nothing else is.

    python -m bench.soak --seconds 720 --kills 200 --out docs/benchmarks/faults.md
    python -m bench.soak --seconds 60 --kills 10 --annotators 4 --only "locked database"

Each fault has its turn, for the same time each but for the kills, which take half of it and go on until there were
`--kills` of them. Annotators are HTTP clients that keep an outbox as the desk does. After each fault they send what is
left, a last round ends, and the database is compared with what they were told. Exit code 1: something was wrong.
"""

import argparse
import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.soak.annotators import Annotator, flush, run
from bench.soak.check import recovers, verdict
from bench.soak.faults import FAULTS, NEED_DISK, NEED_SHIM, Fault, killed
from bench.soak.home import Home, home, small_disk
from bench.tables import table

SLICE = 10.0  # seconds of work between two looks at whether there were enough kills
PAGE = """# Faults

{people} annotators answer at {pace:g} s a key, and a round is trained after each {batch} labels, while the server is
hurt: {total:,} answers were acknowledged in {minutes:.0f} minutes on {cores} cores. After each fault the annotators
send what they have left, and the database is compared with what they were told. *Lost*: acknowledged and not stored.
*Doubled*: stored twice, or never given. *Shown to two*: offered to two people though nobody gave it back. *Rounds lost
or doubled*: a job without its round, a round without its job, or a gap in the numbers. A round that is asked for after
each fault, when nothing is hurt any more, must be done{recovered}.

```
{command}
```

{table}

Faults are real: signals, a second `labeler serve`, a small disk that is filled, files that are overwritten. A library
that is loaded before the C library makes `fsync` fail and moves the clock of all processes (`bench/soak/shim.c`).
"""
LONGEST = 4.0  # times the planned seconds, after which the kills end though there were fewer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=720, help="of work in all, without what follows each fault")
    parser.add_argument("--annotators", type=int, default=10)
    parser.add_argument("--pace", type=float, default=0.8, help="seconds between two answers of a person")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=60, help="labels between two rounds")
    parser.add_argument("--kills", type=int, default=200, help="of processes, at least")
    parser.add_argument("--processes", type=int, default=1, help="that answer the desk's requests, as of `serve`")
    parser.add_argument("--megabytes", type=int, default=600, help="of the small disk")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=list(FAULTS), help="these faults alone")
    parser.add_argument("--out", type=Path, help="Markdown with the table")
    options = parser.parse_args()
    began, lines = time.monotonic(), []
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="labeler-soak-")))
        is_small = stack.enter_context(small_disk(scratch / "home", options.megabytes))
        (scratch / "home").mkdir(exist_ok=True)
        here = stack.enter_context(home(scratch / "home", scratch, options.items, options.batch, options.processes))
        here.wait()
        for line in soaked(here, options, is_small):
            lines.append(line)
            print(json.dumps(line, ensure_ascii=False), flush=True)
        tail = here.log.read_text(errors="replace")[-4000:]
    print(markdown(lines))
    if options.out:
        before = options.out.read_text(encoding="utf-8") if options.out.exists() else ""
        others = before[before.find("\n## ") :] if "\n## " in before else ""  # sections that other attacks have written
        options.out.write_text(document(lines, options, time.monotonic() - began) + others, encoding="utf-8")
    if not all(line["is_good"] for line in lines):
        print(f"Something is wrong. The end of the server's log:\n{tail}", file=sys.stderr)
        raise SystemExit(1)


def soaked(here: Home, options: argparse.Namespace, is_small: bool) -> Iterator[dict[str, Any]]:
    """A line of the table for each fault."""
    rng = random.Random(options.seed)
    people = [Annotator(f"annotator{n}", here, here.ports[0], random.Random(n)) for n in range(options.annotators)]
    names = [
        name
        for name in options.only or FAULTS
        if (here.shim.is_there or name not in NEED_SHIM) and (is_small or name not in NEED_DISK)
    ]
    shares = dict.fromkeys(names, 1.0) | ({n: len(names) - 1 or 1 for n in names if FAULTS[n] is killed})
    before = verdict(here, people)
    for name in names:
        seconds = options.seconds * shares[name] / sum(shares.values())
        times = hurt(here, people, FAULTS[name], rng, seconds, options)
        flush(people, 120)
        recovered = recovers(here, 240)
        after = verdict(here, people)
        yield {
            "fault": name,
            "times": times,
            "acknowledged": after.acknowledged - before.acknowledged,
            "lost": after.lost,
            "doubled": after.doubled,
            "shown_to_two": after.shown_to_two,
            "unsent": after.unsent,
            "refused": after.refused,
            "rounds": after.rounds - before.rounds,
            "rounds_failed": after.rounds_failed - before.rounds_failed,
            "rounds_wrong": after.rounds_wrong,
            "recovered": recovered,
            "failures": sum(a.failures for a in people),
            "is_good": after.is_good and recovered,
        }
        before = after


# wide: all that a fault needs
def hurt(
    here: Home, people: list[Annotator], fault: Fault, rng: random.Random, seconds: float, options: argparse.Namespace
) -> int:
    """How often the home was hurt while the annotators worked for so long."""
    times, began = 0, time.monotonic()
    while True:
        stop, count = threading.Event(), [0]

        def attack(stop: threading.Event = stop, count: list[int] = count) -> None:
            count[0] = fault(here, people, rng, stop)

        attacker = threading.Thread(target=attack)
        attacker.start()
        run(people, min(seconds, SLICE) if fault is killed else seconds, options.pace)
        stop.set()
        attacker.join()
        times += count[0]
        spent = time.monotonic() - began
        if fault is not killed or (times >= options.kills and spent >= seconds) or spent > LONGEST * seconds:
            return times


def markdown(lines: list[dict[str, Any]]) -> str:
    heads = {
        "fault": "fault",
        "times": "times",
        "acknowledged": "answers acknowledged",
        "lost": "lost",
        "doubled": "doubled",
        "shown_to_two": "shown to two",
        "rounds": "rounds",
        "rounds_failed": "failed, and said so",
        "rounds_wrong": "rounds lost or doubled",
    }
    return table([{head: line[key] for key, head in heads.items()} for line in lines])


def document(lines: list[dict[str, Any]], options: argparse.Namespace, seconds: float) -> str:
    """The page of the documentation with these figures."""
    only = "".join(f' --only "{name}"' for name in options.only or ())
    command = f"python -m bench.soak --seconds {options.seconds:g} --kills {options.kills}"
    command += f" --processes {options.processes}" if options.processes > 1 else ""
    command += f" --annotators {options.annotators} --seed {options.seed}{only}"
    total = sum(line["acknowledged"] for line in lines)
    return PAGE.format(
        people=options.annotators,
        pace=options.pace,
        batch=options.batch,
        total=total,
        minutes=seconds / 60,
        cores=os.cpu_count(),
        command=command,
        table=markdown(lines),
        recovered=", and was" if all(line["recovered"] for line in lines) else "; not all were",
    )


if __name__ == "__main__":
    main()
