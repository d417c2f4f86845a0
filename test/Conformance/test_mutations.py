"""Mutated node models (mutations.py) are compiled or refused with a diagnostic: no crash, no internal error, no endless work."""
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cases import all_cases, model_of

HERE = Path(__file__).resolve().parent
COUNT = 2000 if os.environ.get("LAIC_CHECK_ALL") else 240
PARTS = 4
LIMIT_S = 60


def chosen():
    """(case, seed) pairs, spread over all node tests."""
    names = sorted(name for name, case in all_cases().items() if case.kind == "node" and model_of(case).graph.node)
    rng = random.Random(20)
    return [(rng.choice(names), seed) for seed in range(COUNT)]


def serve():
    """Worker: `case<TAB>seed` lines in, one line out for each: ok, refused or internal."""
    sys.path.insert(0, sys.argv[2])
    import laic
    from mutations import mutated

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        name, seed = line.strip().split("\t")
        try:
            laic.compile(mutated(model_of(all_cases()[name]), int(seed)))
            answer = "ok"
        except laic.CompilerDefect as error:
            answer = "internal " + str(error).splitlines()[0]
        except laic.CompileError as error:
            text = str(error)
            # Protobuf itself may find the model invalid; everything else must name what is wrong.
            answer = "internal " + text.splitlines()[0] if "internal error" in text or not text.strip() else "refused"
        except laic.Error as error:
            answer = "refused" if str(error).strip() else "internal no message"
        print(answer, file=answers, flush=True)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_crash(part):
    from locations import BUILD

    failures, worker = [], None
    for name, seed in chosen()[part::PARTS]:
        if worker is None:
            worker = subprocess.Popen([sys.executable, __file__, "--serve", str(BUILD / "python")], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=HERE)
        worker.stdin.write(f"{name}\t{seed}\n")
        worker.stdin.flush()
        timer = threading.Timer(LIMIT_S, worker.kill)
        timer.start()
        answer = worker.stdout.readline().strip()
        timer.cancel()
        if not answer:
            failures.append(f"{name}, seed {seed}: the process ended with {worker.wait()}")
            worker = None
        elif answer.startswith("internal"):
            failures.append(f"{name}, seed {seed}: {answer}")
    if worker:
        worker.stdin.close()
        worker.wait()
    assert not failures, "\n".join(failures)


if __name__ == "__main__" and sys.argv[1:2] == ["--serve"]:
    sys.path.insert(0, str(HERE))
    serve()
