"""Every act a person can do, by whatever door it comes in: may they, do it once, ring the bell."""

from floor.acts.ground import (
    hall_by_id as hall_by_id,
)
from floor.acts.ground import (
    hall_of as hall_of,
)
from floor.acts.ground import (
    pressed as pressed,
)
from floor.acts.ground import (
    ring as ring,
)
from floor.acts.ratings import (
    rate as rate,
)
from floor.acts.tickets import (
    cancel as cancel,
)
from floor.acts.tickets import (
    reprint as reprint,
)
from floor.acts.tickets import (
    restore as restore,
)
from floor.acts.tickets import (
    take as take,
)
from floor.acts.tickets import (
    ticket_of as ticket_of,
)
from floor.acts.windows import (
    AT_WINDOWS as AT_WINDOWS,
)
from floor.acts.windows import (
    arrive as arrive,
)
from floor.acts.windows import (
    call_next as call_next,
)
from floor.acts.windows import (
    call_number as call_number,
)
from floor.acts.windows import (
    close as close,
)
from floor.acts.windows import (
    finish as finish,
)
from floor.acts.windows import (
    hold as hold,
)
from floor.acts.windows import (
    no_show as no_show,
)
from floor.acts.windows import (
    nobody_before as nobody_before,
)
from floor.acts.windows import (
    open_rating as open_rating,
)
from floor.acts.windows import (
    open_window as open_window,
)
from floor.acts.windows import (
    pause as pause,
)
from floor.acts.windows import (
    recall as recall,
)
from floor.acts.windows import (
    resume as resume,
)
from floor.acts.windows import (
    resume_held as resume_held,
)
from floor.acts.windows import (
    transfer as transfer,
)
