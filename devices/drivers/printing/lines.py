"""The lines a printer may hang on: network, serial, USB, a printer node of the system, a file. One line is one talk."""

from __future__ import annotations

import os
import select
import socket
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import msgspec
import serialx
import usb.core
import usb.util
from usb.backend import IBackend

REACH_S = 1.0  # how long a printer may take to be reached
PRINTERS = 7  # USB's class of printers
HARDWARE_PORT = 9100
ADDRESSES = "tcp://HOST:PORT, serial:///dev/ttyUSB0, usb://VENDOR:PRODUCT[/SERIAL], usb:///dev/usb/lp0 or file:///PATH"


class Gone(Exception):
    """The printer can't be reached, or hung up."""


class Line(Protocol):
    """One talk with a printer."""

    def send(self, data: bytes) -> None:
        """Brings bytes to the printer. Gone."""

    def receive(self) -> bytes:
        """The next bytes from it. TimeoutError for silence, Gone."""

    def wait_at_most(self, seconds: float) -> None:
        """How long the next answers may take, or the sending of one piece."""

    def close(self) -> None: ...


class SerialSettings(msgspec.Struct, forbid_unknown_fields=True):
    """Speed and flow control of a serial line, as the switches below the printer say."""

    baud: int = 9600
    flow: str = "none"  # none, xonxoff, rtscts or dsrdtr


def read_address(address: str) -> SplitResult:
    """ValueError for an address that none of the lines can have."""
    place = urlsplit(address)
    usable = place.netloc or place.path if place.scheme in ("tcp", "serial", "usb", "file") else None
    if not usable or (place.scheme == "tcp" and not place.hostname) or (place.scheme == "file" and not place.path):
        raise ValueError(f"printer must be {ADDRESSES}, not {address}")
    if place.scheme == "usb" and place.netloc:
        _usb_ids(place)
    return place


def open_line(place: SplitResult, serial: SerialSettings, usb_backend: IBackend | None = None) -> Line:
    """Reaches the printer. Gone."""
    try:
        match place.scheme:
            case "tcp":
                return Tcp(place.hostname or "", place.port or HARDWARE_PORT)
            case "serial":
                return Serial(place.netloc + place.path, serial)
            case "usb" if place.netloc:
                return Usb(*_usb_ids(place), backend=usb_backend)
            case "usb":
                return Node(place.path)
        return Written(place.path)
    except (OSError, serialx.SerialException, usb.core.USBError) as error:
        raise Gone(str(error)) from error


def one_way(place: SplitResult) -> bool:
    """Whether nothing ever comes back on this line."""
    return place.scheme == "file"


class Tcp:
    """A printer on the network."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), REACH_S)

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:  # a printer that takes nothing more for so long is gone too
            raise Gone(str(error)) from error

    def receive(self) -> bytes:
        try:
            data = self._socket.recv(64)
        except TimeoutError:
            raise
        except OSError as error:
            raise Gone(str(error)) from error
        return _heard(data)

    def wait_at_most(self, seconds: float) -> None:
        self._socket.settimeout(seconds)

    def close(self) -> None:
        self._socket.close()


class Serial:
    """A printer on a serial line. Sending waits for the line itself: a picture of 45 KB takes 4 s at 115200 baud."""

    BITS_A_BYTE = 10

    def __init__(self, port: str, settings: SerialSettings) -> None:
        self._baud, self._wait_s = settings.baud, REACH_S
        flow = settings.flow
        self._port = serialx.serial_for_url(
            port, baudrate=settings.baud, xonxoff=flow == "xonxoff", rtscts=flow == "rtscts", dsrdtr=flow == "dsrdtr"
        )
        self._port.open()

    def send(self, data: bytes) -> None:
        try:
            self._port.write(data, timeout=self._wait_s + len(data) * self.BITS_A_BYTE / self._baud)
        except (OSError, serialx.SerialException) as error:
            raise Gone(str(error)) from error

    def receive(self) -> bytes:
        buffer = bytearray(64)
        try:
            count = self._port.readinto(buffer, timeout=self._wait_s)
        except (OSError, serialx.SerialException) as error:
            raise Gone(str(error)) from error
        if not count:
            raise TimeoutError
        return bytes(buffer[:count])

    def wait_at_most(self, seconds: float) -> None:
        self._wait_s = seconds

    def close(self) -> None:
        self._port.close()


class Node:
    """A USB printer through the system's own driver: bytes in and out of /dev/usb/lp0."""

    def __init__(self, path: str) -> None:
        self._node, self._wait_s = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK), REACH_S

    def send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            if not select.select([], [self._node], [], self._wait_s)[1]:
                raise Gone("the printer takes nothing more")
            try:
                left = left[os.write(self._node, left) :]
            except OSError as error:
                raise Gone(str(error)) from error

    def receive(self) -> bytes:
        if not select.select([self._node], [], [], self._wait_s)[0]:
            raise TimeoutError
        try:
            return _heard(os.read(self._node, 64))
        except OSError as error:
            raise Gone(str(error)) from error

    def wait_at_most(self, seconds: float) -> None:
        self._wait_s = seconds

    def close(self) -> None:
        os.close(self._node)


class Usb:
    """A USB printer by its ids, through libusb: for Windows, and for boxes without the system's printer driver."""

    def __init__(self, vendor: int, product: int, serial: str | None, backend: IBackend | None = None) -> None:
        wanted: dict[str, Any] = {"idVendor": vendor, "idProduct": product, "backend": backend}
        if serial:
            wanted["custom_match"] = lambda device: usb.util.get_string(device, device.iSerialNumber) == serial
        try:
            device = usb.core.find(**wanted)
        except usb.core.NoBackendError as error:
            raise Gone("libusb is not installed here") from error
        if device is None:
            raise Gone(f"no USB printer {vendor:04x}:{product:04x} is plugged in")
        self._device, self._wait_ms = device, round(REACH_S * 1000)
        self._take()

    def _take(self) -> None:
        """Claims the printer's interface and finds its two pipes; the system's own driver lets go of it first."""
        try:
            configuration = self._device.get_active_configuration()
        except usb.core.USBError:  # not configured yet
            self._device.set_configuration()
            configuration = self._device.get_active_configuration()
        interface = usb.util.find_descriptor(configuration, bInterfaceClass=PRINTERS) or configuration[(0, 0)]
        number = interface.bInterfaceNumber
        try:
            if self._device.is_kernel_driver_active(number):
                self._device.detach_kernel_driver(number)
        except NotImplementedError:  # Windows has no driver to let go
            pass
        usb.util.claim_interface(self._device, number)
        ends = {usb.util.endpoint_direction(end.bEndpointAddress): end for end in interface if _is_bulk(end)}
        if usb.util.ENDPOINT_OUT not in ends:
            raise Gone("this USB device has no pipe to print through")
        self._out, self._in = ends[usb.util.ENDPOINT_OUT], ends.get(usb.util.ENDPOINT_IN)

    def send(self, data: bytes) -> None:
        try:
            self._out.write(data, self._wait_ms)
        except usb.core.USBError as error:
            raise Gone(str(error)) from error

    def receive(self) -> bytes:
        if self._in is None:
            raise TimeoutError
        try:
            data = bytes(self._in.read(self._in.wMaxPacketSize, self._wait_ms))
        except usb.core.USBTimeoutError as error:
            raise TimeoutError from error
        except usb.core.USBError as error:
            raise Gone(str(error)) from error
        if not data:
            raise TimeoutError
        return data

    def wait_at_most(self, seconds: float) -> None:
        self._wait_ms = round(seconds * 1000)

    def close(self) -> None:
        usb.util.dispose_resources(self._device)


class Written:
    """A file, or a one-way node: bytes go, nothing comes back."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("ab" if Path(path).is_file() else "wb")  # noqa: SIM115 - closed by close()

    def send(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise Gone(str(error)) from error

    def receive(self) -> bytes:
        raise TimeoutError

    def wait_at_most(self, seconds: float) -> None:
        """A file waits for nothing."""

    def close(self) -> None:
        self._file.close()


def _heard(data: bytes) -> bytes:
    if not data:
        raise Gone("the printer hung up")
    return data


def _is_bulk(end: Any) -> bool:
    return bool(usb.util.endpoint_type(end.bmAttributes) == usb.util.ENDPOINT_TYPE_BULK)


def _usb_ids(place: SplitResult) -> tuple[int, int, str | None]:
    vendor, _, product = place.netloc.partition(":")
    try:
        return int(vendor, 16), int(product, 16), place.path.strip("/") or None
    except ValueError:
        raise ValueError(f"usb://{place.netloc} must name vendor and product as four hex digits each") from None
