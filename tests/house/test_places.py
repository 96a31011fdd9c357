"""The product names no machine it was made on and no registry it was installed from."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Written apart, so that this file does not find itself.
REGISTRIES = "|".join(["pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.(org|com)", "npm" + r"mirror", "deb" + r"\.debian"])
MACHINE = "|".join(["/" + "work/", "/" + "root/", r"/" + r"home/\w"])


def files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    paths = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def found(pattern: str) -> list[str]:
    compiled = re.compile(pattern.encode())
    return [str(path.relative_to(ROOT)) for path in files() if compiled.search(path.read_bytes())]


def test_no_file_names_a_registry() -> None:
    assert found(REGISTRIES) == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert found(MACHINE) == []
