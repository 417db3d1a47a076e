"""Writes the reference pages from the tables in the code; `--check` only tells whether they are up to date."""

import sys
from pathlib import Path

from docs.generate import core, findings, roles, settings

ROOT = Path(__file__).parents[2]
PAGES = {
    "docs/annotations.md": core.annotations,
    "docs/check.md": findings.findings,
    "docs/environment.md": core.environment,
    "docs/rbac.md": roles.page,
    "docs/reasons.md": core.reasons,
    "docs/settings.md": settings.page,
}


def main() -> int:
    stale = []
    for name, page in PAGES.items():
        path, text = ROOT / name, page()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
                print(f"written: {name}")
    if stale and "--check" in sys.argv:
        print(f"not up to date: {', '.join(stale)}; write them with: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
