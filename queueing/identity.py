"""What an ID number tells before it is forgotten: whether it can be one, its last four digits, the day of birth."""

from dataclasses import dataclass
from datetime import date

from queueing.errors import BadInput

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, which takes them from ISO 7064 MOD 11-2
CHECKS = "10X98765432"


@dataclass(frozen=True, slots=True)
class Identity:
    """A paper somebody shows. `number` is for hashing alone; `born` None for a paper that is no Chinese ID card."""

    number: str
    mask: str
    born: date | None

    def age(self, today: date) -> int | None:
        """Whole years on that day."""
        if self.born is None:
            return None
        return today.year - self.born.year - ((today.month, today.day) < (self.born.month, self.born.day))


def read(number: str) -> Identity:
    """An ID card's 18 digits, checked; or another paper's number as it is (passport, permit). BadInput."""
    number = number.strip().upper()
    if not (6 <= len(number) <= 30 and number.isascii() and number.replace("-", "").isalnum()):
        raise BadInput(field="id_number", message="this is no ID number")
    born = None
    if len(number) == 18 and number[:17].isdigit():
        born = birth(number)
        if born is None or CHECKS[sum(w * int(d) for w, d in zip(WEIGHTS, number, strict=False)) % 11] != number[17]:
            raise BadInput(field="id_number", message="this is no ID number")
    return Identity(number, number[-4:], born)


def birth(number: str) -> date | None:
    """The day of birth that stands in digits 7 to 14; None when there is no such day."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
