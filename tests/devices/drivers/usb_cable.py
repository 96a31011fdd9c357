"""A USB bus that ends at a printer in another process: what libusb would be asked goes over TCP instead of a cable."""

import errno
import socket
from types import SimpleNamespace
from typing import Any

import usb.core
import usb.util
from usb.backend import IBackend

OUT, IN = 0x01, 0x82


class Bus(IBackend):  # type: ignore[misc]
    """One printer, 0416:5011, as its descriptors would say it."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self.address = (host, int(port))
        self.claimed = self.let_go = 0
        self._cable: socket.socket | None = None

    def enumerate_devices(self) -> list[int]:
        return [1]

    def get_device_descriptor(self, dev: int) -> Any:
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x200, bDeviceClass=0, bDeviceSubClass=0, bDeviceProtocol=0,
            bMaxPacketSize0=64, idVendor=0x0416, idProduct=0x5011, bcdDevice=0x100, iManufacturer=0, iProduct=0,
            iSerialNumber=0, bNumConfigurations=1, address=1, bus=1, port_number=1, port_numbers=(1,), speed=3,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: int, config: int) -> Any:
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=32, bNumInterfaces=1, bConfigurationValue=1, iConfiguration=0,
            bmAttributes=0x80, bMaxPower=50, extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, dev: int, intf: int, alt: int, config: int) -> Any:
        if alt:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=0, bNumEndpoints=2, bInterfaceClass=7,
            bInterfaceSubClass=1, bInterfaceProtocol=2, iInterface=0, extra_descriptors=[],
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: int, ep: int, intf: int, alt: int, config: int) -> Any:
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=(OUT, IN)[ep], bmAttributes=2, wMaxPacketSize=64, bInterval=0,
            bRefresh=0, bSynchAddress=0, extra_descriptors=[],
        )  # fmt: skip

    def open_device(self, dev: int) -> socket.socket:
        try:
            self._cable = socket.create_connection(self.address, 2)
        except OSError as gone:
            raise usb.core.USBError("no such device", None, errno.ENODEV) from gone
        return self._cable

    def close_device(self, dev_handle: socket.socket) -> None:
        dev_handle.close()

    def get_configuration(self, dev_handle: socket.socket) -> int:
        return 1

    def is_kernel_driver_active(self, dev_handle: socket.socket, intf: int) -> bool:
        return not self.let_go

    def detach_kernel_driver(self, dev_handle: socket.socket, intf: int) -> None:
        self.let_go += 1

    def claim_interface(self, dev_handle: socket.socket, intf: int) -> None:
        self.claimed += 1

    def release_interface(self, dev_handle: socket.socket, intf: int) -> None:
        self.claimed -= 1

    def bulk_write(self, dev_handle: socket.socket, ep: int, intf: int, data: Any, timeout: int) -> int:
        assert ep == OUT
        try:
            dev_handle.sendall(bytes(data))
        except OSError as gone:
            raise usb.core.USBError("no such device", None, errno.ENODEV) from gone
        return len(data)

    def bulk_read(self, dev_handle: socket.socket, ep: int, intf: int, buff: Any, timeout: int) -> int:
        assert ep == IN
        dev_handle.settimeout(timeout / 1000)
        try:
            got = dev_handle.recv(len(buff))
        except TimeoutError as silence:
            raise usb.core.USBTimeoutError("timed out", None, errno.ETIMEDOUT) from silence
        if not got:
            raise usb.core.USBError("no such device", None, errno.ENODEV)
        for at, byte in enumerate(got):
            buff[at] = byte
        return len(got)
