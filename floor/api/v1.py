"""The table of contents of the interface."""

from floor.api import (
    appointments,
    devices,
    doorstep,
    figures,
    foreign,
    halls,
    health,
    helps,
    journal,
    offers,
    orders,
    ratings,
    sessions,
    stations,
    stories,
    tickets,
    windows,
)
from floor.api.openapi import served

ROUTES = served(
    (
        *health.ROUTES,
        *sessions.ROUTES,
        *halls.ROUTES,
        *tickets.ROUTES,
        *offers.ROUTES,
        *stories.ROUTES,
        *windows.ROUTES,
        *ratings.ROUTES,
        *foreign.ROUTES,
        *appointments.ROUTES,
        *doorstep.ROUTES,
        *figures.ROUTES,
        *orders.ROUTES,
        *helps.ROUTES,
        *stations.ROUTES,
        *devices.ROUTES,
        *journal.ROUTES,
    )
)
