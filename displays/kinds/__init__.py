"""The kinds of screen a hall hangs up, each a pure function of the board it shows. KINDS is the list."""

from displays.kinds import led_strip, plate, tv, zone_board

KINDS = {"led_strip": led_strip.show, "zone_board": zone_board.show, "tv": tv.show, "plate": plate.show}
