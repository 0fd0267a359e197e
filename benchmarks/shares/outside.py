"""bitnet.cpp or llama.cpp from a checkout that the caller has built: their matrix products by test-backend-ops.

Neither is downloaded, and no figure of theirs is in the repository unless somebody has run this.
"""

import re
import subprocess

from . import rows as r

PROGRAMS = ("build/bin/test-backend-ops", "bin/test-backend-ops", "test-backend-ops")
# MUL_MAT(type_a=tq2_0,type_b=f32,m=4096,n=1,k=14336,...):  1000 runs -  85.06 us/run - 117.44 MFLOP/run - 1.38 TFLOPS
LINE = re.compile(
    r"MUL_MAT\(type_a=(?P<type>\w+),type_b=f32,m=(?P<n>\d+),n=(?P<m>\d+),k=(?P<k>\d+).*?(?P<us>[\d.]+) us/run"
)
TYPES = ("tq1_0", "tq2_0", "i2_s", "tl1", "tl2", "q4_0", "q8_0", "f16")


def find(folder):
    """The program in a checkout's usual places."""
    for name in PROGRAMS:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder}: expects one of {', '.join(PROGRAMS)}")


def parse(text):
    """Rows of what the program prints; other lines are not ours to judge."""
    rows = []
    for found in LINE.finditer(re.sub(r"\x1b\[[\d;]*m", "", text)):
        if found["type"] not in TYPES:
            continue
        us = r.rounded(float(found["us"]))
        rows.append(
            {
                "form": "outside",
                "shape": f"{found['n']}x{found['k']}",
                "layout": found["type"],
                "level": "",
                "cache": "hot",
                "threads": 0,
                "m": int(found["m"]),
                "us": [us, us, us],
            }
        )
    return rows


def run(folder):
    """Rows of a checkout; the program chooses shapes and threads itself."""
    done = subprocess.run([str(find(folder)), "perf", "-o", "MUL_MAT"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"test-backend-ops: {done.stderr.strip() or done.stdout.strip()[-500:]}")
    return parse(done.stdout)
