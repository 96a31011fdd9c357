"""Why the schedule says no."""

from queueing.errors import Refused


class BadNotice(Refused):
    """The file is not a whole notice of one year's holidays."""

    code = "bad_input"


class NoSuchDayType(Refused):
    """The hall has no kind of day called {code}."""

    code = "not_found"


class DayTypeInUse(Refused):
    """The kind of day {code} is one the calendar needs, or days are of it."""


class BadSession(Refused):
    """A session opens, gives its last ticket and closes, in this order, and sessions of a day don't overlap."""

    code = "bad_input"


class SlotFull(Refused):
    """All places of this time are taken."""

    code = "slot_full"


class OutsideHours(Refused):
    """This time can't be booked: the hall is shut then, or it is too soon."""

    code = "outside_hours"


class NotThatDay(OutsideHours):
    """On this day only some matters are done, and what is asked for is not one of them."""


class TooManyBookings(Refused):
    """This person has booked this already, or has too many bookings open."""

    code = "too_many"


class NotBooked(Refused):
    """The booking is {state}: this can't be done with it now."""


class TooEarlyToCheckIn(Refused):
    """A booking is checked in from {minutes} minutes before its time."""

    code = "too_early"


class TooLateToCheckIn(Refused):
    """The booked time is over. Please take a number."""

    code = "too_late"


class NotInThatStage(Refused):
    """The order is {state}: this can't be done with it now."""


class OrderTaken(Refused):
    """An agent has been asked for with this number already."""


class TooManyOrders(Refused):
    """One number is good for the papers of {limit} orders at most."""

    code = "too_many"


class AgentHadEnough(Refused):
    """An agent takes {limit} numbers a day at most."""

    code = "too_many"


class HandInRunning(Refused):
    """An agent has one number at a time: the last one is still waiting or being served."""

    code = "one_live_ticket"


class MachineBusy(Refused):
    """Somebody uses this machine."""


class EscortThere(Refused):
    """Somebody walks with this ticket already."""


class EscortBusy(Refused):
    """They walk with somebody else: end that first."""


class AlreadyCheckedIn(Refused):
    """This booking has become a ticket already."""

    code = "already_checked_in"


class NoSuchRoster(Refused):
    """There is no roster for this week yet."""

    code = "not_found"


class OnLeave(Refused):
    """{clerk} is on leave on that day."""


class BeyondTerms(Refused):
    """This shift goes beyond what {clerk} agreed to, or what rest asks for: it is set with a reason only."""


class ShiftTaken(Refused):
    """{clerk} has a shift on that day already."""


class NotSkilledForZone(Refused):
    """{clerk} can't serve in zone {zone}."""


class NoSuchShift(Refused):
    """There is no such shift."""

    code = "not_found"


class SwapOpen(Refused):
    """A swap of this shift is asked for already."""


class SwapGone(Refused):
    """The swap is {state}: this can't be done with it now."""


class NotOnShift(Refused):
    """By the roster {clerk} does not work in zone {zone} today. A leader or manager may open the window with a reason."""


class NotEnoughOvertime(Refused):
    """{clerk} has {found} minutes of overtime left to take; this leave needs {needed}."""


class NoRest(Refused):
    """{clerk} would have too little rest between shifts, or work too many days in a row."""


class WeekFull(Refused):
    """{clerk} has all the shifts of that week already."""


class OtherHours(NotOnShift):
    """By the roster {clerk} works {begins}–{ends} today. A leader or manager may open the window with a reason."""


class OtherWindow(NotOnShift):
    """By the roster {clerk} works at window {window} today. A leader or manager may open another one with a reason."""


class Solving(Refused):
    """A roster for this week is being worked out."""


class NotAtTheDoor(Refused):
    """One of these matters can be done at the hall only."""

    code = "bad_input"


class VisitAsked(Refused):
    """A visit has been asked for with this ticket or booking already."""


class TooManyVisits(Refused):
    """This telephone has asked for as many visits today as one may."""

    code = "too_many"


class VisitIs(Refused):
    """The visit is {state}: this can't be done with it now."""


class EvidenceMissing(Refused):
    """First name the paper that was shown for the reason."""


class DoorUnknown(Refused):
    """First ask the visitor for name, telephone and address."""


class MattersUnknown(Refused):
    """First ask the visitor what is to be done."""


class NoSuchTeam(Refused):
    """There is no such team."""

    code = "not_found"


class TeamLacksSkill(Refused):
    """Nobody of this team can do one of the matters."""

    code = "not_skilled"


class TeamLacksKit(Refused):
    """This team does not carry what the visit needs."""


class TeamOffDuty(Refused):
    """The team is not on duty for all of this time."""


class TeamBusy(Refused):
    """The team is at another door at that time."""


class NotYourVisit(Refused):
    """Another team goes there."""

    code = "not_allowed"


class TimeIsNear(Refused):
    """The team comes soon: to change the time now, telephone the hall."""


class NotToday(Refused):
    """The visit is on another day."""


class AtWindow(Refused):
    """By the roster {who} works at a window {begins}–{ends} that day. Choose somebody else, change the roster, or send them all
    the same."""


class BadTeam(Refused):
    """A team is two people with the skills and kits it is given, free on that day: {why}"""

    code = "bad_input"


class RoundsSought(Refused):
    """Rounds for this day are being looked for."""


class PlanOvertaken(Refused):
    """The day has moved on since this plan was made."""


class DayOver(Refused):
    """This day is over: nothing can be planned on it."""


class NothingToPlan(Refused):
    """Nobody waits for a visit on this day, and none is planned."""


class StepIs(Refused):
    """This step of the ladder is {state}: it can't be answered now."""


class NothingFree(Refused):
    """No time is free to book."""

    code = "slot_full"


class TeamNotWhole(Refused):
    """The two of the team sign in before they set out."""


class AgreedAlready(Refused):
    """The visitor has agreed already."""


class NoConsent(Refused):
    """First ask the visitor to agree."""


class NotAtTheDoorNow(Refused):
    """Papers are photographed while the team is at the door."""


class TooManyPapers(Refused):
    """This visit has as many photos as one may."""

    code = "too_many"


class PaperGone(Refused):
    """This photo is gone, or it is not yours to see."""

    code = "not_found"


class NoPapersTaken(Refused):
    """No papers were taken along from this visit."""


class HandedIn(Refused):
    """These papers have been handed in already."""


class HandInIs(Refused):
    """These papers have been accepted already."""


class ResultIs(Refused):
    """The result is {result}: this can't be done with it now."""
