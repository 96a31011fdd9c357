"""Who goes first, as one ordered list: what each rule does, in a sentence a manager can read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is what the record keeps with a call; `sentence` is what the story of a ticket says."""

    name: str
    sentence: str


# Within a queue the order is rank_at: the moment someone joined, less the credit of their category in minutes. A credit is a
# head start: who has 30 minutes overtakes those who joined in the last 30 minutes and nobody else, so nobody starves.
RULES = (
    Rule("special", "窗口特呼了这张票，不按先后次序"),
    Rule("for_window", "这张票被转到本窗口，只有本窗口能叫"),
    Rule("credit", "此类办事人员有提前量，排在同一时段取号的人之前"),
    Rule("order", "先取号先叫"),
)
