"""Counts the tests in the JUnit files of one run of scripts/test; the last line is `N passed, M failed`."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(path):
    """Returns (passed, skipped, failed names) of one JUnit file, whichever runner wrote it."""
    passed = skipped = 0
    failed = []
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
    return passed, skipped, failed


def summarize(folder):
    """Prints a line for each runner, the failed tests and the sum; returns the exit status."""
    passed = 0
    failed = []
    rows = []
    for status in sorted(folder.glob("*.status")):
        name = status.stem
        code = int(status.read_text())
        try:
            counted = count(folder / f"{name}.xml")
        except (OSError, ElementTree.ParseError):
            counted = (0, 0, [f"{name}: exit status {code}, no result file"])
        # A crash after the last test, or a file that could not be collected, is no test case.
        if code != 0 and not counted[2]:
            counted[2].append(f"{name}: exit status {code} without a failed test")
        if counted[0] == 0 and not counted[2]:
            counted[2].append(f"{name}: no test ran")
        rows.append((name, *counted))
        passed += counted[0]
        failed += counted[2]
    for name, good, skipped, bad in rows:
        print(f"{name:28} {good:6} passed {len(bad):4} failed {skipped:4} skipped")
    for name in failed:
        print(f"FAILED {name}")
    if not rows:
        failed.append("nothing ran")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(summarize(Path(sys.argv[1])))
