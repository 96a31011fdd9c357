"""What every actor of the storm tried and what came of it, written down the moment it is known."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["ok", "fail", "info"]


@dataclass
class Op:
    """One request: `ok` was acknowledged, `fail` certainly did nothing, `info` may have acted or not."""

    n: int
    who: str
    act: str
    press: str
    asked: dict[str, Any]
    web: int
    began: float  # wall clock, seconds
    ended: float = 0.0
    outcome: Outcome = "info"
    status: int = 0
    code: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def took(self) -> float:
        return self.ended - self.began

    def __str__(self) -> str:
        return f"#{self.n} {self.who} {self.act} {self.asked} on web {self.web}: {self.outcome} {self.status} {self.code}"


class History:
    """The file of all operations, and the same in memory for the judges."""

    def __init__(self, path: Path):
        self.ops: list[Op] = []
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def invoke(self, who: str, act: str, press: str, asked: dict[str, Any], web: int) -> Op:
        op = Op(len(self.ops), who, act, press, asked, web, time.time())
        self.ops.append(op)
        self._write(op, "invoke", asked)
        return op

    def settle(self, op: Op, outcome: Outcome, status: int, code: str, answer: dict[str, Any], headers: dict[str, str]) -> None:
        op.ended, op.outcome, op.status, op.code, op.answer = time.time(), outcome, status, code, answer
        op.headers = headers
        self._write(op, outcome, {"status": status, "code": code, "answer": answer})

    def _write(self, op: Op, kind: str, value: dict[str, Any]) -> None:
        line = {"n": op.n, "type": kind, "who": op.who, "f": op.act, "press": op.press, "web": op.web, "value": value}
        self._file.write(json.dumps({"at": round(time.time(), 4), **line}, ensure_ascii=False) + "\n")

    def acts(self, *names: str, outcome: Outcome | None = None) -> Iterator[Op]:
        return (op for op in self.ops if op.act in names and outcome in (None, op.outcome))

    def close(self) -> None:
        self._file.close()
